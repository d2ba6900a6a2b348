/** Signals of the shop's payments: what waits in its retry queue, and what its books cannot explain. */
import * as seen from "./evidence.ts";

export const PAYMENTS = {
  "payments.queued_count": {
    type: "int",
    unit: "payments",
    source: "payments",
    evidence: seen.owed,
    describes: "Payments that wait for another attempt, orders taken unpaid included.",
  },
  "payments.queue_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "payments",
    evidence: seen.owed,
    describes: "How long the oldest of them has waited; 0 when none waits.",
  },
  "payments.given_up_count": {
    type: "int",
    unit: "payments",
    source: "payments",
    evidence: seen.owed,
    describes: "Payments that were tried too often and wait for people.",
  },
  "payments.owing_count": {
    type: "int",
    unit: "orders",
    source: "payments",
    evidence: seen.owed,
    describes: "Orders that were taken unpaid and are not paid yet.",
  },
  "payments.unreconciled_count": {
    type: "int",
    unit: "orders",
    source: "payments",
    evidence: seen.owed,
    describes:
      "Orders that production's books and the providers tell differently (unmatched, double, missing), as production last looked after payments had to wait.",
  },
  "payments.unmatched_count": {
    type: "int",
    unit: "payments",
    source: "payments",
    evidence: seen.rows,
    describes: "Pending payments without a transaction, as the declared query finds them.",
  },
} as const satisfies Record<string, seen.SignalSpec>;
