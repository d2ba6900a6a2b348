/** What a rate limit says: how many requests, of whom, counted by what, how exactly, and what becomes of the rest. */
import { LIMIT_MAX, quotaOf, WINDOW_MS_MAX, type Quota } from "../guard/limits/gcra.ts";
import {
  either,
  fields,
  list,
  object,
  only,
  oneOf,
  optional,
  text,
  textThat,
  that,
  truth,
  whole,
  withDefault,
  type Read,
} from "../shared/shape.ts";
import { namedClients } from "./clients.ts";
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
export const sessionSource = either(only({ cookie: headerName }), only({ header: headerName }));
export type SessionSource = Read<typeof sessionSource>;

export const METHODS_MAX = 16;
export const METHOD = /^[A-Z]{1,32}$/;

/** Which requests are counted: all, or those on these routes, by these methods, of these clients. Lists are for blocking and allowing. */
export const limitMatch = only({
  routes: optional(routes),
  methods: optional(list(textThat(METHOD, "a method in capitals"), METHODS_MAX, 1)),
  ...namedClients,
});

export const LIMIT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;
const count = whole(1, LIMIT_MAX);
const penaltyMs = whole(1, PENALTY_MS_MAX);

const limitWords = object({
  /** In the `RateLimit` fields, for clients that are under several. */
  name: withDefault(textThat(LIMIT_NAME, "a limit's name"), "requests"),
  limit: count,
  windowMs: whole(1_000, WINDOW_MS_MAX),
  burst: optional(count),
  by: list(oneOf(KEY_PARTS), KEY_PARTS.length, 1),
  session: optional(sessionSource),
  accuracy: withDefault(oneOf(ACCURACIES), "shared"),
  beyond: withDefault(oneOf(BEYONDS), "limit"),
  penalty: optional(only({ firstMs: penaltyMs, maxMs: penaltyMs, forgetMs: penaltyMs })),
  /** Production's answers say how much is left, too. */
  announce: withDefault(truth, false),
});

export const limitAction = that(
  that(
    limitWords,
    ({ by, session }) => by.includes("session") === (session !== undefined),
    "a limit that names a session exactly where it counts by one",
  ),
  ({ beyond, penalty }) => penalty === undefined || beyond === "block",
  "a limit whose penalty is for blocking",
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
  const read = limitAction(action);
  if (!read.ok) return null;
  const { limit, windowMs, burst, session, penalty, by, ...rest } = read.value;
  return {
    ...rest,
    by: [...new Set(by)],
    quota: quotaOf(limit, windowMs, burst),
    session: session ?? null,
    penalty: rest.beyond === "block" ? (penalty ?? PENALTY) : null,
  };
}

/** A limit that stands whatever the incident: of the site's own file, so it neither expires nor goes stale. */
export const standingLimit = object({
  id: text(60, 1),
  match: fields,
  action: fields,
  mode: oneOf(["enforce", "shadow"]),
  fail: oneOf(["open", "closed"]),
});
export type StandingLimit = Read<typeof standingLimit>;
