/** A journal row in a sentence, for whoever watches the gameday; null for what would only be noise. */
import { z } from "zod";
import type { JournalRow } from "./firebreak.ts";

const data = z.looseObject({
  title: z.string().optional(),
  severity: z.string().optional(),
  rule: z.string().optional(),
  to: z.unknown().optional(),
  why: z.string().optional(),
  text: z.string().optional(),
  actuator: z.string().optional(),
  collector: z.string().optional(),
  summary: z.string().optional(),
  share: z.number().optional(),
  channel: z.string().optional(),
  message: z.string().optional(),
  step: z.string().optional(),
  says: z.string().optional(),
  failure: z.looseObject({ detail: z.string() }).optional(),
  expiresAt: z.string().optional(),
});
type Data = z.infer<typeof data>;

const SENTENCES: Readonly<Record<string, (data: Data) => string>> = {
  "incident.opened": ({ title, severity }) => `incident opened: ${title}, ${severity}`,
  "incident.reopened": ({ why }) => `incident reopened: ${why}`,
  "incident.status_changed": ({ to, why }) => `${String(to)}: ${why}`,
  "incident.acknowledged": () => "acknowledged",
  "incident.escalated": ({ why }) => `ESCALATED: ${why}`,
  "incident.recovery_seen": () => "recovery seen",
  "incident.recovery_lost": () => "RECOVERY LOST",
  "incident.resolved": ({ why }) => `resolved: ${why}`,
  "rule.changed": ({ rule, to }) => `rule ${rule}: ${statusOf(to)}`,
  "evidence.collected": ({ collector, summary }) => `evidence from ${collector}: ${summary}`,
  "evidence.failed": ({ collector }) => `evidence from ${collector}: could not be had`,
  "step.skipped": ({ step, why }) => `step ${step} not taken: ${why}`,
  "lease.proposed": ({ actuator }) => `${actuator} proposed`,
  "lease.selected": ({ says }) => `about ${says}`,
  "lease.widened": ({ says }) => `ALSO about ${says}`,
  "lease.unselected": ({ says }) => `about nobody new: ${says}`,
  "lease.applied": ({ expiresAt }) => `applied, at most until ${expiresAt?.slice(11, 19)}`,
  "lease.effective": () => "seen in force at the guards",
  "lease.ineffective": ({ why }) => `INEFFECTIVE: ${why}`,
  "lease.extended": ({ why }) => `lease renewed: ${why}`,
  "lease.releasing": ({ share, why }) => `${percent(share)} of visitors let back in: ${why}`,
  "lease.rearmed": ({ why }) => `PUT BACK: ${why}`,
  "lease.reverting": ({ why }) => `being taken back: ${why}`,
  "lease.reverted": () => "taken back",
  "lease.expired": () => "LEASE EXPIRED",
  "lease.failed": () => "LEASE FAILED",
  "act.proposed": ({ actuator }) => `${actuator}: looking what it would do`,
  "act.judged": ({ says }) => `it would ${says}`,
  "act.performed": ({ says }) => `DONE: ${says}`,
  "act.effective": () => "seen to have helped",
  "act.ineffective": ({ why }) => `INEFFECTIVE: ${why}`,
  "act.declined": ({ why }) => `not done: ${why}`,
  "act.failed": ({ failure }) => `not done: ${failure?.detail ?? "no reason given"}`,
  "checklist.ticked": ({ text }) => `ticked: ${text}`,
  "checklist.unticked": ({ text }) => `OPEN AGAIN: ${text}`,
  "message.requested": ({ channel, message }) => `message to ${channel}: ${message?.split(":")[0]}`,
  "message.failed": () => "MESSAGE FAILED",
  "postmortem.drafted": () => "post-mortem drafted",
};

export function narrate(row: JournalRow): string | null {
  const sentence = SENTENCES[row.type];
  const read = data.safeParse(row.data);
  return sentence === undefined || !read.success ? null : sentence(read.data);
}

/** How much of the traffic still gets the mitigation, the other way round. */
const percent = (share = 0): string => `${Math.round((1 - share) * 100)} %`;

const statusOf = (state: unknown): string =>
  z.object({ status: z.string() }).safeParse(state).data?.status ?? "unreadable";
