/** Firebreak in one Worker: the composition root, and the only reader of `env`. */
import { waitUntil, WorkerEntrypoint } from "cloudflare:workers";
import { readConfig, type Config } from "./config.ts";
import type { Env } from "./env.ts";
import { assembleGuard, guardOrOrigin, type Guard } from "./guard/assemble.ts";
import { isOffBy, originOf, type Origin } from "./guard/origin.ts";
import { routeIdOf } from "./guard/write-journal/names.ts";
import { createApp } from "./http/app.ts";
import { onOwnHost } from "./http/own-host.ts";
import { DeskObject } from "./incidents/desk-object.ts";
import { IncidentObject } from "./incidents/incident-object.ts";
import { LimiterObject } from "./limiter/limiter-object.ts";
import { siteDurationMs, siteParams } from "./monitor/cadence.ts";
import { collectSignals, type CollectRequest } from "./monitor/collector.ts";
import { MonitorObject } from "./monitor/monitor-object.ts";
import { bundle } from "./playbooks/deployed.ts";
import { instanceOf } from "./playbooks/site.ts";
import { GuardPolicyObject } from "./policy/policy-object.ts";
import { guardSettingsOf } from "./policy/settings.ts";
import type { Collected } from "./signals/collect.ts";
import { TrafficObject } from "./traffic/traffic-object.ts";
import { onCron } from "./wiring/cron.ts";
import { httpDeps } from "./wiring/http.ts";
import { deskDeps, incidentDeps } from "./wiring/incidents.ts";
import { monitorDeps, sourceReach } from "./wiring/monitor.ts";
import {
  limiterOf,
  monitorOf,
  policyOf,
  trafficShardOf,
  writeJournalOf,
} from "./wiring/objects.ts";
import { writeJournalDeps } from "./wiring/write-journal.ts";
import { WriteJournalObject } from "./write-journal/journal-object.ts";

export class Monitor extends MonitorObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(
      ctx,
      env,
      monitorDeps(env, (request) => ctx.exports.Collector.collect(request)),
    );
  }
}

export class Desk extends DeskObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, deskDeps(env));
  }
}

export class Incident extends IncidentObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, incidentDeps(env, configOf(env)));
  }
}

export class GuardPolicy extends GuardPolicyObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, {
      instance: instanceOf(bundle.site),
      settings: () =>
        guardSettingsOf(bundle.site, siteDurationMs(siteParams([], 0), "policy_poll_calm")),
    });
  }
}

export class Limiter extends LimiterObject<Env> {}

export class Traffic extends TrafficObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, {
      suspicion: () => ({
        errorRatio: bundle.site.suspicion.error_ratio,
        // A shard sees its part of the traffic, and waking the monitor early costs next to nothing.
        requestsMin: Math.ceil(bundle.site.suspicion.requests_min / bundle.site.traffic_shards),
        failedSignInsMin: Math.ceil(
          bundle.site.suspicion.failed_sign_ins_min / bundle.site.traffic_shards,
        ),
      }),
      onSuspicion: async () => {
        await monitorOf(env).poke("suspicion");
      },
    });
  }
}

export class WriteJournal extends WriteJournalObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    const routeId = routeIdOf(ctx.id.name) ?? "";
    super(ctx, env, routeId, writeJournalDeps(env, configOf(env), routeId));
  }
}

/** One source at a time, in a stateless invocation of its own: a source that hangs starves nobody of connections. */
export class Collector extends WorkerEntrypoint<Env> {
  collect(request: CollectRequest): Promise<Collected> {
    const reach = sourceReach(this.env, configOf(this.env), this.ctx.exports.default);
    return collectSignals(request, reach);
  }
}

export default {
  fetch(request, env, ctx): Promise<Response> {
    const ownHost = env.STATUS_URL === undefined ? null : configOf(env).statusUrl;
    const asked = ownHost === null ? null : onOwnHost(request, ownHost);
    return asked === null ? guardOf(env)(request, ctx) : ownRoutesOf(env)(asked);
  },

  /** Each minute: watches the monitor's tick and every open incident's next wake, and cleans up at the vendors. */
  async scheduled(_controller, env): Promise<void> {
    await onCron(env, configOf(env));
  },
} satisfies ExportedHandler<Env>;

/** One of each per isolate; the runtime hands the same `env` to every request of it. */
const configs = new WeakMap<Env, Config>();
const guards = new WeakMap<Env, Guard>();
const apps = new WeakMap<Env, ReturnType<typeof createApp>>();

function configOf(env: Env): Config {
  const config = configs.get(env) ?? readConfig(env);
  configs.set(env, config);
  return config;
}

function guardOf(env: Env): Guard {
  const known = guards.get(env);
  if (known !== undefined) return known;
  const origin = originOf(env.ORIGIN, env.ORIGIN_URL);
  const guard = guardOrOrigin(() => makeGuard(env, origin), origin);
  guards.set(env, guard);
  return guard;
}

/** Made on first use: a visitor's request never pays for it. */
function ownRoutesOf(env: Env): Origin {
  return async (request) => {
    const app = apps.get(env) ?? createApp(httpDeps(env, configOf(env)));
    apps.set(env, app);
    return app.fetch(request, {}, { waitUntil, passThroughOnException: () => {}, props: {} });
  };
}

function makeGuard(env: Env, origin: Origin): Guard {
  return assembleGuard({
    isOff: isOffBy(env.GUARD),
    origin,
    ownRoutes: ownRoutesOf(env),
    policy: () => policyOf(env),
    traffic: (shard) => trafficShardOf(env, shard),
    limiter: limiterOf(env),
    policyId: env.POLICY.idFromName("policy").toString(),
    signingKeys: env.SIGNING_KEYS,
    journal: {
      journal: (routeId) => writeJournalOf(env, routeId),
      secret: configOf(env).journalSecret,
    },
    turnstile: { secret: env.TURNSTILE_SECRET, url: env.TURNSTILE_URL },
  });
}
