/**
 * Is what the policy says already what guards do? The share of the last seconds' decisions that were made on the newest policy:
 * those on visitors, which guards report, and one on a probe of ours, so that a site without visitors is not in the dark.
 * A guard that had no policy yet counts against it; with no decision at all nothing is known.
 */
import { POLICY_HEADER } from "../../guard/verdict.ts";
import { formatSeq, type PolicySeq } from "../../policy/policy.ts";
import { enforcementLagMs, type PolicyVersion } from "../../policy/receipts.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";
import { defineSource, type Answer, type PollContext } from "../source.ts";

/** Short, so that decisions from before a change leave the window soon after it; the newest second is never quite reported. */
export const ENFORCED_WINDOW_SECONDS = 4;
/** Production may hang, and then the guard that asks it does, too. */
const PROBE_TIMEOUT_MS = 1_000;

/** No policy is newer than this, so the answer holds how far the policy is and not the policy itself. */
const BEYOND_ANY: PolicySeq = { epoch: Number.MAX_SAFE_INTEGER, n: 0 };

/** An older policy is in force or never will be; what it took is in its receipt, `GET /api/v1/policy`. */
export const LAG_WINDOW_SECONDS = 120;

export const guard = defineSource({
  id: "guard",
  emits: ["guard.enforced_ratio", "guard.enforcement_lag_seconds"],
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: PROBE_TIMEOUT_MS + 1_000,

  async poll(context) {
    const { atMs } = context;
    const untilSecond = Math.floor(atMs / 1_000);
    const [{ seq, compiledAtMs, window }, probedSeq] = await Promise.all([
      countedSinceNewest(context, untilSecond),
      decidedOn(context),
    ]);
    const newest = formatSeq(seq);
    let decided = probedSeq === null ? 0 : 1;
    let onNewest = probedSeq === newest ? 1 : 0;
    const lately = window.seconds.filter(
      ({ second }) => second > untilSecond - ENFORCED_WINDOW_SECONDS,
    );
    for (const { policySeqs } of lately) {
      for (const [one, count] of Object.entries(policySeqs)) {
        decided += count;
        if (one === newest) onNewest += count;
      }
    }
    return {
      "guard.enforced_ratio":
        decided === 0
          ? { unknown: "no_data", detail: "no guard decided anything in the last seconds" }
          : { value: onNewest / decided },
      "guard.enforcement_lag_seconds":
        compiledAtMs === null
          ? { unknown: "no_data", detail: "the policy does not say when it was compiled" }
          : lagOf({ seq, compiledAtMs }, window, atMs),
    };
  },
});

async function countedSinceNewest({ policy, traffic }: PollContext, untilSecond: number) {
  const { seq, compiledAtMs = null } = await policy.read(BEYOND_ANY);
  const window = await traffic.window(secondsSince(compiledAtMs, untilSecond), untilSecond);
  return { seq, compiledAtMs, window };
}

/** No more than is needed: most of the time the newest policy has long been in force. */
function secondsSince(compiledAtMs: number | null, untilSecond: number): number {
  const seconds = compiledAtMs === null ? 0 : untilSecond - Math.floor(compiledAtMs / 1_000) + 1;
  return seconds > LAG_WINDOW_SECONDS
    ? ENFORCED_WINDOW_SECONDS
    : Math.max(seconds, ENFORCED_WINDOW_SECONDS);
}

/** What visitors were decided on; our own probe is not one of them. */
function lagOf(version: PolicyVersion, window: OfAllShards<TrafficWindow>, atMs: number): Answer {
  const none = (detail: string): Answer => ({ unknown: "no_data", detail });
  if (window.silentShards > 0) return none("a shard of the counters did not answer");
  if (window.lostFlushes > 0) return none("reports of guards were lost");
  if (version.compiledAtMs < (window.fromSecond + 1) * 1_000) {
    return none("the newest policy is older than what is counted by the second");
  }
  const since = window.seconds.filter(({ second }) => (second + 1) * 1_000 > version.compiledAtMs);
  if (since.every(({ policySeqs }) => Object.keys(policySeqs).length === 0)) {
    return none("no visitor since the newest policy was compiled");
  }
  const lagMs = enforcementLagMs(version, since) ?? Math.max(0, atMs - version.compiledAtMs);
  return { value: lagMs / 1_000 };
}

/** On which policy the guard decides a probe of ours now; null when production fails it, or there is no way through. */
async function decidedOn({ through, probes, signal }: PollContext): Promise<string | null> {
  if (through === null) return null;
  const path = probes[0]?.path ?? "/";
  const headers = await through.sign(path);
  try {
    const response = await through.fetch(through.baseUrl + path, {
      method: "HEAD",
      headers: { ...headers, "user-agent": "firebreak-probe", "cache-control": "no-cache" },
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.headers.get(POLICY_HEADER);
  } catch {
    return null; // Production's failure, which the probes' own ratio tells.
  }
}
