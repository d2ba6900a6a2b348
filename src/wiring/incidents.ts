/** What the incident and desk objects of this deploy are given. */
import { monotonicFactory } from "ulid";
import type { Config } from "../config.ts";
import type { Env } from "../env.ts";
import type { Alert } from "../alerts/alert.ts";
import type { DeskDeps } from "../incidents/desk-object.ts";
import type { IncidentDeps } from "../incidents/incident-object.ts";
import { pages } from "../incidents/severity.ts";
import { performWith } from "../incidents/perform.ts";
import { plainPlaybook, PLAIN_PLAYBOOK_ID } from "../incidents/plain.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { EdgeExempt, Reach } from "../mitigations/actuator.ts";
import { actuators, actuatorWords, acts } from "../mitigations/registry.ts";
import { selectors } from "../mitigations/selectors/registry.ts";
import type { ChannelReach } from "../notify/channel.ts";
import { deliver, deliverPublic } from "../notify/deliver.ts";
import { publicMessage } from "../notify/public-message.ts";
import { messageSiteOf } from "../notify/message-site.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { compilePlaybook, type CompiledPlaybook } from "../playbooks/compile.ts";
import { githubRepository, type Repository } from "../platform/github.ts";
import { playbook as playbookSchema } from "../playbooks/schema.ts";
import { bundle, compiledPlaybooks, deployedPlaybook } from "../playbooks/deployed.ts";
import { groupRulesOf, quietRulesOf } from "../playbooks/site-alerts.ts";
import { instanceOf } from "../playbooks/site.ts";
import { assert } from "../shared/assert.ts";
import { ok, type Result } from "../shared/result.ts";
import type { Failure } from "../incidents/journal.ts";
import { collectEvidence } from "../signals/collectors/registry.ts";
import type { Evidence } from "../signals/collectors/collector.ts";
import { isKnown } from "../signals/signal.ts";
import { deskOf, incidentOf, monitorOf, policyOf, trafficOf } from "./objects.ts";
import { vocabulary } from "./vocabulary.ts";
import { say } from "../shared/log.ts";

const ulid = monotonicFactory();

