/** Severities, worst first, with the mission's response times. */
import type { Severity } from "../playbooks/schema.ts";

const RANK: Readonly<Record<Severity, number>> = { "SEV-1": 1, "SEV-2": 2, "SEV-3": 3, "SEV-4": 4 };
const MINUTE_MS = 60_000;

/** How long people have to respond before the incident escalates: the mission's severity table. */
export const RESPONSE_MS: Readonly<Record<Severity, number>> = {
  "SEV-1": 15 * MINUTE_MS,
  "SEV-2": 30 * MINUTE_MS,
  "SEV-3": 2 * 60 * MINUTE_MS,
  "SEV-4": 24 * 60 * MINUTE_MS,
};

/** Is `a` worse than `b`? */
export const isWorse = (a: Severity, b: Severity): boolean => RANK[a] < RANK[b];

/** SEV-1 and SEV-2 wake people; SEV-3 and SEV-4 open a ticket. */
export const pages = (severity: Severity): boolean => RANK[severity] <= 2;
