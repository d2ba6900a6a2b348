/** What each playbook needs and has not got, and the one line that mends it. Pure. */
import type { Silence } from "../alerts/silences.ts";
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { parseDuration } from "../shared/duration.ts";
import type { SourceId } from "../signals/catalogue.ts";
import type { ListHead } from "../policy/lists.ts";
import { isKnown, type SignalName, type SignalSet, type UnknownReason } from "../signals/signal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { AgreedItem } from "../postmortem/due.ts";
import type { Parts, PartState } from "./deps.ts";
import { owedFindings } from "./owed-findings.ts";
import { quietFindings } from "./quiet-findings.ts";

/** `ok`, or: `missing` was never set up, `failing` was and does not work, `due` waits for people. */
export type FindingState = "ok" | "missing" | "failing" | "due";

export type Finding = {
  readonly kind:
    | "signal"
    | "actuator"
    | "channel"
    | "review"
    | "owner"
    | "postmortem"
    | "action-item"
    | "monitor"
    | "networks"
    | "write-journal"
    | "integrity"
    | "limiter"
    | "client-address"
    | "silence";
  readonly id: string;
  readonly state: FindingState;
  readonly detail: string | null;
  /** The one line that mends it; null when nothing is to be done. */
  readonly mend: string | null;
};

export type PlaybookReport = {
  readonly playbook: string;
  readonly findings: readonly Finding[];
};

export type DoctorReport = {
  /** False when something that a playbook needs is failing. */
  readonly ok: boolean;
  readonly site: readonly Finding[];
  readonly playbooks: readonly PlaybookReport[];
};

export type DoctorInput = {
  readonly playbooks: readonly CompiledPlaybook[];
  /** As seen now: stale ones already unknown. Null when nobody could be asked. */
  readonly signals: SignalSet | null;
  readonly sourceOf: (name: SignalName) => SourceId | null;
  /** Null when nobody could be asked. */
  readonly parts: Parts | null;
  readonly isTickFresh: boolean | null;
  /** Null when nobody was there to be asked. */
  readonly lists: readonly ListHead[] | "unreachable" | null;
  /** Incidents whose post-mortem is late; null when nobody could be asked. */
  readonly overdue: readonly IncidentView[] | null;
  /** The same of what was agreed on in them. */
  readonly overdueItems: readonly AgreedItem[] | null;
  /** Null when nobody could be asked. */
  readonly silences: readonly Silence[] | null;
  /** How the site says that it is known; null: nobody asks. */
  readonly clientAddress: SiteSpec["client_address"] | null;
  readonly nowMs: number;
};

export function doctorReport(input: DoctorInput): DoctorReport {
  const site = [
    ...monitorFinding(input.isTickFresh),
    ...(input.parts?.channels ?? []).map((part) => partFinding("channel", part)),
    ...(input.parts?.publicChannels ?? []).map((part) => partFinding("channel", part)),
    ...noChannel(input.parts),
    ...listFindings(input.lists, input.nowMs),
    ...(input.parts?.writeJournals ?? []).map((part) => partFinding("write-journal", part)),
    ...(input.parts?.integrity ?? []).map((part) => partFinding("integrity", part)),
    ...(input.parts === null ? [] : [partFinding("limiter", input.parts.limiter)]),
    ...addressFindings(input.clientAddress),
    ...journalFindings(input.signals ?? {}),
    ...quietFindings(input),
    ...owedFindings(input),
  ];
  const playbooks = input.playbooks.map((playbook) => ({
    playbook: playbook.spec.id,
    findings: [
      ...ownerFinding(playbook),
      ...reviewFinding(playbook, input.nowMs),
      ...signalFindings(playbook, input),
      ...actuatorFindings(playbook, input.parts),
    ],
  }));
  const all = [...site, ...playbooks.flatMap(({ findings }) => findings)];
  return { ok: all.every((finding) => finding.state !== "failing"), site, playbooks };
}

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

const signalFindings = (playbook: CompiledPlaybook, input: DoctorInput): readonly Finding[] =>
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

const actuatorFindings = ({ steps }: CompiledPlaybook, parts: Parts | null): readonly Finding[] => {
  if (parts === null) return [];
  const used = new Set(steps.map((step) => step.spec.do));
  return parts.actuators
    .filter((actuator) => used.has(actuator.id))
    .map((actuator) => partFinding("actuator", actuator));
};

type PartKind = "actuator" | "channel" | "write-journal" | "integrity" | "limiter";

const partFinding = (kind: PartKind, { id, missing }: PartState): Finding => ({
  kind,
  id,
  state: missing === null ? "ok" : "missing",
  detail: missing,
  mend: missing === null ? null : mendPart(kind, missing),
});

/** A part that lacks a secret says which; the rest is in its own words. */
function mendPart(kind: PartKind, missing: string): string {
  const secret =
    /\b(?:CHANNEL_[A-Z0-9_]+|JOURNAL_[A-Z0-9_]+|CLOUDFLARE_API_TOKEN|NEON_API_KEY|SIGNING_KEYS|POSTGRES_REPLICA_URL|POSTGRES_ACTS_URL)\b/.exec(
      missing,
    )?.[0];
  if (secret !== undefined) return `wrangler secret put ${secret}`;
  const variable = /\b(CLOUDFLARE_[A-Z_]+) is not set/.exec(missing)?.[1];
  if (variable !== undefined) return `set ${variable} in [vars] of wrangler.toml`;
  if (kind === "limiter") return "bind LIMITER to the class Limiter in wrangler.toml";
  return kind === "channel" ? "correct the channel in playbooks/site.yaml" : missing;
}

