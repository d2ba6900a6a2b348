/** Durations as people write them in YAML (`"90s"`, `"5m"`, `"1h30m"`) and as the code keeps them (milliseconds). */
import { err, ok, type Result } from "./result.ts";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHAPE = /^(?:\d+(?:ms|s|m|h|d))+$/;
const PART = /(\d+)(ms|s|m|h|d)/g;

/** The longest duration that configuration may name: ten years. */
export const DURATION_MS_MAX = 3_650 * UNIT_MS.d;

/** Parses `"90s"`, `"5m"`, `"1h30m"` into milliseconds; anything else is an error that shows the value. */
export function parseDuration(text: string): Result<number, string> {
  if (!SHAPE.test(text)) {
    return err(
      `"${text}" is not a duration; write a number and a unit, such as 500ms, 90s, 5m, 1h30m or 30d`,
    );
  }
  let totalMs = 0;
  for (const [, digits, unit] of text.matchAll(PART)) {
    totalMs += Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  if (totalMs > DURATION_MS_MAX) return err(`"${text}" is longer than ten years`);
  return ok(totalMs);
}

/** Writes whole milliseconds so that parsing gives them back, in the largest unit that does: `"5m"`, `"90s"`, `"1500ms"`. */
export function writeDuration(durationMs: number): string {
  const unit = (["d", "h", "m", "s"] as const).find((one) => durationMs % UNIT_MS[one] === 0);
  if (durationMs === 0 || unit === undefined) return `${durationMs}ms`;
  return `${durationMs / UNIT_MS[unit]}${unit}`;
}

/** Formats milliseconds for people, with at most the two largest units: `"1h 30m"`, `"45s"`, `"250ms"`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`;
  const parts: string[] = [];
  let restMs = Math.round(durationMs / 1_000) * 1_000;
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = Math.floor(restMs / UNIT_MS[unit]);
    restMs -= count * UNIT_MS[unit];
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}
