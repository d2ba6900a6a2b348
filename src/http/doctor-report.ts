/** What each playbook needs and has not got, and the one line that mends it. Pure. */
import type { Silence } from "../alerts/silences.ts";
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { parseDuration } from "../shared/duration.ts";
import type { SourceId } from "../signals/catalogue.ts";
import type { ListHead } from "../policy/lists.ts";
import { isKnown, type SignalName, type SignalSet } from "../signals/signal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { AgreedItem } from "../postmortem/due.ts";
import type { Parts, PartState } from "./deps.ts";
import { owedFindings } from "./owed-findings.ts";
import type { Routed } from "../playbooks/site-channels.ts";
import { routeFindings } from "./route-findings.ts";
import { quietFindings } from "./quiet-findings.ts";
import { signalFindings } from "./signal-findings.ts";

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
  /** Where the site's people are told. */
  readonly channels: readonly Routed[];
  readonly nowMs: number;
};

export function doctorReport(input: DoctorInput): DoctorReport {
  const site = [
    ...monitorFinding(input.isTickFresh),
    ...(input.parts?.channels ?? []).map((part) => partFinding("channel", part)),
    ...(input.parts?.publicChannels ?? []).map((part) => partFinding("channel", part)),
    ...noChannel(input.parts),
    ...routeFindings(input),
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
    /\b(?:CHANNEL_[A-Z0-9_]+|JOURNAL_[A-Z0-9_]+|CLOUDFLARE_API_TOKEN|NEON_API_KEY|SIGNING_KEYS|POSTGRES_REPLICA_URL|POSTGRES_ACTS_URL|REDIS_ACTS_TOKEN)\b/.exec(
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
