/** What the monitor of this deploy is given, and what its sources may reach. */
import type { Config } from "../config.ts";
import type { Env } from "../env.ts";
import { originOf } from "../guard/origin.ts";
import { mintToken, PROBE_HEADER, type SigningKey } from "../guard/signed.ts";
import type { CollectRequest } from "../monitor/collector.ts";
import type { MonitorDeps } from "../monitor/monitor-object.ts";
import { bundle, compiledPlaybooks } from "../playbooks/deployed.ts";
import { heartbeatsOf } from "../playbooks/site-heartbeats.ts";
import { instanceOf } from "../playbooks/site.ts";
import type { Collected } from "../signals/collect.ts";
import type { SourceReach, Vantage } from "../signals/source.ts";
import { deskOf, incidentOf, policyOf, trafficOf, writeJournalOf } from "./objects.ts";
import { vocabulary } from "./vocabulary.ts";

/** A probe's signature is for this probe: it is gone before anybody could use it again. */
const PROBE_LIFE_MS = 30_000;
/** Where probes pretend to go when nothing says where the site is; a binding ignores it. */
const NOWHERE = "https://site.invalid";

export const monitorDeps = (
  env: Env,
  collect: (request: CollectRequest) => Promise<Collected>,
): MonitorDeps => ({
  instance: instanceOf(bundle.site),
  site: bundle.site,
  playbooks: () => compiledPlaybooks(vocabulary),
  collect,
  desk: () => deskOf(env),
  incident: (id) => incidentOf(env, id),
  setPollMs: (pollMs) => policyOf(env).setPollMs(pollMs),
});

/** `self` is this Worker's own entry: what probes go through unless the guard is a Worker of its own. */
export const sourceReach = (env: Env, config: Config, self: Fetcher): SourceReach => ({
  probes: bundle.site.probes,
  around: around(env, config),
  through: through(env, config, self),
  postgres: config.postgres,
  replica: config.replica,
  redis: config.redis,
  cloudflareStatus: config.cloudflareStatus,
  cloudflare: config.cloudflare,
  neon: config.neon,
  traffic: trafficOf(env),
  policy: policyOf(env),
  writeJournals: bundle.site.write_journal.map(({ id }) => writeJournalOf(env, id)),
  alerts: deskOf(env),
  heartbeats: heartbeatsOf(bundle.site),
  told: deskOf(env),
  integrityChecks: bundle.site.integrity,
  payments: bundle.site.payments ?? null,
  audit: bundle.site.audit ?? null,
  hasAlertSource: Object.values(config.webhookSecrets).some((secret) => secret !== undefined),
});

function around(env: Env, config: Config): Vantage | null {
  if (env.ORIGIN === undefined && env.ORIGIN_URL === undefined) return null;
  const origin = originOf(env.ORIGIN, env.ORIGIN_URL);
  return {
    baseUrl: config.publicUrl ?? env.ORIGIN_URL ?? NOWHERE,
    fetch: (url, init) => origin(new Request(url, init)),
    sign: async () => ({}),
  };
}

function through(env: Env, config: Config, self: Fetcher): Vantage | null {
  const [key] = config.signingKeys;
  if (key === undefined) return null;
  const guard = env.GUARD_ENTRY ?? self;
  return {
    baseUrl: config.publicUrl ?? NOWHERE,
    fetch: (url, init) => guard.fetch(url, init),
    sign: () => signProbe(key),
  };
}

const signProbe = async (key: SigningKey): Promise<Readonly<Record<string, string>>> => ({
  [PROBE_HEADER]: await mintToken(key, {
    instance: instanceOf(bundle.site),
    kind: "probe",
    sub: "monitor",
    exp: Date.now() + PROBE_LIFE_MS,
  }),
});
