/**
 * What a database's counters say about the time between two readings. Counters only grow while one server keeps its statistics:
 * after a restart or a reset they began anew, and then there is no rate until the reading after.
 */
import { z } from "zod";

/** Fewer blocks than this say nothing about how well the cache works. */
export const BLOCKS_MIN = 100;

/** Of one database, with the moment in the database's own time. Times are epoch milliseconds. */
export const counters = z.object({
  at_ms: z.number(),
  /** Changes when the counters begin anew: the server's start and the last reset. */
  epoch: z.string(),
  deadlocks: z.number(),
  blocks_hit: z.number(),
  blocks_read: z.number(),
});
export type Counters = z.infer<typeof counters>;

/** What every run of one statement took together. */
export const statementTotals = z.object({
  id: z.string(),
  calls: z.number(),
  total_ms: z.number(),
});
export type StatementTotals = z.infer<typeof statementTotals>;

/** The statements that took the most time; whole, when there were no others. */
export const statementReading = z.object({
  at_ms: z.number(),
  epoch: z.string(),
  isWhole: z.boolean(),
  statements: z.array(statementTotals),
});
export type StatementReading = z.infer<typeof statementReading>;

export type CounterRates = {
  readonly deadlocksPerMinute: number;
  /** Null when too few blocks were read. */
  readonly cacheHitRatio: number | null;
};

/** What happened between two readings, or null when they do not belong together. */
export function counterRates(before: Counters, now: Counters): CounterRates | null {
  const [deadlocks, hit, read] = (["deadlocks", "blocks_hit", "blocks_read"] as const).map(
    (name) => now[name] - before[name],
  );
  if (deadlocks === undefined || hit === undefined || read === undefined) return null;
  if (!isSameRun(before, now) || Math.min(deadlocks, hit, read) < 0) return null;
  return {
    deadlocksPerMinute: deadlocks / ((now.at_ms - before.at_ms) / 60_000),
    cacheHitRatio: hit + read < BLOCKS_MIN ? null : hit / (hit + read),
  };
}

export type QueryTimes = {
  readonly perSecond: number;
  /** Null when no query ended. */
  readonly mean: { readonly meanMs: number; readonly p95Ms: number } | null;
};

/**
 * How long the queries took that ended between two readings, or null when these do not belong together. The percentile is over
 * queries by the mean of their statement, because no finer time is kept.
 */
export function queryTimes(before: StatementReading, now: StatementReading): QueryTimes | null {
  if (!isSameRun(before, now)) return null;
  const known = new Map(before.statements.map((statement) => [statement.id, statement]));
  const ran = now.statements.flatMap((statement) => {
    const earlier = known.get(statement.id);
    // Of one that was not listed it is only known that it is new when the list was whole.
    if (earlier === undefined && !before.isWhole) return [];
    return sinceThen(earlier, statement) ?? [];
  });
  const calls = ran.reduce((sum, one) => sum + one.calls, 0);
  const perSecond = calls / ((now.at_ms - before.at_ms) / 1_000);
  if (calls === 0) return { perSecond, mean: null };
  const totalMs = ran.reduce((sum, one) => sum + one.total_ms, 0);
  return { perSecond, mean: { meanMs: totalMs / calls, p95Ms: p95Ms(ran, calls) } };
}

/** A statement whose totals fell was forgotten and met again: all of it is new. Null when it did not run. */
function sinceThen(
  earlier: StatementTotals | undefined,
  now: StatementTotals,
): StatementTotals | null {
  const isAnew = earlier === undefined || now.calls < earlier.calls;
  const ran = isAnew
    ? now
    : { ...now, calls: now.calls - earlier.calls, total_ms: now.total_ms - earlier.total_ms };
  return ran.calls === 0 ? null : { ...ran, total_ms: Math.max(0, ran.total_ms) };
}

function p95Ms(ran: readonly StatementTotals[], calls: number): number {
  const byMean = ran
    .map((one) => ({ calls: one.calls, meanMs: one.total_ms / one.calls }))
    .toSorted((a, b) => a.meanMs - b.meanMs);
  let below = 0;
  for (const one of byMean) {
    below += one.calls;
    if (below >= calls * 0.95) return one.meanMs;
  }
  return byMean.at(-1)?.meanMs ?? 0;
}

type Reading = { readonly at_ms: number; readonly epoch: string };
const isSameRun = (before: Reading, now: Reading): boolean =>
  before.epoch === now.epoch && now.at_ms > before.at_ms;
