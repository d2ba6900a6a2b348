/** What happens in the bad-deployment variant of the outage, and what must be true of it. Declared in bad-deployment.yaml. */
import type { Expectation, Times } from "./gameday.ts";
import type { JournalRow } from "./firebreak.ts";
import type { Visit } from "./measure.ts";
import type { Scenario } from "./scenario.ts";

export type Mended = {
  readonly rows: readonly JournalRow[];
  readonly visits: readonly Visit[];
  readonly times: Times;
  /** The version that was live at the end, and the one that was before the fault. */
  readonly liveAfter: string | null;
  readonly liveBefore: string | null;
};

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

/** At the visitors: from the first request that was served after the last that failed. */
const servedAgain = (
  { visits, times: { faultAtMs } }: Mended,
  limits: Scenario["expect"],
): Expectation => {
  const failed = visits.filter(
    ({ outcome, atMs }) => outcome === "failed" && atMs >= (faultAtMs ?? 0),
  );
  const lastMs = Math.max(...failed.map(({ atMs, tookMs }) => atMs + tookMs));
  const after = visits.filter(({ atMs }) => atMs > lastMs);
  const tookMs = faultAtMs === null || failed.length === 0 ? null : lastMs - faultAtMs;
  return {
    id: "served-again",
    says: `visitors are served again within ${limits.enforced_within / 1_000} s of the fault`,
    ok:
      tookMs !== null &&
      tookMs <= limits.enforced_within &&
      after.some(({ outcome }) => outcome === "served"),
    saw:
      tookMs === null
        ? "no request failed"
        : `${(tookMs / 1_000).toFixed(1)} s, ${failed.length} requests failed`,
  };
};
