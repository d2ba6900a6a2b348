/** The playbook of an incident that no playbook claims: declared by a person, or opened by an alert. It never resolves by itself. */
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import type { Severity } from "../playbooks/schema.ts";
import { sha256Hex } from "../shared/ids.ts";

export const PLAIN_PLAYBOOK_ID = "plain";

export function plainPlaybook(title: string, severity: Severity): BundledPlaybook {
  const source = "No playbook claims this incident.\n";
  return {
    source,
    sha256: sha256Hex(source),
    spec: {
      schema: "firebreak/v1",
      id: PLAIN_PLAYBOOK_ID,
      title,
      owner: "whoever is on call",
      reviewed: "2026-11-01",
      review_every: "3650d",
      severity: { base: severity, raise: [] },
      params: {},
      inhibits: [],
      detect: { trigger: "any", rules: [] },
      investigate: [],
      mitigate: [],
      recover: { release_after: "30s", stage_for: "30s", stable_for: "5m", reopen_within: "30m" },
      communicate: {},
      checklist: [],
      guide: "",
    },
  };
}
