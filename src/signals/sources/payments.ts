/** What the shop's payments owe: how much waits to be charged, since when, what was given up, and what its own books cannot explain. */
import { z } from "zod";
import { isSettled, problemCount } from "../../payments/reconciliation.ts";
import type { RetryQueue } from "../../payments/retry-queue.ts";
import type { Redis } from "../../platform/redis.ts";
import { QUEUE_IS_SILENT, queueIn } from "../payments-queue.ts";
import type { Postgres } from "../../platform/postgres.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { STORE_DEADLINE_MS, STORE_EVERY_MS } from "./store.ts";

const UNMATCHED_TIMEOUT_MS = 1_500;
/** More are as bad. */
export const UNMATCHED_MAX = 10_000;

const inQueue = [
  "payments.queued_count",
  "payments.queue_age_seconds",
  "payments.given_up_count",
  "payments.owing_count",
  "payments.unreconciled_count",
] as const;
const emits = [...inQueue, "payments.unmatched_count"] as const;

const counted = z.object({ unmatched: z.int() });

export const payments = defineSource({
  id: "payments",
  emits,
  everyMs: STORE_EVERY_MS,
  busyEvery: "stores_every",
  deadlineMs: STORE_DEADLINE_MS,

  async poll({ redis, postgres, payments: spec, signal }) {
    if (spec === null) {
      return answerAll(emits, {
        unknown: "not_configured",
        detail: "site.yaml says nothing of payments",
      });
    }
    const [queue, unmatched] = await Promise.all([
      askQueue(redis, spec.queue, signal),
      askUnmatched(postgres, spec.unmatched ?? null, signal),
    ]);
    return { ...queue, "payments.unmatched_count": unmatched };
  },
});

async function askQueue(redis: Redis | null, name: string, signal: AbortSignal) {
  if (redis === null) {
    const detail = "REDIS_URL or REDIS_TOKEN is not set";
    return answerAll(inQueue, { unknown: "not_configured", detail });
  }
  const queue = queueIn(redis, name, signal);
  const [state, reconciled] = await Promise.all([queue.state(), queue.reconciled()]);
  if (state === null || reconciled === null) {
    return answerAll(inQueue, {
      unknown: "no_data",
      detail: QUEUE_IS_SILENT.detail,
    });
  }
  return {
    "payments.queued_count": { value: state.queuedCount },
    "payments.queue_age_seconds": { value: state.oldestAgeMs / 1_000 },
    "payments.given_up_count": { value: state.deadCount },
    "payments.owing_count": { value: state.owingCount },
    "payments.unreconciled_count": unreconciled(reconciled),
  };
}

/** What is wrong is wrong until it is looked at again; that nothing is takes a look at all since payments last had to wait. */
function unreconciled({ troubleAtMs, report }: Reconciled): Answer {
  if (report !== null && problemCount(report) > 0) return { value: problemCount(report) };
  if (troubleAtMs === null) return { value: 0 };
  if (report === null || report.startedAtMs < troubleAtMs) {
    const detail = "the books were not held against the providers since a payment had to wait";
    return { unknown: "no_data", detail };
  }
  if (isSettled(report)) return { value: 0 };
  return { unknown: "no_data", detail: "some orders are under way, or a provider did not say" };
}
type Reconciled = NonNullable<Awaited<ReturnType<RetryQueue["reconciled"]>>>;

async function askUnmatched(
  postgres: Postgres | null,
  sql: string | null,
  signal: AbortSignal,
): Promise<Answer> {
  if (sql === null || postgres === null) {
    const detail = sql === null ? "site.yaml has no payments.unmatched" : "POSTGRES_URL is not set";
    return { unknown: "not_configured", detail };
  }
  const text = `SELECT count(*)::int AS unmatched FROM (SELECT 1 FROM (
${sql}
) AS found LIMIT ${UNMATCHED_MAX}) AS counted`;
  const read = await postgres.query(
    { text, row: counted, statementTimeoutMs: UNMATCHED_TIMEOUT_MS },
    signal,
  );
  if (!read.ok) return { unknown: "no_data", detail: `${read.error.kind}, ${read.error.detail}` };
  const [row] = read.value;
  return row === undefined ? { unknown: "malformed" } : { value: row.unmatched };
}
