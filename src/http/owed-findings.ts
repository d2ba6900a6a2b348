/** What people still owe of incidents that are over: post-mortems, and what was agreed on in them. */
import type { IncidentView } from "../incidents/view.ts";
import type { AgreedItem } from "../postmortem/due.ts";
import { clip } from "../shared/clip.ts";
import { utcDate } from "../shared/utc.ts";
import type { DoctorInput, Finding } from "./doctor-report.ts";

const ACTION_CHARS_MAX = 120;

export const owedFindings = ({
  overdue,
  overdueItems,
}: Pick<DoctorInput, "overdue" | "overdueItems">): readonly Finding[] => [
  ...(overdue ?? []).map(postmortemFinding),
  ...(overdueItems ?? []).map(itemFinding),
];

const postmortemFinding = (view: IncidentView): Finding => ({
  kind: "postmortem",
  id: view.id,
  state: "due",
  detail: `${view.severity}, resolved, and its post-mortem is not complete; it waits for ${view.lead ?? "somebody to take it"}`,
  mend: `POST /_firebreak/api/v1/incidents/${view.id}/postmortem/complete, once it is`,
});

const itemFinding = ({ view, item: { action, owner, dueAtMs } }: AgreedItem): Finding => ({
  kind: "action-item",
  id: view.id,
  state: "due",
  detail: `"${clip(action, ACTION_CHARS_MAX)}" was due ${dueAtMs === null ? "" : `on ${utcDate(dueAtMs - 1)}`}; it waits for ${owner ?? "somebody to take it"}`,
  mend: `tick it in the text, or give it another day: PUT /_firebreak/api/v1/incidents/${view.id}/postmortem`,
});
