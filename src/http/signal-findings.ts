/** Every signal that a playbook reads: is it known, why not, and what makes it so. Pure. */
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import type { SourceId } from "../signals/catalogue.ts";
import { isKnown, type SignalName, type SignalSet, type UnknownReason } from "../signals/signal.ts";
import type { DoctorInput, Finding, FindingState } from "./doctor-report.ts";

/** Every signal that any expression of the playbook reads, once, in order of appearance. */
export function signalsReadBy(playbook: CompiledPlaybook): readonly SignalName[] {
  const expressions = [
    ...playbook.rules.flatMap((rule) => [rule.when, rule.clear]),
    ...playbook.severityRaises.map((raise) => raise.when),
    ...playbook.steps.flatMap((step) => [step.when, step.expect]),
    playbook.recoverWhen,
    ...playbook.scale.map(({ when }) => when),
    ...playbook.checklist.map(({ seen }) => (seen?.by === "signals" ? seen.when : null)),
  ];
  return [...new Set(expressions.flatMap((expression) => expression?.signals ?? []))];
}

export const signalFindings = (
  playbook: CompiledPlaybook,
  input: DoctorInput,
): readonly Finding[] =>
  input.signals === null
    ? []
    : signalsReadBy(playbook).map((name) => signalFinding(name, input.signals ?? {}, input));

function signalFinding(
  name: SignalName,
  signals: SignalSet,
  { sourceOf }: Pick<DoctorInput, "sourceOf">,
): Finding {
  const signal = signals[name];
  const base = { kind: "signal", id: name } as const;
  if (signal !== undefined && isKnown(signal)) {
    return { ...base, state: "ok", detail: String(signal.value), mend: null };
  }
  if (signal === undefined) {
    const mend = "wait for the monitor's next tick; it comes within a minute of a deploy";
    return { ...base, state: "missing", detail: "never collected", mend };
  }
  const { unknown: reason, detail } = signal;
  return {
    ...base,
    state: STATES[reason],
    detail: detail === undefined ? `unknown: ${reason}` : `unknown: ${reason} (${detail})`,
    mend: mendSignal(sourceOf(name), reason),
  };
}

/** What being unknown for this reason means: nobody set it up, it is early, or it is broken. */
const STATES: Readonly<Record<UnknownReason, FindingState>> = {
  not_configured: "missing",
  no_data: "missing",
  masked: "ok",
  stale: "failing",
  timeout: "failing",
  refused: "failing",
  malformed: "failing",
};

const CONFIGURE: Readonly<Record<SourceId, string>> = {
  probe:
    "declare probes in playbooks/site.yaml, and bind ORIGIN (or set ORIGIN_URL) in wrangler.toml",
  postgres: "set the secret POSTGRES_URL: wrangler secret put POSTGRES_URL",
  replica:
    "set the secret POSTGRES_REPLICA_URL, the connection string of the read replica: wrangler secret put POSTGRES_REPLICA_URL",
  neon: "set NEON_PROJECT_ID in [vars] of wrangler.toml, and wrangler secret put NEON_API_KEY",
  database:
    "set the secret POSTGRES_URL, GRANT pg_monitor TO its role, and CREATE EXTENSION pg_stat_statements (preloaded by the server)",
  redis:
    "set REDIS_URL and REDIS_TOKEN: wrangler secret put REDIS_URL; wrangler secret put REDIS_TOKEN",
  cloudflare: "set CLOUDFLARE_STATUS_URLS in [vars] of wrangler.toml",
  deployments:
    "set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_WORKER in [vars] of wrangler.toml, and wrangler secret put CLOUDFLARE_API_TOKEN",
  logs: "set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_WORKER in [vars] of wrangler.toml, and wrangler secret put CLOUDFLARE_API_TOKEN",
  traffic: "route production's traffic through the guard",
  newcomers: "route production's traffic through the guard",
  usual_traffic: "route production's traffic through the guard",
  edge: "set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_ZONE_ID in [vars] of wrangler.toml, and wrangler secret put CLOUDFLARE_API_TOKEN",
  guard: "route production's traffic through the guard",
  write_journal: "declare a write_journal in playbooks/site.yaml",
  challenge: "nothing to do: it is known while clients are challenged",
  alerts:
    "set the secret ALERTMANAGER_TOKEN (wrangler secret put ALERTMANAGER_TOKEN) and point Alertmanager at /_firebreak/webhooks/alertmanager; docs/alerts.md has the other tools",
  heartbeats:
    "declare the job under heartbeats in playbooks/site.yaml, set HEARTBEAT_TOKEN, and let the job POST to /_firebreak/heartbeats/<name>",
  reports: "let support or the site POST to /_firebreak/reports",
  sdk: "let production use firebreak/sdk, with Traffic bound to it",
  sign_ins:
    "let production report auth.failed and auth.succeeded with address and account: docs/security.md",
  api_use: "route production's traffic through the guard",
  payments:
    "let production charge through firebreak/sdk, and declare payments in playbooks/site.yaml",
  integrity:
    "declare checks under integrity in playbooks/site.yaml, and set the secret POSTGRES_URL",
  audit:
    "declare under audit in playbooks/site.yaml where sign-ins and accesses are recorded, and set the secret POSTGRES_URL",
};

