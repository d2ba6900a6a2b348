/** Spans between moments that may never have come, and how they are told. Pure. */

/** Milliseconds; null where an end is missing. */
export const since = (fromMs: number | null, toMs: number | null): number | null =>
  fromMs === null || toMs === null ? null : toMs - fromMs;

export const seconds = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? "never" : `${(ms / 1_000).toFixed(1)} s`;
