/** Epoch milliseconds as people read them: always UTC, so that two people never read two clocks. */

/** `"14:02:11"`. */
export const utcTime = (atMs: number): string => new Date(atMs).toISOString().slice(11, 19);

/** `"2026-11-23"`. */
export const utcDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