/** `<prefix>_<ULID>`. */
export const newId = <const Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` =>
  `${prefix}_${ulid()}`;

export const deskDeps = (env: Env): DeskDeps => ({
  instance: instanceOf(bundle.site),
  playbook: deployedPlaybook,
  incident: (id) => incidentOf(env, id),
  newIncidentId: () => newId("inc"),
  claims,
  quiet: quietRulesOf(bundle.site.alerts),
  grouping: groupRulesOf(bundle.site.alerts),
});

export const incidentDeps = (env: Env, config: Config): IncidentDeps => ({
  ground: (playbook) => ({
    playbook: compiledOrPlain(playbook),
    actuators: actuatorWords(),
    missing: missingIn(reachOf(env, config)),
    site: messageSiteOf(bundle.site, config.incidentsUrl),
  }),
  perform: performWith({
    actuators,
    acts,
    reach: reachOf(env, config),
    selectors,
    selectReach: {
      traffic: trafficOf(env),
      allowlist: spared(),
    },
    now: Date.now,
    spendAction: (id) => deskOf(env).spendAction(id, Date.now(), bundle.site.actions_per_hour_max),
    collect: (collector, view) => collect(collector, view, { env, config }),
    deliver: (channel, message) =>
      deliver(channel, message, {
        channels: bundle.site.channels,
        secret: config.channelSecret,
        fetch: (url, init) => fetch(url, init),
        mail: mailOf(env),
        people: bundle.site.people,
        atMs: Date.now(),
      }),
    relay: (channel, relayed) =>
      deliverPublic(channel, publicMessage(relayed, channel, bundle.site, pageUrlOf(config)), {
        channels: bundle.site.public_channels,
        secret: config.channelSecret,
        fetch: (url, init) => fetch(url, init),
        atMs: Date.now(),
      }),
    project: (view) => deskOf(env).project(view),
  }),
});

const missingIn = (reach: Reach): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.values({ ...actuators, ...acts }).flatMap(({ id, missing }) => {
      const why = missing(reach);
      return why === null ? [] : [[id, why]];
    }),
  );

/** Whom no automation may block. */
const spared = (): readonly string[] => bundle.site.allowlist.map(({ network }) => network);

function mailOf({ EMAIL: binding }: Pick<Env, "EMAIL">): ChannelReach["mail"] {
  if (binding === undefined) return undefined;
  return ({ to, ...mail }) => binding.send({ ...mail, to: [...to] });
}

/** Where customers are sent for news: the page that the site names, or ours. */
function pageUrlOf({ publicUrl, statusUrl }: Pick<Config, "publicUrl" | "statusUrl">): string {
  const named = bundle.site.status_page ?? "";
  if (named.startsWith("https:")) return named;
  return statusUrl ?? `${publicUrl ?? ""}${named}`;
}

/** Who comes through Cloudflare and is no browser: ourselves, and who delivers. */
function exemptIn(env: Env): EdgeExempt {
  const { protected_classes: classes, write_journal: journals } = bundle.site;
  const host = URL.parse(env.ORIGIN_URL ?? "")?.hostname;
  return {
    routes: [
      "/_firebreak/*",
      ...new Set([...classes.webhook_routes, ...journals.map(({ route }) => route)]),
    ],
    hosts: host === undefined ? [] : [host],
    bots: classes.verified_bots,
  };
}

/** What actuators may reach. A failing object has certainly not changed anything we could not find again by the lease's id. */
export const reachOf = (
  env: Env,
  {
    cloudflare,
    neon,
    signingKeys,
    postgres,
    postgresActs,
    redisActs,
  }: Pick<
    Config,
    "cloudflare" | "neon" | "signingKeys" | "postgres" | "postgresActs" | "redisActs"
  >,
): Reach => ({
  instance: instanceOf(bundle.site),
  canSign: signingKeys.length > 0,
  policy: {
    put: (entry) => calling(() => policyOf(env).put(entry)),
    get: (id) => calling(async () => ok(await policyOf(env).get(id))),
    remove: (id) => calling(() => policyOf(env).remove(id)),
  },
  cloudflare:
    cloudflare === null
      ? null
      : { ...cloudflare, spared: spared(), exempt: exemptIn(env), now: Date.now },
  neon: neon === null ? null : { ...neon, cleanAtMs: () => cleanAtMs(env), now: Date.now },
  postgres,
  credentials:
    postgresActs === null ? null : { spec: bundle.site.audit ?? null, writer: postgresActs },
  sessions:
    bundle.site.sessions === undefined
      ? null
      : { prefix: bundle.site.sessions.redis_prefix, writer: redisActs },
});

/** When every integrity check last held, as the monitor saw it; null when it cannot say. */
async function cleanAtMs(env: Env): Promise<number | null> {
  try {
    const { signals } = await monitorOf(env).signals();
    const age = signals["integrity.clean_age_seconds"];
    if (age === undefined || !isKnown(age)) return null;
    return Math.round(age.atMs - Number(age.value) * 1_000);
  } catch {
    return null;
  }
}

async function calling<T>(call: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await call();
  } catch {
    const detail = "the policy object did not answer";
    return { ok: false, error: { class: "unknown_outcome", detail } };
  }
}

/** Is there a playbook whose rules already watch alerts like this one? */
let watched: ReadonlySet<string> | undefined;
function claims(alert: Pick<Alert, "severity">): boolean {
  // The same for each of a storm of alerts.
  const read = (watched ??= new Set(
    compiledPlaybooks(vocabulary).flatMap(({ rules }) => rules.flatMap(({ when }) => when.signals)),
  ));
  if (read.has("alerts.firing_count") || read.has("alerts.sources_count")) return true;
  return read.has("alerts.critical_count") && pages(alert.severity);
}

/**
 * An incident keeps the playbook it was opened with. When a later deploy no longer has the words of it, nothing automatic is
 * left to do: leases run out, and people take over.
 */
function compiledOrPlain(playbook: BundledPlaybook): CompiledPlaybook {
  const isPlain = playbook.spec.id === PLAIN_PLAYBOOK_ID;
  // Another deploy wrote it: what the schema has learnt since takes its default.
  const read = playbookSchema.safeParse(playbook.spec);
  if (isPlain || read.success) {
    const spec = read.success ? read.data : playbook.spec;
    const compiled = compilePlaybook({ ...playbook, spec }, vocabulary);
    if (compiled.ok) return compiled.value;
  }
  say("error", {
    part: "incidents",
    playbook: playbook.spec.id,
    sha256: playbook.sha256,
    detail: "an open incident's playbook no longer compiles; its automation is off",
  });
  const plain = compilePlaybook(
    plainPlaybook(playbook.spec.title, playbook.spec.severity.base),
    vocabulary,
  );
  assert(plain.ok, "the plain playbook compiles");
  return plain.value;
}

function collect(
  collector: string,
  view: IncidentView,
  { env, config }: { readonly env: Env; readonly config: Config },
): Promise<Result<Evidence, Failure>> {
  const playbook = compiledPlaybooks(vocabulary).find(({ spec }) => spec.id === view.playbook);
  const signals = playbook?.rules.flatMap(({ when }) => when.signals) ?? [];
  return collectEvidence(collector, {
    atMs: Date.now(),
    onsetAtMs: view.anchors.onsetAtMs,
    signals: [...new Set(signals)],
    history: (name, fromMs) => monitorOf(env).history(name, fromMs),
    cloudflareStatus: config.cloudflareStatus,
    cloudflare: config.cloudflare,
    deployments: (toMs) => deskOf(env).deployments(toMs),
    github: repositoryOf(config),
    postgres: config.postgres,
    replica: config.replica,
    redis: config.redis,
    traffic: trafficOf(env),
    integrityChecks: bundle.site.integrity,
    audit: bundle.site.audit ?? null,
    payments: bundle.site.payments ?? null,
    kept:
      config.neon === null
        ? null
        : {
            api: config.neon.api,
            incident: { instance: view.instance, incidentId: view.id },
            open: config.postgresAt,
          },
  });
}

/** Where production's source is: the site says which repository, the secret lets it be read. */
function repositoryOf({ github }: Pick<Config, "github">): Repository | null {
  const named = bundle.site.github;
  if (github === null || named === undefined) return null;
  return githubRepository(github, { name: named.repository, branch: named.branch ?? null });
}
