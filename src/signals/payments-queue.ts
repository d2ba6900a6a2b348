/** The shop's retry queue, as the control plane reads it: through the Redis that production writes it to. */
import type { Failure } from "../incidents/journal.ts";
import { RetryQueue } from "../payments/retry-queue.ts";
import type { Redis } from "../platform/redis.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { CollectorContext } from "./collectors/collector.ts";

export const queueIn = (redis: Redis, name: string, signal: AbortSignal): RetryQueue =>
  new RetryQueue({ eval: (...asked) => redis.eval(...asked, signal) }, name);

/** For evidence: refused where there is none to read. */
export function queueFor({
  redis,
  payments,
  signal,
}: Pick<CollectorContext, "redis" | "payments" | "signal">): Result<RetryQueue, Failure> {
  if (payments === null) return refuse("site.yaml says nothing of payments");
  if (redis === null) return refuse("REDIS_URL or REDIS_TOKEN is not set");
  return ok(queueIn(redis, payments.queue, signal));
}

/** What `RetryQueue` says by null. */
export const QUEUE_IS_SILENT: Failure = {
  class: "retry",
  detail: "Redis does not answer for the queue",
};

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
