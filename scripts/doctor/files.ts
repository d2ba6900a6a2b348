/** What the playbooks' files alone can tell: are they valid, owned and reviewed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { doctorReport } from "../../src/http/doctor-report.ts";
import { checkPlaybooks } from "../../src/playbooks/check.ts";
import { compilePlaybook } from "../../src/playbooks/compile.ts";
import { formatDiagnostic } from "../../src/playbooks/diagnostics.ts";
import { err, ok, type Result } from "../../src/shared/result.ts";
import { vocabulary } from "../vocabulary.ts";
import type { Report } from "./text.ts";

const FOLDER = fileURLToPath(new URL("../../playbooks", import.meta.url));
const SOURCE =
  "Offline: only the files were checked. What is configured, missing or failing is known to a deployment: give --url, or set FIREBREAK_URL.";

/** The report, or everything that is wrong with the files. */
export function checkFiles(nowMs: number): Result<Report, string> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
    .toSorted()
    .map((name) => ({
      name: `playbooks/${name}`,
      text: readFileSync(join(FOLDER, name), "utf8"),
    }));
  const words = vocabulary();
  const checked = checkPlaybooks(files, words);
  if (!checked.ok) return err(checked.error.map(formatDiagnostic).join("\n"));
  const compiled = checked.value.playbooks.flatMap((bundled) => {
    const one = compilePlaybook(bundled, words);
    return one.ok ? [one.value] : [];
  });
  const {
    ok: isWell,
    site,
    playbooks,
  } = doctorReport({
    playbooks: compiled,
    signals: null,
    sourceOf: () => null,
    parts: null,
    isTickFresh: null,
    lists: null,
    overdue: null,
    overdueItems: null,
    silences: null,
    channels: checked.value.site.channels,
    clientAddress: null,
    nowMs,
  });
  return ok({
    source: SOURCE,
    ok: isWell,
    site: [...site],
    playbooks: playbooks.map(({ playbook, findings }) => ({ playbook, findings: [...findings] })),
  });
}
