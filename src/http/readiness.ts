/** Whether Firebreak is on duty: somebody looks at production, and guards can learn what to enforce. */
import { isLookFresh, TICK_STALE_FACTOR } from "../status-page/view.ts";
import { formatDuration } from "../shared/duration.ts";
import { formatSeq } from "../policy/policy.ts";
import type { PublicCopy } from "./public-copy.ts";

export type Check = {
  readonly name: "monitor" | "policy" | "desk";
  readonly ok: boolean;
  readonly detail: string;
};

export type Readiness = { readonly ready: boolean; readonly checks: readonly Check[] };

/** Ages are counted from now, not from when the copy was taken: an old copy does not look young. */
export function readiness(copy: PublicCopy | null, nowMs: number): Readiness {
  const checks = [
    checkMonitor(copy?.look ?? null, nowMs),
    checkPolicy(copy?.policy ?? null, nowMs),
    checkDesk(copy),
  ];
  return { ready: checks.every((check) => check.ok), checks };
}

function checkMonitor(look: PublicCopy["look"], nowMs: number): Check {
  const name = "monitor";
  if (look === null) return { name, ok: false, detail: "the monitor does not answer" };
  if (look.lastTickAtMs === null) {
    return { name, ok: false, detail: "the monitor has not ticked yet" };
  }
  const age = formatDuration(Math.max(0, nowMs - look.lastTickAtMs));
  const limit = formatDuration(TICK_STALE_FACTOR * look.cadenceMs);
  return isLookFresh(look, nowMs)
    ? { name, ok: true, detail: `last tick ${age} ago` }
    : { name, ok: false, detail: `last tick ${age} ago; the limit is ${limit}` };
}

function checkPolicy(policy: PublicCopy["policy"], nowMs: number): Check {
  const name = "policy";
  if (policy === null) return { name, ok: false, detail: "the policy object does not answer" };
  const ageMs = Math.max(0, nowMs - policy.confirmedAtMs);
  const said = `policy ${formatSeq(policy.seq)} confirmed ${formatDuration(ageMs)} ago`;
  return ageMs <= policy.staleAfterMs
    ? { name, ok: true, detail: said }
    : { name, ok: false, detail: `${said}; the limit is ${formatDuration(policy.staleAfterMs)}` };
}

const checkDesk = (copy: PublicCopy | null): Check =>
  copy?.isListed === true
    ? { name: "desk", ok: true, detail: "the desk answers" }
    : { name: "desk", ok: false, detail: "the desk does not answer" };
