/** Rate limits as people write them in `site.yaml` and in playbooks, and as entries of the policy carry them. */
import { z } from "zod";
import { LIMIT_MAX, WINDOW_MS_MAX } from "../guard/limits/gcra.ts";
import { parseDuration } from "../shared/duration.ts";
import { ACCURACIES, BEYONDS, KEY_PARTS, PENALTY, PENALTY_MS_MAX } from "./limits.ts";
import { clientWords, limitMethods, limitName, routes, sessionSource } from "./words.ts";

const SECOND_MS = 1_000;

const duration = (mostMs: number, most: string) =>
  z.string().refine((text) => {
    const parsed = parseDuration(text);
    return parsed.ok && parsed.value >= SECOND_MS && parsed.value <= mostMs;
  }, `write a duration from 1s to ${most}`);

const count = z.int().min(1).max(LIMIT_MAX);
const penaltyTime = duration(PENALTY_MS_MAX, "1d");

export const limitWords = z
  .strictObject({
    /** Only here; without it, everywhere. */
    routes: routes.optional(),
    methods: limitMethods.optional(),
    /** Only of these clients; without any of these, of all. */
    ...clientWords,
    /** So many requests… */
    limit: count.default(50),
    /** …in so long, in the long run… */
    window: duration(WINDOW_MS_MAX, "1d").default("60s"),
    /** …and so many at once; without it, as many as the limit. */
    burst: count.optional(),
    /** Each combination is counted apart: an IPv6 address is its /64, a network a /24 or /48. */
    by: z.array(z.enum(KEY_PARTS)).min(1).max(KEY_PARTS.length).default(["address"]),
    /** Where it stands who calls; for limits that count by session. */
    session: sessionSource.optional(),
    /** `strict` is exact and costs each request a call; `shared` is within a few percent; `isolate` never asks anyone. */
    accuracy: z.enum(ACCURACIES).default("shared"),
    /** What who exceeds it is answered: to wait, a challenge, or to stay away, longer each time. */
    beyond: z.enum(BEYONDS).default("limit"),
    penalty: z
      .strictObject({
        first: penaltyTime.default("1m"),
        max: penaltyTime.default("1h"),
        /** This long after the last one ended, the next is the first again. */
        forget: penaltyTime.default("1h"),
      })
      .optional(),
    /** The `RateLimit` fields stand in production's answers, too. */
    announce: z.boolean().default(false),
    /** In the `RateLimit` fields. */
    name: limitName.optional(),
    /** What clients read; without it, the site's own sentence. */
    message: z.string().trim().min(1).max(500).optional(),
  })
  .refine(({ by, session }) => by.includes("session") === (session !== undefined), {
    path: ["session"],
    message: "name the cookie or header exactly where the limit counts by session",
  })
  .refine(({ by, routes: on }) => !by.includes("route") || on !== undefined, {
    path: ["routes"],
    message: "a limit that counts by route names its routes",
  })
  .refine(({ beyond, penalty }) => penalty === undefined || beyond === "block", {
    path: ["penalty"],
    message: "a penalty is for limits whose `beyond` is block",
  });
export type LimitWords = z.infer<typeof limitWords>;

/** The entry's `match`. */
export const limitMatchOf = ({
  routes: on,
  methods,
  networks,
  asns,
  countries,
  ja4s,
}: LimitWords): Readonly<Record<string, unknown>> =>
  withoutMissing({ routes: on, methods, networks, asns, countries, ja4s });

/** The entry's `action`. */
export const limitActionOf = (words: LimitWords): Record<string, unknown> => {
  const { limit, window, burst, by, session, accuracy, beyond, announce, name, message } = words;
  return withoutMissing({
    name,
    limit,
    windowMs: msOf(window),
    burst,
    by,
    session,
    accuracy,
    beyond,
    penalty: beyond === "block" ? penaltyOf(words.penalty) : undefined,
    announce,
    message,
  });
};

const penaltyOf = (penalty: LimitWords["penalty"]): Readonly<Record<string, number>> =>
  penalty === undefined
    ? PENALTY
    : {
        firstMs: msOf(penalty.first),
        maxMs: msOf(penalty.max),
        forgetMs: msOf(penalty.forget),
      };

/** Of what `duration` has accepted. */
function msOf(text: string): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : SECOND_MS;
}

const withoutMissing = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
