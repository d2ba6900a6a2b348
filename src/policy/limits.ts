/** What a rate limit says: how many requests, of whom, counted by what, how exactly, and what becomes of the rest. */
import * as z from "zod/mini";
import { LIMIT_MAX, quotaOf, WINDOW_MS_MAX, type Quota } from "../guard/limits/gcra.ts";
import { clientMatch } from "./clients.ts";
import { headerName, routes } from "./patterns.ts";

/** What requests are counted by; a rule names one or several, and then counts each combination. */
export const KEY_PARTS = [
  "address",
  "network",
  "asn",
  "country",
  "ja4",
  "session",
  "route",
] as const;
export type KeyPart = (typeof KEY_PARTS)[number];

/**
 * How exactly a limit holds. `isolate`: each isolate counts alone. `shared`: isolates lease tokens from a shard, and no request
 * that is within the limit waits for it in the steady state. `strict`: every request waits for the shard, whose answer is exact.
 */
export const ACCURACIES = ["isolate", "shared", "strict"] as const;
export type Accuracy = (typeof ACCURACIES)[number];

/** What whoever exceeds it is answered: to wait; a challenge, until it is solved; or to stay away, longer each time. */
export const BEYONDS = ["limit", "challenge", "block"] as const;
export type Beyond = (typeof BEYONDS)[number];

/** For who exceeds a limit again and again: refused for `firstMs`, then twice as long each time. */
export type Penalty = {
  readonly firstMs: number;
  readonly maxMs: number;
  /** This long after the last one ended, the next is the first again. */
  readonly forgetMs: number;
};
export const PENALTY_MS_MAX = 86_400_000;
export const PENALTY: Penalty = { firstMs: 60_000, maxMs: 3_600_000, forgetMs: 3_600_000 };

/** Where it stands who calls, such as `{ header: "x-api-key" }`. */
export const sessionSource = z.union([
  z.strictObject({ cookie: headerName }),
  z.strictObject({ header: headerName }),
]);
export type SessionSource = z.infer<typeof sessionSource>;

export const METHODS_MAX = 16;
export const limitMethods = z
  .array(z.string().check(z.regex(/^[A-Z]{1,32}$/, "write a method in capitals, such as POST")))
  .check(z.minLength(1), z.maxLength(METHODS_MAX));

/** Which requests are counted: all, or those on these routes, by these methods, of these clients. */
export const limitMatch = z.strictObject({
  routes: z.optional(routes),
  methods: z.optional(limitMethods),
  ...clientMatch,
  /** Lists are for blocking and allowing. */
  listed: z.optional(z.never()),
});

export const limitName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/, "write a name such as sign-in"));
const count = z.int().check(z.minimum(1), z.maximum(LIMIT_MAX));
const penaltyMs = z.int().check(z.minimum(1), z.maximum(PENALTY_MS_MAX));

export const limitAction = z
  .object({
    /** In the `RateLimit` fields, for clients that are under several. */
    name: z._default(limitName, "requests"),
    limit: count,
    windowMs: z.int().check(z.minimum(1_000), z.maximum(WINDOW_MS_MAX)),
    burst: z.optional(count),
    by: z.array(z.enum(KEY_PARTS)).check(z.minLength(1), z.maxLength(KEY_PARTS.length)),
    session: z.optional(sessionSource),
    accuracy: z._default(z.enum(ACCURACIES), "shared"),
    beyond: z._default(z.enum(BEYONDS), "limit"),
    penalty: z.optional(
      z.strictObject({ firstMs: penaltyMs, maxMs: penaltyMs, forgetMs: penaltyMs }),
    ),
    /** Production's answers say how much is left, too. */
    announce: z._default(z.boolean(), false),
  })
  .check(
    z.refine(({ by, session }) => by.includes("session") === (session !== undefined), {
      path: ["session"],
      message: "name the cookie or header exactly where a limit counts by session",
    }),
    z.refine(({ beyond, penalty }) => penalty === undefined || beyond === "block", {
      path: ["penalty"],
      message: "a penalty is for limits that block",
    }),
  );

export type LimitTerms = {
  readonly name: string;
  readonly quota: Quota;
  readonly by: readonly KeyPart[];
  readonly session: SessionSource | null;
  readonly accuracy: Accuracy;
  readonly beyond: Beyond;
  readonly penalty: Penalty | null;
  readonly announce: boolean;
};

/** The terms of an entry's action; null when they are not understood. */
export function limitTerms(action: unknown): LimitTerms | null {
  const parsed = limitAction.safeParse(action);
  if (!parsed.success) return null;
  const { limit, windowMs, burst, session, penalty, by, ...rest } = parsed.data;
  return {
    ...rest,
    by: [...new Set(by)],
    quota: quotaOf(limit, windowMs, burst),
    session: session ?? null,
    penalty: rest.beyond === "block" ? (penalty ?? PENALTY) : null,
  };
}

/** A limit that stands whatever the incident: of the site's own file, so it neither expires nor goes stale. */
export const standingLimit = z.object({
  id: z.string().check(z.minLength(1), z.maxLength(60)),
  match: z.record(z.string(), z.unknown()),
  action: z.record(z.string(), z.unknown()),
  mode: z.enum(["enforce", "shadow"]),
  fail: z.enum(["open", "closed"]),
});
export type StandingLimit = z.infer<typeof standingLimit>;
