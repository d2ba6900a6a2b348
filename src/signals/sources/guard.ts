/**
 * Is what the policy says already what guards do? The share of the last seconds' decisions that were made on the newest policy.
 * A guard that had no policy yet counts against it; with no decision at all nothing is known.
 */
import { FLUSH_LAG_SECONDS } from "./traffic.ts";
import { defineSource } from "../source.ts";
import { formatSeq, type PolicySeq } from "../../policy/policy.ts";

/** Short, so that decisions from before a change leave the window soon after it. */
export const ENFORCED_WINDOW_SECONDS = 3;

/** No policy is newer than this, so the answer holds how far the policy is and not the policy itself. */
const BEYOND_ANY: PolicySeq = { epoch: Number.MAX_SAFE_INTEGER, n: 0 };

export const guard = defineSource({
  id: "guard",
  emits: ["guard.enforced_ratio"],
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic, policy, atMs }) {
    const untilSecond = Math.floor(atMs / 1_000) - FLUSH_LAG_SECONDS;
    const [{ seq }, window] = await Promise.all([
      policy.read(BEYOND_ANY),
      traffic.window(ENFORCED_WINDOW_SECONDS, untilSecond),
    ]);
    const newest = formatSeq(seq);
    let decided = 0;
    let onNewest = 0;
    for (const { policySeqs } of window.seconds) {
      for (const [decidedOn, count] of Object.entries(policySeqs)) {
        decided += count;
        if (decidedOn === newest) onNewest += count;
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
