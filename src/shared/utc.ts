/** Epoch milliseconds as people read them: always UTC, so that two people never read two clocks. */

/** `"14:02:11"`. */
export const utcTime = (atMs: number): string => new Date(atMs).toISOString().slice(11, 19);

/** The same where it is the day of `nowMs`; else with the date, as `"2026-11-24 14:02:11"`: who reads it at night takes it for today. */
export const utcMoment = (atMs: number, nowMs: number): string =>
  utcDate(atMs) === utcDate(nowMs) ? utcTime(atMs) : `${utcDate(atMs)} ${utcTime(atMs)}`;

/** `"2026-11-23"`. */
export const utcDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
