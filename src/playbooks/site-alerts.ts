/** The part of `site.yaml` about alerts that nobody should hear of: which explain others, and what counts as flapping. */
import { z } from "zod";
import type { GroupRule } from "../alerts/grouping.ts";
import type { InhibitRule } from "../alerts/inhibition.ts";
import { MATCHERS_MAX, matchesNothingSaid, readMatchers } from "../alerts/matchers.ts";
import type { QuietRules } from "../alerts/mutes.ts";
import { parseDuration } from "../shared/duration.ts";
import { resolveDuration } from "./params.ts";

export const INHIBIT_RULES_MAX = 64;
export const EQUAL_LABELS_MAX = 16;

export const GROUP_RULES_MAX = 64;
const WAIT_MS_MAX = 3_600_000;
const WITHIN_MS_MIN = 60_000;
const WITHIN_MS_MAX = 24 * 3_600_000;

/** As Alertmanager writes them, such as `severity="critical"`; all of them must hold. */
const matchers = z
  .array(z.string())
  .min(1)
  .max(MATCHERS_MAX)
  .superRefine((texts, ctx) => {
    const read = readMatchers(texts);
    if (!read.ok) {
      for (const [place, message] of read.error)
        ctx.addIssue({ code: "custom", path: [place], message });
    } else if (matchesNothingSaid(read.value)) {
      const message =
        "one of them must not hold for an empty value, or they match whatever has no labels";
      ctx.addIssue({ code: "custom", message });
    }
  });
const length = (minMs: number, maxMs: number, hint: string) =>
  z.string().refine((text) => {
    const parsed = parseDuration(text);
    return parsed.ok && parsed.value >= minMs && parsed.value <= maxMs;
  }, hint);
const share = z.number().min(0.05).max(1);

export const quietAlerts = z
  .strictObject({
    /** While a source fires, targets with the same values of `equal` are kept and counted, and open nothing. */
    inhibit: z
      .array(
        z.strictObject({
          source: matchers,
          target: matchers,
          equal: z.array(z.string().min(1).max(200)).max(EQUAL_LABELS_MAX).default([]),
        }),
      )
      .max(INHIBIT_RULES_MAX)
      .default([]),
    /**
     * Groups of our own, as Alertmanager's routes make them: the first whose matchers hold puts an alert into the group with the same values
     * of the labels `by`. Tools that know no groups have a usual one.
     */
    group: z
      .array(
        z.strictObject({
          matchers,
          by: z.array(z.string().min(1).max(200)).min(1).max(EQUAL_LABELS_MAX),
          wait: length(0, WAIT_MS_MAX, "write a duration up to 1h").default("30s"),
          interval: length(WITHIN_MS_MIN, WITHIN_MS_MAX, "write a duration from 1m to 1d").default(
            "5m",
          ),
        }),
      )
      .max(GROUP_RULES_MAX)
      .default([]),
    /** An alert flaps from a share of `high` of twenty changes within this time on, until it is below `low`. */
    flapping: z
      .strictObject({
        within: length(WITHIN_MS_MIN, WITHIN_MS_MAX, "write a duration from 1m to 1d").default(
          "1h",
        ),
        high: share.default(0.3),
        low: share.default(0.15),
      })
      .refine(({ high, low }) => low <= high, { path: ["low"], message: "low is at most high" })
      .prefault({}),
  })
  .prefault({});

/** What keeps alerts quiet, compiled. */
export const quietRulesOf = ({ inhibit, flapping }: z.infer<typeof quietAlerts>): QuietRules => ({
  inhibit: inhibit.map(({ source, target, equal }): InhibitRule => ({
    source: compiled(source),
    target: compiled(target),
    equal,
  })),
  flapping: {
    withinMs: resolveDuration(flapping.within, {}),
    high: flapping.high,
    low: flapping.low,
  },
});

/** How alerts are grouped, compiled. */
export const groupRulesOf = ({ group }: z.infer<typeof quietAlerts>): readonly GroupRule[] =>
  group.map(({ matchers: texts, by, wait, interval }) => ({
    matchers: compiled(texts),
    by,
    waitMs: resolveDuration(wait, {}),
    intervalMs: resolveDuration(interval, {}),
  }));

/** The schema has read them before. */
const compiled = (texts: readonly string[]): InhibitRule["source"] => {
  const read = readMatchers(texts);
  return read.ok ? read.value : [];
};
