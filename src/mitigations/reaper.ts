/**
 * Undoes what leases left behind at vendors after their time: when the incident, the monitor or both are gone, nobody else
 * would. It needs nothing but the vendor and the mark, and runs from the cron.
 */
import type { Failure } from "../incidents/journal.ts";
import { err, type Result } from "../shared/result.ts";
import type { Reach, Reverted } from "./actuator.ts";
import type { Mark } from "./mark.ts";

/** The incident takes back what is its own; this is for what it has not by then. */
export const REAP_AFTER_MS = 2 * 60_000;
/** Undone in one run; the rest is there in a minute. */
export const REAPED_MAX = 20;

/** One change at a vendor that carries a mark, and what the vendor knows it by. */
export type Marked = { readonly mark: Mark; readonly place: string };

/** What an actuator owes whose changes stay at a vendor. */
export type Marking = {
  readonly actuator: string;
  /** Every change that carries a mark, whoever's it is; none where the vendor is not configured. */
  readonly marked: (reach: Reach) => Promise<Result<readonly Marked[], Failure>>;
  /** Undoes a change if it still carries this very mark; twice is once. */
  readonly undo: (marked: Marked, reach: Reach) => Promise<Result<Reverted, Failure>>;
};

export type Reaped = {
  readonly actuator: string;
  /** Null when the vendor could not even be asked what there is. */
  readonly leaseId: string | null;
  readonly outcome: Reverted | "failed";
  readonly detail: string | null;
};

/** Asks each actuator that marks, and undoes what is this instance's and overdue, the longest overdue first. */
export async function reap(
  markings: readonly Marking[],
  reach: Reach,
  nowMs: number,
): Promise<readonly Reaped[]> {
  const reaped: Reaped[] = [];
  for (const marking of markings) {
    const found = await attempt(() => marking.marked(reach));
    if (!found.ok) {
      reaped.push(failed(marking.actuator, null, found.error));
      continue;
    }
    const overdue = overdueOf(found.value, reach.instance, nowMs);
    for (const marked of overdue.slice(0, REAPED_MAX)) {
      const undone = await attempt(() => marking.undo(marked, reach));
      const { leaseId } = marked.mark;
      reaped.push(
        undone.ok
          ? { actuator: marking.actuator, leaseId, outcome: undone.value, detail: null }
          : failed(marking.actuator, leaseId, undone.error),
      );
    }
  }
  return reaped;
}

const overdueOf = (all: readonly Marked[], instance: string, nowMs: number): readonly Marked[] =>
  all
    .filter(({ mark }) => mark.instance === instance)
    .filter(({ mark }) => mark.expiresAtMs + REAP_AFTER_MS <= nowMs)
    .toSorted((a, b) => a.mark.expiresAtMs - b.mark.expiresAtMs);

/** An actuator that throws costs only itself. */
async function attempt<T>(call: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await call();
  } catch {
    return err({ class: "unknown_outcome", detail: "it failed inside Firebreak" });
  }
}

const failed = (actuator: string, leaseId: string | null, { detail }: Failure): Reaped => ({
  actuator,
  leaseId,
  outcome: "failed",
  detail,
});
