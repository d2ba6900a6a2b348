/**
 * Is what the policy says already what guards do? The share of the last seconds' decisions that were made on the newest policy:
 * those on visitors, which guards report, and one on a probe of ours, so that a site without visitors is not in the dark.
 * A guard that had no policy yet counts against it; with no decision at all nothing is known.
 */
import { POLICY_HEADER } from "../../guard/verdict.ts";
import { formatSeq, type PolicySeq } from "../../policy/policy.ts";
import { defineSource, type PollContext } from "../source.ts";

/** Short, so that decisions from before a change leave the window soon after it; the newest second is never quite reported. */
export const ENFORCED_WINDOW_SECONDS = 4;
/** Production may hang, and then the guard that asks it does, too. */
const PROBE_TIMEOUT_MS = 1_000;

/** No policy is newer than this, so the answer holds how far the policy is and not the policy itself. */
const BEYOND_ANY: PolicySeq = { epoch: Number.MAX_SAFE_INTEGER, n: 0 };

export const guard = defineSource({
  id: "guard",
  emits: ["guard.enforced_ratio"],
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: PROBE_TIMEOUT_MS + 1_000,

  async poll(context) {
    const { traffic, policy, atMs } = context;
    const [{ seq }, window, probedSeq] = await Promise.all([
      policy.read(BEYOND_ANY),
      traffic.window(ENFORCED_WINDOW_SECONDS, Math.floor(atMs / 1_000)),
      decidedOn(context),
    ]);
    const newest = formatSeq(seq);
    let decided = probedSeq === null ? 0 : 1;
    let onNewest = probedSeq === newest ? 1 : 0;
    for (const { policySeqs } of window.seconds) {
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
    };
  },
});

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
