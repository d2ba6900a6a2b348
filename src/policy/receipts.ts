/**
 * Receipts: which share of requests was decided on a policy or a newer one, second by second since it was compiled. Guards that
 * had no policy yet count against it. Pure.
 */
import { compareSeq, formatSeq, type PolicySeq } from "./policy.ts";

/** From this share of a second's decisions on, a policy counts as enforced. */
export const ENFORCED_SHARE = 0.99;

/** How many requests were decided on each policy in one second, by formatted seq. */
export type DecisionsInSecond = {
  /** Epoch seconds. */
  readonly second: number;
  readonly policySeqs: Readonly<Record<string, number>>;
};

/** One version of the policy: the numbers of the answer that guards read. */
export type PolicyVersion = { readonly seq: PolicySeq; readonly compiledAtMs: number };

/** From a policy's compilation to the end of the first second in which nearly all was decided on it or newer; null: not yet. */
export function enforcementLagMs(
  { seq, compiledAtMs }: PolicyVersion,
  seconds: readonly DecisionsInSecond[],
): number | null {
  for (const { second, policySeqs } of seconds.toSorted((a, b) => a.second - b.second)) {
    const endsAtMs = (second + 1) * 1_000;
    if (endsAtMs <= compiledAtMs) continue;
    const { decided, onIt } = countOf(seq, policySeqs);
    if (decided > 0 && onIt / decided >= ENFORCED_SHARE) return endsAtMs - compiledAtMs;
  }
  return null;
}

/** How many decisions there were in these seconds, and how many of them on this policy or a newer one. */
export function countOf(
  seq: PolicySeq,
  policySeqs: DecisionsInSecond["policySeqs"],
): { readonly decided: number; readonly onIt: number } {
  let [decided, onIt] = [0, 0];
  for (const [label, count] of Object.entries(policySeqs)) {
    const on = readSeq(label);
    decided += count;
    if (on !== null && compareSeq(on, seq) >= 0) onIt += count;
  }
  return { decided, onIt };
}

/** What `formatSeq` wrote; null for anything else, such as `none`. */
export function readSeq(label: string): PolicySeq | null {
  const [epoch = NaN, n = NaN] = label.split(".").map(Number);
  const seq = { epoch, n };
  return formatSeq(seq) === label && Number.isInteger(epoch) && Number.isInteger(n) ? seq : null;
}
