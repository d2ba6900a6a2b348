import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { TrafficApi } from "../../traffic/traffic-api.ts";
import { assembleParts } from "../assemble.ts";
import { guardRequest, type GuardDeps } from "../guard.ts";
import type { Shard } from "../limits/limiter-link.ts";
import type { PolicyReader } from "../snapshots.ts";
import type { JournalApi } from "../../write-journal/journal-api.ts";
import { journalName } from "../write-journal/names.ts";
import { proceed, replace } from "./proceed.ts";
import { say } from "../../shared/log.ts";

/** Where the app's environment keeps what the guard needs. Each is called with `c.env`, the policy and traffic per use. */
export type GuardOptions<Env> = {
  /** Firebreak's policy object: bind `GuardPolicy` with `script_name = "firebreak"`, and get it by the name `policy`. */
  readonly policy: (env: Env) => PolicyReader;
  /** The policy object's id as text: `env.POLICY.idFromName("policy").toString()`. */
  readonly policyId: (env: Env) => string;
  /** Bind `Traffic` likewise, and get it by the name `traffic:<shard>`. */
  readonly traffic: (env: Env, shard: number) => Pick<TrafficApi, "flush">;
  /** Bind `Limiter` likewise, and get it by the given name. Without it each isolate counts rate limits alone. */
  readonly limiter?: (env: Env, name: string) => Shard;
  readonly signingKeys?: (env: Env) => string | undefined;
  /** Firebreak's write journal: bind `WriteJournal` with its `script_name`. Without it, no delivery is kept. */
  readonly writeJournal?: (env: Env) => DurableObjectNamespaceLike;
  /** A sender's secret by the name that `site.yaml` gives it. */
  readonly journalSecret?: (env: Env, name: string) => string | undefined;
  /** The secret of a Turnstile widget; without it, challenges are work of our own. */
  readonly turnstileSecret?: (env: Env) => string | undefined;
  /** True serves everything, before anything else is looked at. */
  readonly isOff?: (env: Env) => boolean;
};

type DurableObjectNamespaceLike = {
  getByName(name: string): Pick<JournalApi, "accept">;
};

type Parts = Omit<GuardDeps, "origin" | "ownRoutes">;

/**
 * The whole guard inside a production app, by the policy of a Firebreak that runs elsewhere. Mount it first. What comes after it
 * is production: it runs at most once, and at least once unless the policy says otherwise.
 */
export const guard = <Env extends object>(options: GuardOptions<Env>) => {
  // One per isolate; the runtime hands the same `env` to every request of it.
  const parts = new WeakMap<Env, Parts>();

  return createMiddleware<{ Bindings: Env }>(async function guard(c, next) {
    const origin = proceed(c, next);
    const held = parts.get(c.env) ?? assemble(options, c.env);
    if (held === null) return next();
    parts.set(c.env, held);
    const deps: GuardDeps = { ...held, origin, ownRoutes: null };
    return replace(c, await guardRequest(c.req.raw, deps, waiting(c)));
  });
};

/** Null when the app's environment lacks what the guard needs: then the app runs unguarded, and the log says so. */
function assemble<Env extends object>(options: GuardOptions<Env>, env: Env): Parts | null {
  const { limiter } = options;
  try {
    return assembleParts({
      isOff: options.isOff?.(env) ?? false,
      policy: () => options.policy(env),
      traffic: (shard) => options.traffic(env, shard),
      limiter: limiter === undefined ? null : (name) => limiter(env, name),
      policyId: options.policyId(env),
      signingKeys: options.signingKeys?.(env),
      journal: {
        journal: (routeId) => options.writeJournal?.(env).getByName(journalName(routeId)) ?? null,
        secret: (name) => options.journalSecret?.(env, name),
      },
      turnstile: { secret: options.turnstileSecret?.(env), url: undefined },
    });
  } catch (fault) {
    say("error", {
      part: "guard",
      detail: "cannot start, the app runs unguarded; check the bindings",
      fault: String(fault),
    });
    return null;
  }
}

const waiting = (c: Context): { waitUntil: (promise: Promise<unknown>) => void } => ({
  waitUntil: (promise) => c.executionCtx.waitUntil(promise),
});
