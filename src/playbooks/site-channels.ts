/** The part of `site.yaml` about channels: where its people are told, and of which incidents. */
import { z } from "zod";
import { PLAIN_PLAYBOOK_ID } from "../incidents/plain.ts";
import { pages } from "../incidents/severity.ts";
import { suggest } from "../shared/suggest.ts";
import type { Problem } from "./problem.ts";
import { severity, type Severity } from "./schema.ts";
import { channelSecret } from "./site-public.ts";
import { id } from "./site-words.ts";

export const CHANNELS_MAX = 16;
export const CHANNEL_PLAYBOOKS_MAX = 64;

export const channel = z.strictObject({
  id,
  kind: id.describe("A channel's kind from the registry, such as webhook"),
  secret: channelSecret,
  /** Which it hears of; with none, it hears only when an escalation names it. */
  severities: z.array(severity).default(["SEV-1", "SEV-2"]),
  /** And of whose incidents; absent: of all. */
  playbooks: z
    .array(id)
    .min(1)
    .max(CHANNEL_PLAYBOOKS_MAX)
    .optional()
    .describe(
      `Hears only of incidents of these playbooks; "${PLAIN_PLAYBOOK_ID}" is what no playbook claims. Left out: of all`,
    ),
});
type Channel = z.infer<typeof channel>;
export type Routed = Pick<Channel, "id" | "severities"> & Partial<Pick<Channel, "playbooks">>;
type Incident = { readonly playbook: string; readonly severity: Severity };

/**
 * The channels that hear of an incident by its severity and its playbook. What wakes people and is taken by none of them, because a
 * playbook was renamed since it opened, is told where its severity is, whatever playbooks are named there.
 */
export function routed<Of extends Routed>(
  channels: readonly Of[],
  { playbook, severity: of }: Incident,
): readonly Of[] {
  const ofSeverity = channels.filter(({ severities }) => severities.includes(of));
  const taking = ofSeverity.filter((one) => takesPlaybook(one, playbook));
  return taking.length === 0 && pages(of) ? ofSeverity : taking;
}

const takesPlaybook = ({ playbooks }: Routed, playbook: string): boolean =>
  playbooks === undefined || playbooks.includes(playbook);

export type Unheard = { readonly severity: Severity; readonly playbooks: readonly string[] };

/** The incidents of each severity that channels hear of, and that none of those takes by its playbook. */
export const unheard = (channels: readonly Routed[], playbooks: readonly string[]): Unheard[] =>
  severity.options
    .map((of) => {
      const heard = channels.filter(({ severities }) => severities.includes(of));
      const isTaken = (playbook: string) => heard.some((one) => takesPlaybook(one, playbook));
      const left = everyPlaybook(playbooks).filter((playbook) => !isTaken(playbook));
      return { severity: of, playbooks: heard.length === 0 ? [] : left };
    })
    .filter(({ playbooks: left }) => left.length > 0);

const everyPlaybook = (playbooks: readonly string[]): readonly string[] => [
  ...new Set([...playbooks, PLAIN_PLAYBOOK_ID]),
];

/** What is named is there, and nothing that wakes people is taken by nobody. */
export function routingProblems(
  channels: readonly Routed[],
  playbooks: readonly string[],
): readonly Problem[] {
  const known = everyPlaybook(playbooks);
  const unknown = channels.flatMap((one, index) =>
    (one.playbooks ?? []).flatMap((named, place) =>
      known.includes(named)
        ? []
        : [
            {
              path: ["channels", index, "playbooks", place],
              message: `unknown playbook "${named}"; ${suggest(named, known)}`,
            },
          ],
    ),
  );
  if (unknown.length > 0) return unknown;
  return unheard(channels, playbooks)
    .filter(({ severity: of }) => pages(of))
    .map(({ severity: of, playbooks: left }) => ({
      path: ["channels"],
      message: `no channel takes ${of} of ${left.join(", ")}, so that nobody would be woken: name them under playbooks of a channel that hears ${of}, or leave playbooks out of one`,
    }));
}
