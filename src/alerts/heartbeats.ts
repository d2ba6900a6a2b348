/**
 * Dead-man switches: jobs that say when they ran. A job that has died says nothing, so what counts is that it is late. Pure.
 */

/** What no vendor tells and a job beside it can: each is a signal of that name. */
export const MEASURES = ["postgres.cpu_ratio", "origin.cpu_ratio"] as const;
export type Measure = (typeof MEASURES)[number];

/** As `site.yaml` declares it. */
export type HeartbeatSpec = {
  readonly name: string;
  /** A backup's age is a signal of its own. */
  readonly watches: "job" | "backup";
  /** What it measures each time it runs; null for nothing. */
  readonly measures: Measure | null;
  readonly everyMs: number;
  /** How long after it was due it counts as late. */
  readonly graceMs: number;
};

/** A job's word about one run. */
export type Beat = {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string | null;
  /** What it measured, 0..1; null for nothing. A Worker from before jobs measured anything does not say. */
  readonly value?: number | null | undefined;
  readonly atMs: number;
};

/** What was heard of one name. Times are epoch milliseconds, null for never. */
export type Heard = {
  readonly name: string;
  /** Since when it is expected: nobody is late before that. */
  readonly expectedSinceMs: number;
  readonly lastOkAtMs: number | null;
  readonly lastFailedAtMs: number | null;
  /** What the job said of itself the last time; null for nothing. */
  readonly detail: string | null;
  /** What it measured the last time that it said something; null for nothing. A desk from before does not say. */
  readonly value?: number | null | undefined;
};

export type HeartbeatState = HeartbeatSpec & {
  /** `waiting`: never heard, and not due yet. */
  readonly status: "ok" | "waiting" | "late" | "failed";
  readonly lastOkAtMs: number | null;
  readonly lateAtMs: number;
  readonly detail: string | null;
  readonly value: number | null;
};

/** How every declared heartbeat stands. One that was never asked for before is expected from `atMs` on. */
export function heartbeatStates(
  declared: readonly HeartbeatSpec[],
  heard: readonly Heard[],
  atMs: number,
): readonly HeartbeatState[] {
  const byName = new Map(heard.map((one) => [one.name, one]));
  return declared.map((spec) => stateOf(spec, byName.get(spec.name) ?? unheard(spec, atMs), atMs));
}

const unheard = ({ name }: HeartbeatSpec, atMs: number): Heard => ({
  name,
  expectedSinceMs: atMs,
  lastOkAtMs: null,
  lastFailedAtMs: null,
  detail: null,
  value: null,
});

function stateOf(spec: HeartbeatSpec, heard: Heard, atMs: number): HeartbeatState {
  const { expectedSinceMs, lastOkAtMs, detail, value = null } = heard;
  const lateAtMs = (lastOkAtMs ?? expectedSinceMs) + spec.everyMs + spec.graceMs;
  return { ...spec, status: statusOf(heard, lateAtMs, atMs), lastOkAtMs, lateAtMs, detail, value };
}

function statusOf(
  { lastOkAtMs, lastFailedAtMs }: Heard,
  lateAtMs: number,
  atMs: number,
): HeartbeatState["status"] {
  // A failure that no later success has undone says more than that nothing came; of two at once, it is the one to look into.
  if (lastFailedAtMs !== null && lastFailedAtMs >= (lastOkAtMs ?? -Infinity)) return "failed";
  if (atMs >= lateAtMs) return "late";
  return lastOkAtMs === null ? "waiting" : "ok";
}

/**
 * How long ago the backup that is oldest was made, at least: one that never came is missing since it was expected, once it is late.
 * Null when none is declared, and when one was never heard of that is not late yet, unless another is.
 */
export function oldestBackupMs(states: readonly HeartbeatState[], atMs: number): number | null {
  const backups = states.filter(({ watches }) => watches === "backup");
  const isLate = ({ lateAtMs }: HeartbeatState): boolean => atMs >= lateAtMs;
  const known = backups
    .filter((state) => state.lastOkAtMs !== null || isLate(state))
    .map(({ lastOkAtMs, lateAtMs, everyMs, graceMs }) =>
      Math.max(0, atMs - (lastOkAtMs ?? lateAtMs - everyMs - graceMs)),
    );
  const isKnown = known.length === backups.length || backups.some(isLate);
  return known.length > 0 && isKnown ? Math.max(...known) : null;
}

/**
 * The highest of what was last measured by the jobs that measure this, 0..1, as long as each of them is in time: one machine that says
 * nothing may be the one at its limit. Otherwise who it waits for; `undeclared` is that no job measures it.
 */
export function measuredNow(
  states: readonly HeartbeatState[],
  what: Measure,
): { readonly value: number } | { readonly waitsFor: string } | "undeclared" {
  const measuring = states.filter(({ measures }) => measures === what);
  const values: number[] = [];
  for (const { name, status, value } of measuring) {
    if (status !== "ok" || value === null) return { waitsFor: name };
    values.push(value);
  }
  return values.length > 0 ? { value: Math.max(...values) } : "undeclared";
}
