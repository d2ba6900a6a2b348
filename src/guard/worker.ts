/** The guard alone: no objects, cron or console. A bug in a message template, or its deploy, cannot take the site down. */
import type { LimiterObject } from "../limiter/limiter-object.ts";
import type { GuardPolicyObject } from "../policy/policy-object.ts";
import { trafficName } from "../traffic/traffic-api.ts";
import type { TrafficObject } from "../traffic/traffic-object.ts";
import type { WriteJournalObject } from "../write-journal/journal-object.ts";
import { isJournalSecret, journalName } from "./write-journal/names.ts";
import { assembleGuard, guardOrOrigin, type Guard } from "./assemble.ts";
import { isOffBy, originOf } from "./origin.ts";

/** What wrangler.guard.toml and the secrets hand to this Worker. */
export type GuardEnv = {
  readonly ORIGIN?: Fetcher;
  readonly ORIGIN_URL?: string;
  readonly POLICY: DurableObjectNamespace<GuardPolicyObject>;
  readonly TRAFFIC: DurableObjectNamespace<TrafficObject>;
  /** Without it each isolate counts rate limits alone. */
  readonly LIMITER?: DurableObjectNamespace<LimiterObject>;
  /** The Worker that serves `/_firebreak`. */
  readonly CONTROL: Fetcher;
  readonly GUARD?: string;
  readonly SIGNING_KEYS?: string;
  /** Unbound, no delivery is kept. */
  readonly WRITE_JOURNAL?: DurableObjectNamespace<WriteJournalObject>;
  /** Secrets of senders, by the name that `site.yaml` gives: one, or an old and a new one on two lines. */
  readonly [journalSecret: `JOURNAL_${string}`]: string | undefined;
  /** Of a Turnstile widget, and where Turnstile is if not at Cloudflare. */
  readonly TURNSTILE_SECRET?: string;
  readonly TURNSTILE_URL?: string;
};

/** One guard per isolate; the runtime hands the same `env` to every request of it. */
const guards = new WeakMap<GuardEnv, Guard>();

export default {
  fetch(request, env, ctx): Promise<Response> {
    const guard = guards.get(env) ?? guardOf(env);
    guards.set(env, guard);
    return guard(request, ctx);
  },
} satisfies ExportedHandler<GuardEnv>;

function guardOf(env: GuardEnv): Guard {
  const origin = originOf(env.ORIGIN, env.ORIGIN_URL);
  const { LIMITER: shards } = env;
  const make = (): Guard =>
    assembleGuard({
      isOff: isOffBy(env.GUARD),
      origin,
      ownRoutes: (request) => env.CONTROL.fetch(request),
      policy: () => env.POLICY.getByName("policy"),
      traffic: (shard) => env.TRAFFIC.getByName(trafficName(shard)),
      limiter: shards === undefined ? null : (name) => shards.getByName(name),
      policyId: env.POLICY.idFromName("policy").toString(),
      signingKeys: env.SIGNING_KEYS,
      journal: {
        journal: (routeId) => env.WRITE_JOURNAL?.getByName(journalName(routeId)) ?? null,
        secret: (name) => (isJournalSecret(name) ? env[name] : undefined),
      },
      turnstile: { secret: env.TURNSTILE_SECRET, url: env.TURNSTILE_URL },
    });
  return guardOrOrigin(make, origin);
}