const REPAIR: Readonly<Record<SourceId, string>> = {
  probe: "check that production answers the probed paths, and that ORIGIN points at it",
  postgres: "check that the database runs and that POSTGRES_URL's role may connect",
  replica:
    "check that the replica runs, still replicates, and that POSTGRES_REPLICA_URL's role may connect",
  neon: "check that NEON_API_KEY may read NEON_PROJECT_ID, and that NEON_BRANCH_ID is a branch of it",
  database:
    "GRANT pg_monitor TO POSTGRES_URL's role, and check that pg_stat_statements is in shared_preload_libraries",
  redis: "check that Redis runs and that REDIS_TOKEN is current",
  cloudflare: "check that CLOUDFLARE_STATUS_URLS answer from a Worker",
  deployments:
    "check that CLOUDFLARE_API_TOKEN may read Workers Scripts of CLOUDFLARE_ACCOUNT_ID, and that CLOUDFLARE_WORKER is its name",
  logs: "check that CLOUDFLARE_API_TOKEN may query Workers Observability, and that CLOUDFLARE_WORKER has observability enabled",
  traffic: "check the Traffic object in the Worker's log",
  newcomers: "check the Traffic object in the Worker's log",
  usual_traffic: "check the Traffic object in the Worker's log",
  edge: "check that CLOUDFLARE_API_TOKEN may read the analytics of CLOUDFLARE_ZONE_ID",
  guard: "check the Traffic object in the Worker's log",
  challenge: "check the Traffic object in the Worker's log",
  alerts: "check the Desk object in the Worker's log",
  heartbeats: "check the Desk object in the Worker's log",
  reports: "check the Desk object in the Worker's log",
  sdk: "check the Traffic object in the Worker's log",
  sign_ins: "check the Traffic object in the Worker's log",
  api_use: "check the Traffic object in the Worker's log",
  payments:
    "check that Redis runs and lets us run scripts, and that POSTGRES_URL's role may SELECT payments",
  integrity:
    "check that POSTGRES_URL's role may SELECT the tables, and that each check ends within its timeout",
  audit:
    "check that POSTGRES_URL's role may SELECT the tables under audit, that their columns are as agreed, and that an index finds the newest rows",
  write_journal: "check the WriteJournal objects in the Worker's log",
};

function mendSignal(source: SourceId | null, reason: UnknownReason): string | null {
  if (source === null || reason === "masked") return null;
  if (reason === "not_configured") return CONFIGURE[source];
  if (reason === "no_data") return WAIT[source] ?? CONFIGURE[source];
  return REPAIR[source];
}

/** Set up, but silent so far. */
const WAIT: Readonly<Partial<Record<SourceId, string>>> = {
  alerts: "send a test alert: amtool alert add alertname=Test severity=info",
  database: "wait for the second poll, and for a visitor whose queries it can time",
  traffic: "send a request through the guard",
  newcomers: "nothing to do: it takes half a minute of visitors to know who was here before",
  usual_traffic:
    "nothing to do: after two weeks it knows what is usual at each hour, where enough comes",
  edge: "nothing to do: after two weeks it knows what usually comes to the edge at each hour, where enough does",
  guard: "send a request through the guard",
};
