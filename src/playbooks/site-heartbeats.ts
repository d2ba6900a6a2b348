/** The part of `site.yaml` about jobs that say when they ran; late is a signal. */
import { z } from "zod";
import { MEASURES } from "../alerts/heartbeats.ts";
import { parseDuration } from "../shared/duration.ts";
import { resolveDuration } from "./params.ts";
import { id } from "./site-words.ts";

export const HEARTBEATS_MAX = 64;
export const HEARTBEAT_MS_MAX = 31 * 24 * 3_600_000;

const heartbeatDuration = z.string().refine((text) => {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value >= 1_000 && parsed.value <= HEARTBEAT_MS_MAX;
}, "write a duration from 1s to 31d");

export const heartbeat = z.strictObject({
  name: id,
  /** A backup's age is a signal of its own. */
  watches: z.enum(["job", "backup"]).default("job"),
  /** What it measures each time it runs, and says as `value`: a signal of that name, until it is late. */
  measures: z.enum(MEASURES).optional(),
  every: heartbeatDuration,
  /** How long after it was due it counts as late. */
  grace: heartbeatDuration.prefault("5m"),
});

/** The jobs that are to say when they ran, in milliseconds. */
export const heartbeatsOf = ({
  heartbeats,
}: {
  readonly heartbeats: readonly z.infer<typeof heartbeat>[];
}) =>
  heartbeats.map(({ name, watches, measures = null, every, grace }) => ({
    name,
    watches,
    measures,
    everyMs: resolveDuration(every, {}),
    graceMs: resolveDuration(grace, {}),
  }));
