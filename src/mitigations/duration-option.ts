/** Durations in an actuator's options: written as people write them, so that the journal shows them so, and read in milliseconds. */
import { z } from "zod";
import { formatDuration, parseDuration } from "../shared/duration.ts";

/** A duration from `minMs` to `maxMs`, both included. */
export const durationOption = (minMs: number, maxMs: number) =>
  z.string().refine(
    (text) => {
      const parsed = parseDuration(text);
      return parsed.ok && parsed.value >= minMs && parsed.value <= maxMs;
    },
    `write a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
  );

/** What such an option says, in milliseconds. */
export function msOf(text: string): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : 0;
}
