/** Puts the guard together for an entry point: one per isolate, told where production, policy and counters are. */
import { object, sure, truth } from "../shared/shape.ts";
import { hashText } from "../sketches/hash.ts";
import type { TakeOnce } from "./challenge/spent.ts";
import type { TrafficApi } from "../traffic/traffic-api.ts";
import { Challenges } from "./challenge/challenges.ts";
import { TURNSTILE_URL, type TurnstileAccount } from "./challenge/turnstile.ts";
import { locationCopies } from "./emergency-cache/copies.ts";
import { guardRequest, type GuardContext, type GuardDeps } from "./guard.ts";
import { limiterName } from "../limiter/limiter-api.ts";
import type { Shard } from "./limits/limiter-link.ts";
import { Counters } from "./limits/counters.ts";
import type { Origin } from "./origin.ts";
import { locationCache } from "./policy-cache.ts";
import { readSigningKeys } from "./signed.ts";
import type { JournalLink } from "./write-journal/hand-over.ts";
import { Snapshots, type PolicyReader } from "./snapshots.ts";
import { Telemetry } from "./telemetry.ts";
import { say } from "../shared/log.ts";

export { originOf } from "./origin.ts";

/** Faults come in floods; one line in this time says enough. */
export const FAULT_LOG_INTERVAL_MS = 10_000;

/** Said in the log, and by the doctor. */
export const NO_LIMITER =
  "LIMITER is not bound, so each isolate counts rate limits alone and admits as many as if it were the only one";

export type GuardParts = {
  readonly isOff: boolean;
  readonly origin: Origin;
  readonly ownRoutes: Origin;
  /** Called per use: stubs belong to the request that made them. */
  readonly policy: () => PolicyReader;
  readonly traffic: (shard: number) => Pick<TrafficApi, "flush">;
  /** The shard of this name, per use; null where none is bound, and then each isolate counts rate limits alone. */
  readonly limiter: ((name: string) => Shard) | null;
  /** The policy object's id: what tells two instances apart that share a zone's cache. */
  readonly policyId: string;
  /** The secret as configured; a malformed one is logged, and then no token is valid. */
  readonly signingKeys: string | undefined;
  readonly journal: JournalLink;
  /** Of the site's Turnstile widget, and where Turnstile is if not where it always is; without a secret, challenges are work. */
  readonly turnstile?: { readonly secret: string | undefined; readonly url: string | undefined };
};

export type Guard = (request: Request, ctx: GuardContext) => Promise<Response>;

export function assembleGuard(parts: GuardParts): Guard {
  const deps = { ...assembleParts(parts), origin: parts.origin, ownRoutes: parts.ownRoutes };
  return (request, ctx) => guardRequest(request, deps, ctx);
}

/** What outlives a request: all but where it goes, which a middleware only knows once the request is there. */
export function assembleParts(
  parts: Omit<GuardParts, "origin" | "ownRoutes">,
): Omit<GuardDeps, "origin" | "ownRoutes"> {
  const keys = readSigningKeys(parts.signingKeys);
  if (!keys.ok) {
    say("error", {
      part: "guard",
      detail: `${keys.error}; our tokens are refused, and nobody is challenged`,
    });
  }
  const signing = keys.ok ? keys.value : [];
  const snapshots = new Snapshots({
    reader: parts.policy,
    cache: locationCache(parts.policyId),
    onTableRefusal: tableLog(),
    random: Math.random,
  });
  const { limiter } = parts;
  if (limiter === null) say("warn", { part: "guard", detail: NO_LIMITER });
  return {
    isOff: parts.isOff,
    snapshots,
    copies: locationCopies(parts.policyId, () => caches.default),
    telemetry: new Telemetry({
      traffic: parts.traffic,
      shards: () => snapshots.peek()?.loaded.policy.settings.trafficShards ?? 1,
      newIsolateId: () => crypto.randomUUID(),
    }),
    journal: parts.journal,
    counters: new Counters({
      shard: limiter === null ? null : (n) => limiter(limiterName(n)),
      newIsolateId: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    }),
    challenges: new Challenges({
      keys: signing,
      turnstile: accountOf(parts.turnstile),
      takeOnce: limiter === null ? null : takeOnceFrom(limiter),
    }),
    keys: signing,
    onFault: faultLog(),
  };
}

/** A strict limit of one per challenge is exactly "once, wherever". */
export const takeOnceFrom =
  (limiter: (name: string) => Shard): TakeOnce =>
  async (name, windowMs) => {
    const [high, low] = [hashText(name, 1), hashText(name, 2)];
    const quota = { limit: 1, windowMs: Math.max(1, Math.ceil(windowMs)), burst: 1 };
    const answer = await limiter(limiterName(0)).take(high, low, quota);
    return sure(taken, answer).isAdmitted;
  };

const taken = object({ isAdmitted: truth });

const accountOf = (given: GuardParts["turnstile"]): TurnstileAccount | null =>
  given?.secret === undefined
    ? null
    : { secret: given.secret, baseUrl: given.url ?? TURNSTILE_URL };

/** A guard that cannot even be put together, for want of a binding, serves production. */
export function guardOrOrigin(make: () => Guard, origin: Origin): Guard {
  try {
    return make();
  } catch (fault) {
    say("error", {
      part: "guard",
      detail: "cannot start, production is served unguarded; check the bindings",
      fault: String(fault),
    });
    return origin;
  }
}

const faultLog = (): ((fault: unknown) => void) =>
  seldom((fault) => {
    say("error", {
      part: "guard",
      detail: "a fault of the guard's own; production was served all the same",
      fault: String(fault),
    });
  });

const tableLog = (): ((why: string) => void) =>
  seldom((why) => {
    say("error", {
      part: "guard",
      detail:
        "the table of listed networks was not taken; the one before stays, and entries without one are left alone",
      why,
    });
  });

/** The first call, and then one in each interval. */
function seldom<T>(tell: (what: T) => void): (what: T) => void {
  let quietUntilMs = 0;
  return (what) => {
    const nowMs = Date.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + FAULT_LOG_INTERVAL_MS;
    tell(what);
  };
}
