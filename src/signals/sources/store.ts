/** What a data store's answer to a ping says about it; Postgres and Redis are read alike. */
import type { Answer } from "../source.ts";
import type { StoreFailure } from "../../platform/store-failure.ts";
import type { Result } from "../../shared/result.ts";

/** Asking a store keeps it awake and costs commands: seldom while nobody is there, often once something is going on. */
export const STORE_EVERY_MS = { idle: 3_600_000, busy: 60_000, alert: 5_000 } as const;
/** Slower than this is not reachable. */
export const PING_TIMEOUT_MS = 3_000;
/** The ping's own timeout comes first, so that a hung store is known to be unreachable and not merely unknown. */
export const STORE_DEADLINE_MS = PING_TIMEOUT_MS + 1_000;

/**
 * A store that does not answer is 0, which is known. One that refuses us, or talks nonsense, may serve production well:
 * that is unknown, or a rotated password would be an outage.
 */
export function storeAnswers(pinged: Result<{ readonly tookMs: number }, StoreFailure>): {
  readonly reachable: Answer;
  readonly latency: Answer;
} {
  if (pinged.ok) return { reachable: { value: 1 }, latency: { value: pinged.value.tookMs } };
  const { kind, detail } = pinged.error;
  switch (kind) {
    case "unreachable":
      return { reachable: { value: 0 }, latency: { unknown: "no_data", detail } };
    case "timeout":
      return { reachable: { value: 0 }, latency: { unknown: "timeout", detail } };
    case "refused":
    case "malformed":
      return { reachable: { unknown: kind, detail }, latency: { unknown: kind, detail } };
  }
}

/** The poll's signal, or the ping's own timeout, whichever is first. */
export const pingSignal = (signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(PING_TIMEOUT_MS)]);
