/** The part of `site.yaml` about alerts that nobody should hear of: which explain others, and what counts as flapping. */
import { z } from "zod";
import type { InhibitRule } from "../alerts/inhibition.ts";
import { MATCHERS_MAX, matchesNothingSaid, readMatchers } from "../alerts/matchers.ts";
import type { QuietRules } from "../alerts/mutes.ts";
import { parseDuration } from "../shared/duration.ts";
import { resolveDuration } from "./params.ts";

export const INHIBIT_RULES_MAX = 64;
export const EQUAL_LABELS_MAX = 16;

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
    /** An alert flaps from a share of `high` of twenty changes within this time on, until it is below `low`. */
    flapping: z
      .strictObject({
        within: z
          .string()
          .refine((text) => {
            const parsed = parseDuration(text);
            return parsed.ok && parsed.value >= WITHIN_MS_MIN && parsed.value <= WITHIN_MS_MAX;
          }, "write a duration from 1m to 1d")
          .default("1h"),
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

/** The schema has read them before. */
const compiled = (texts: readonly string[]): InhibitRule["source"] => {
  const read = readMatchers(texts);
  return read.ok ? read.value : [];
};
