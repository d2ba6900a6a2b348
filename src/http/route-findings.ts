/** Incidents that no channel would be told of, by their severity and playbook. */
import { pages } from "../incidents/severity.ts";
import { severity, type Severity } from "../playbooks/schema.ts";
import { unheard } from "../playbooks/site-channels.ts";
import type { DoctorInput, Finding } from "./doctor-report.ts";

/** Where there is no channel at all, that is said already. */
export function routeFindings({
  channels,
  playbooks,
}: Pick<DoctorInput, "channels" | "playbooks">): readonly Finding[] {
  if (channels.length === 0) return [];
  const toNobody = severity.options.filter(
    (of) => pages(of) && !channels.some(({ severities }) => severities.includes(of)),
  );
  const ids = playbooks.map(({ spec }) => spec.id);
  return [
    ...toNobody.map((of) =>
      finding(
        of,
        `no channel hears of ${of}`,
        `add ${of} to severities of a channel in playbooks/site.yaml`,
      ),
    ),
    ...unheard(channels, ids).map(({ severity: of, playbooks: left }) =>
      finding(
        of,
        `no channel takes ${of} of ${left.join(", ")}`,
        `in playbooks/site.yaml, name them under playbooks of a channel that hears ${of}, or leave playbooks out of one`,
      ),
    ),
  ];
}

const finding = (id: Severity, detail: string, mend: string): Finding => ({
  kind: "channel",
  id,
  state: "missing",
  detail,
  mend,
});
