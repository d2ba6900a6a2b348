import { createMiddleware } from "hono/factory";
import * as z from "zod";
import { locationCopies } from "../emergency-cache/copies.ts";
import { guardRequest, type GuardDeps } from "../guard.ts";
import { fixedPolicy } from "./fixed-policy.ts";
import { NO_COUNTERS } from "../limits/counters.ts";
import { isOnOrNot, type IsOn } from "./is-on.ts";
import { proceed, replace } from "./proceed.ts";
import { say } from "../../shared/log.ts";

const routes = z.array(z.string().startsWith("/", "write a path that starts with /"));
const names = z.array(z.string().min(1).max(100)).default([]);

const options = z.strictObject({
  /** Only here; without it, everywhere. */
  routes: routes.min(1).optional(),
  /** Where answers are the same for all who are not signed in, although they do not say so. */
  publicRoutes: routes.default([]),
  /** Cookies and request headers that sign nobody in and change no answer. */
  harmlessCookies: names,
  harmlessHeaders: names,
  /** How long a copy answers without the app; later it answers only if the app fails, for a day at most. */
  freshSeconds: z.int().min(1).max(86_400).default(300),
});

export type EmergencyCacheOptions = z.input<typeof options> & {
  readonly isOn: IsOn;
};

/**
 * While `isOn` says so, visitors who are not signed in are answered from copies of the app's own answers, also when the app
 * fails; nothing private is ever kept. Copies are shared by apps on one host. Throws at construction on options that are wrong.
 */
export const emergencyCache = ({ isOn, ...given }: EmergencyCacheOptions) => {
  const {
    routes: where,
    publicRoutes,
    harmlessCookies,
    freshSeconds,
    ...rest
  } = options.parse(given);
  const match = where === undefined ? {} : { routes: where };
  const harmlessHeaders = rest.harmlessHeaders.map((name) => name.toLowerCase());
  const loaded = fixedPolicy(
    { kind: "emergency-cache", match, action: { freshSeconds } },
    { emergencyCache: { publicRoutes, harmlessCookies, harmlessHeaders } },
  );
  const snapshot = () => ({ loaded, confirmedAtMs: Date.now() });
  const parts: Omit<GuardDeps, "origin" | "ownRoutes"> = {
    isOff: false,
    snapshots: { current: async () => snapshot(), peek: snapshot },
    telemetry: { ask: () => undefined, record: () => undefined, recordChallenge: () => undefined },
    challenges: null,
    copies: locationCopies("app", () => caches.default),
    journal: { journal: () => null, secret: () => undefined },
    counters: NO_COUNTERS,
    keys: [],
    onFault: (fault) => {
      say("error", {
        part: "guard",
        detail: "the emergency cache failed, so the app answered",
        fault: String(fault),
      });
    },
  };

  return createMiddleware(async function emergencyCache(c, next) {
    if (!(await isOnOrNot(isOn, c))) return next();
    const origin = proceed(c, next);
    const deps = { ...parts, origin, ownRoutes: null };
    return replace(c, await guardRequest(c.req.raw, deps, c.executionCtx));
  });
};
