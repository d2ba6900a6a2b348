/** What happens in the bad-deployment variant of the outage, and what must be true of it. Declared in bad-deployment.yaml. */
import type { Expectation, Times } from "./gameday.ts";
import type { JournalRow } from "./firebreak.ts";
import type { Boundaries, Visit } from "./measure.ts";
import type { Scenario } from "./scenario.ts";
import { seconds, since } from "./time.ts";

export type Mended = {
  readonly rows: readonly JournalRow[];
  readonly visits: readonly Visit[];
  readonly times: Times;
  /** The version that was live at the end, and the one that was before the fault. */
  readonly liveAfter: string | null;
  readonly liveBefore: string | null;
};

/**
 * A rollback is enforced by no guard: visitors feel it at the first request that is served after the last that failed, and all are
 * back with it.
 */
export function boundariesOfRollback(
  visits: readonly Visit[],
  faultAtMs: number | null,
): Boundaries {
  const backAtMs = servedAgainAtMs(visits, faultAtMs);
  return { faultAtMs, enforcedAtMs: backAtMs, firstBackAtMs: backAtMs, allBackAtMs: backAtMs };
}

/** Null while nobody failed, or nobody was served since. */
function servedAgainAtMs(visits: readonly Visit[], faultAtMs: number | null): number | null {
  if (faultAtMs === null) return null;
  const failed = failedIn(visits, faultAtMs);
  if (failed.length === 0) return null;
  const lastMs = Math.max(...failed.map(({ atMs, tookMs }) => atMs + tookMs));
  const after = visits.filter(({ outcome, atMs }) => outcome === "served" && atMs > lastMs);
  return after.length === 0 ? null : Math.min(...after.map(({ atMs }) => atMs));
}

const failedIn = (visits: readonly Visit[], faultAtMs: number | null): readonly Visit[] =>
  visits.filter(({ outcome, atMs }) => outcome === "failed" && atMs >= (faultAtMs ?? Infinity));

/** The rollback mended it, and nothing else did anything. */
export function judgeRollback(seen: Mended, limits: Scenario["expect"]): readonly Expectation[] {
  return [rolledBack(seen), nothingElse(seen), wasLive(seen), servedAgain(seen, limits)];
}

const count = ({ rows }: Mended, type: string): number =>
  rows.filter((row) => row.type === type).length;

const rolledBack = (seen: Mended): Expectation => {
  const [done, helped] = [count(seen, "act.performed"), count(seen, "act.effective")];
  return {
    id: "rolled-back",
    says: "production is rolled back once, and that is seen to help",
    ok: done === 1 && helped === 1,
    saw: `done ${done} times, helped ${helped} times`,
  };
};

const nothingElse = (seen: Mended): Expectation => {
  const leases = seen.rows.filter(({ type }) => type.startsWith("lease.")).length;
  const refused = seen.visits.filter(({ outcome }) => outcome === "refused").length;
  return {
    id: "nothing-else",
    says: "nothing else is applied, and the guard refuses nobody",
    ok: leases === 0 && refused === 0,
    saw: `${leases} events of leases, ${refused} visits refused`,
  };
};

const wasLive = ({ liveBefore, liveAfter }: Mended): Expectation => ({
  id: "version",
  says: "the version that ran before the bad one is live again",
  ok: liveBefore !== null && liveAfter === liveBefore,
  saw: `${liveBefore ?? "unknown"}, and afterwards ${liveAfter ?? "unknown"}`,
});

const servedAgain = ({ visits, times }: Mended, limits: Scenario["expect"]): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  const failed = failedIn(visits, times.faultAtMs).length;
  return {
    id: "served-again",
    says: `visitors are served again within ${seconds(limits.enforced_within)} of the fault`,
    ok: tookMs !== null && tookMs <= limits.enforced_within,
    saw: failed === 0 ? "no request failed" : `${seconds(tookMs)}, ${failed} requests failed`,
  };
};
