/** `playbooks/<name>.test.yaml`: what signals say over time, and what must come of it. Strict, like the playbooks beside it. */
import { z } from "zod";
import { readYaml, type SourceFile } from "../../src/playbooks/yaml-file.ts";
import { checkShape } from "../../src/playbooks/shape.ts";
import type { Diagnostic } from "../../src/playbooks/diagnostics.ts";
import { parseDuration } from "../../src/shared/duration.ts";
import { NOBODY } from "../../src/mitigations/selector.ts";
import { UNKNOWN_REASONS } from "../../src/signals/signal.ts";
import { err, ok, type Result } from "../../src/shared/result.ts";

export const TESTS_MAX = 100;
export const STEPS_MAX = 100;
/** A timeline longer than this has forgotten its end. */
export const UNTIL_MS_MAX = 48 * 3_600_000;

const duration = z
  .string()
  .refine((text) => parseDuration(text).ok, "write a duration such as 90s, 5m or 1h30m")
  .transform((text) => {
    const parsed = parseDuration(text);
    return parsed.ok ? parsed.value : 0;
  });

const reading = z.union([
  z.number(),
  z.boolean(),
  z.string(),
  z.strictObject({ unknown: z.enum(UNKNOWN_REASONS) }),
]);
const readings = z.record(z.string(), reading);

const person = z.strictObject({
  at: duration,
  /** What a person does; the lease is the one of this step. */
  do: z.enum(["acknowledge", "approve", "decline", "revert", "resolve"]),
  step: z.string().optional(),
  why: z.string().default("by hand"),
});

const timeline = z.strictObject({
  name: z.string().min(1).max(200),
  /** Over the playbook's defaults, as an override would be written. */
  params: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])).default({}),
  autopilot: z.enum(["on", "shadow", "off"]).default("on"),
  /** Between two looks at the signals. */
  every: duration.prefault("10s"),
  until: duration.refine((ms) => ms > 0 && ms <= UNTIL_MS_MAX, "write a duration up to 48h"),
  /** What signals say from then on; what is not named stays. `well: true` begins with all of them well again. */
  signals: z
    .array(
      z.strictObject({ at: duration, well: z.boolean().default(false), say: readings.default({}) }),
    )
    .max(STEPS_MAX),
  /** What signals say beyond that while a step of the ladder is in force. */
  while: z.record(z.string(), readings).default({}),
  /** Actuators that lack something in this deploy, in place of the file's own list. */
  missing: z.array(z.string()).optional(),
  /** Steps whose mitigation cannot be applied. */
  failing: z.array(z.string()).default([]),
  /** Steps that find nobody to be about, and why; the others find somebody. */
  nobody: z.record(z.string(), z.enum(NOBODY)).default({}),
  people: z.array(person).max(STEPS_MAX).default([]),
  /** All that happens, in order: `<time> <what>`; empty: nothing does. */
  expect: z.array(z.string()),
});
export type Timeline = z.output<typeof timeline>;
export type Readings = z.output<typeof readings>;

/** Where one rule begins. What a reading does not name is well. */
const threshold = z.strictObject({
  /** Just below, and exactly at a threshold that must be passed: the rule never fires. */
  quiet: z.array(readings).min(1),
  /** Exactly at a threshold that counts itself, and just beyond: it fires once that has lasted. */
  fires: z.array(readings).min(1),
});

const timelineFile = z.strictObject({
  schema: z.literal("firebreak/playbook-test/v1"),
  playbook: z.string(),
  /** Who hears what; by default one channel, `pager`, that hears everything. */
  channels: z
    .array(
      z.strictObject({
        id: z.string(),
        severities: z.array(z.enum(["SEV-1", "SEV-2", "SEV-3", "SEV-4"])),
      }),
    )
    .default([{ id: "pager", severities: ["SEV-1", "SEV-2", "SEV-3", "SEV-4"] }]),
  /** Actuators that lack something in this deploy: their steps are skipped. */
  missing: z.array(z.string()).default([]),
  /** What signals say on a good day. */
  well: readings,
  /** By rule; every rule of the playbook, where there are any. */
  thresholds: z.record(z.string(), threshold).default({}),
  tests: z.array(timeline).min(1).max(TESTS_MAX),
});
export type TimelineFile = z.output<typeof timelineFile>;

/** Reads the file, or says everything that is wrong with it and where. */
export function readTimelineFile(file: SourceFile): Result<TimelineFile, readonly Diagnostic[]> {
  const yaml = readYaml(file);
  if (!yaml.ok) return yaml;
  const shape = checkShape(timelineFile, yaml.value.value);
  return shape.ok ? ok(shape.value) : err(yaml.value.locate(shape.error));
}