/** With nobody to tell, an incident is a secret. */
const noChannel = (parts: Parts | null): readonly Finding[] =>
  parts === null || parts.channels.length > 0
    ? []
    : [
        {
          kind: "channel",
          id: "none",
          state: "missing",
          detail: "no channel is declared: nobody will be told",
          mend: "declare a channel in playbooks/site.yaml",
        },
      ];

/** What the journals say of themselves: deliveries that people must look at, and guards that could not keep any. */
function journalFindings(signals: SignalSet): readonly Finding[] {
  return JOURNAL_TROUBLES.flatMap(({ name, id, mend }) => {
    const signal = signals[name];
    const count = signal !== undefined && isKnown(signal) ? Number(signal.value) : 0;
    if (count === 0) return [];
    return [{ kind: "write-journal", id, state: "failing", detail: `${count} deliveries`, mend }];
  });
}

const JOURNAL_TROUBLES = [
  {
    name: "write_journal.missed_count",
    id: "missed",
    mend: "on the Worker that guards: bind WRITE_JOURNAL and set the JOURNAL_… secrets; see docs/write-journal.md",
  },
  {
    name: "write_journal.dead_count",
    id: "dead-letters",
    mend: "look at GET /_firebreak/api/v1/write-journal, mend what refuses them, and drive them again",
  },
] as const;

function monitorFinding(isTickFresh: boolean | null): readonly Finding[] {
  if (isTickFresh === null) return [];
  return [
    isTickFresh
      ? { kind: "monitor", id: "tick", state: "ok", detail: null, mend: null }
      : {
          kind: "monitor",
          id: "tick",
          state: "failing",
          detail: "the monitor has not ticked for 2.5 times its cadence",
          mend: "check that the cron trigger is deployed, and the Monitor object in the Worker's log",
        },
  ];
}

/** Where addresses are not known, all that is about them does nothing, and nobody is told so by any answer. */
function addressFindings(clientAddress: DoctorInput["clientAddress"]): readonly Finding[] {
  if (clientAddress === null) return [];
  const isKnown = clientAddress !== "none";
  const id = typeof clientAddress === "string" ? clientAddress : clientAddress.header;
  return [
    {
      kind: "client-address",
      id,
      state: isKnown ? "ok" : "missing",
      detail: isKnown
        ? null
        : "no client's address is known: blocks and limits by address, network, ASN, country and JA4 touch nobody",
      mend: isKnown
        ? null
        : "set client_address in playbooks/site.yaml to cloudflare, or to the header of the proxy that you run",
    },
  ];
}

/** A list that ends soon is enforced no longer then, and nobody else says so. */
const LIST_ENDS_SOON_MS = 24 * 3_600_000;

function listFindings(lists: DoctorInput["lists"], nowMs: number): readonly Finding[] {
  if (lists === null) return [];
  if (lists === "unreachable") {
    const detail = "the policy object does not answer";
    const mend = "check the GuardPolicy object in the Worker's log";
    return [{ kind: "networks", id: "lists", state: "failing", detail, mend }];
  }
  return lists.map(({ id, action, mode, networks, owner, expiresAtMs, ...keys }) => {
    const others = keys.asns.length + keys.countries.length + keys.ja4s.length;
    const count = `${networks} networks and ${others} ASNs, countries and JA4s`;
    const ends = `until ${new Date(expiresAtMs).toISOString().slice(0, 16)}Z`;
    const isDue = expiresAtMs - nowMs < LIST_ENDS_SOON_MS;
    return {
      kind: "networks",
      id,
      state: isDue ? "due" : "ok",
      detail: `${action}, ${mode}: ${count} ${ends}, kept by ${owner}`,
      mend: isDue
        ? `put the list again if it must stay: PUT /_firebreak/api/v1/networks/${id}`
        : null,
    };
  });
}

const NOBODY = /^(?:tbd|todo|none|nobody|unknown|n\/?a|-+|\?+)$/i;

function ownerFinding({ spec }: CompiledPlaybook): readonly Finding[] {
  const hasOwner = !NOBODY.test(spec.owner.trim());
  return [
    {
      kind: "owner",
      id: spec.owner,
      state: hasOwner ? "ok" : "due",
      detail: hasOwner ? null : "nobody owns this playbook",
      mend: hasOwner ? null : `name an owner in playbooks/${spec.id}.yaml`,
    },
  ];
}

function reviewFinding({ spec }: CompiledPlaybook, nowMs: number): readonly Finding[] {
  const every = parseDuration(spec.review_every);
  if (!every.ok) return [];
  const dueAtMs = Date.parse(spec.reviewed) + every.value;
  const isDue = nowMs > dueAtMs;
  const due = new Date(dueAtMs).toISOString().slice(0, 10);
  return [
    {
      kind: "review",
      id: spec.reviewed,
      state: isDue ? "due" : "ok",
      detail: isDue ? `its review was due on ${due}` : `next review by ${due}`,
      mend: isDue ? `review it and set \`reviewed\` in playbooks/${spec.id}.yaml` : null,
    },
  ];
}
