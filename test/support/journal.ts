/** Journals as incidents write them, for tests that read them. Every row is checked against the contract when it is made. */
import assert from "node:assert/strict";
import {
  EVENT_DATA,
  FIREBREAK,
  type Actor,
  type EventData,
  type EventType,
  type JournalRow,
} from "../../src/incidents/journal.ts";
import { playbook, type PlaybookSpec } from "../../src/playbooks/schema.ts";
import { deliveryId, leaseId, sha256Hex } from "../../src/shared/ids.ts";

export const INCIDENT_ID = "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4";
/** 2026-11-23 14:02:11 UTC. */
export const OPENED_AT_MS = Date.UTC(2026, 10, 23, 14, 2, 11);
export const ADA: Actor = { kind: "person", id: "ada@shop.example" };
export const MONITOR: Actor = { kind: "monitor", id: "monitor" };

/** A small outage playbook, as strict as a real one. */
export const OUTAGE: PlaybookSpec = playbook.parse({
  schema: "firebreak/v1",
  id: "outage",
  title: "Complete service outage",
  owner: "platform-team",
  reviewed: "2026-11-01",
  severity: { base: "SEV-1" },
  detect: {
    rules: [
      {
        id: "probes-failing",
        when: "probe.around_success_ratio < 0.5",
        for: "5s",
        why: "Production does not answer its own health check.",
      },
    ],
  },
  mitigate: [
    {
      do: "maintenance-mode",
      lease: "15m",
      expect: { that: "guard.enforced_ratio > 0.9", within: "30s" },
    },
  ],
  recover: { stable_for: "5m" },
  communicate: {
    status_page: { component: "website", message: "The shop is down for everybody." },
  },
  checklist: ["Service restored and verified"],
});

export type JournalWriter = {
  /** Moves the clock. */
  readonly after: (ms: number) => JournalWriter;
  /** Appends an event at the clock's time. */
  readonly write: <Type extends EventType>(
    type: Type,
    data: EventData[Type],
    actor?: Actor,
  ) => JournalWriter;
  /** Appends what a later version might write. */
  readonly writeUnknown: (type: string, data: unknown, v?: number) => JournalWriter;
  readonly rows: readonly JournalRow[];
};

/** An incident that has just opened. */
export function aJournal(over: Partial<EventData["incident.opened"]> = {}): JournalWriter {
  const opened: EventData["incident.opened"] = {
    incidentId: INCIDENT_ID,
    instance: "shop.test",
    scope: "site",
    title: "Complete service outage",
    playbook: { id: OUTAGE.id, sha256: sha256Hex("outage"), source: "outage", spec: OUTAGE },
    params: {},
    severity: "SEV-1",
    onsetAtMs: OPENED_AT_MS - 7_000,
    rules: { "probes-failing": { status: "firing", sinceMs: OPENED_AT_MS - 2_000 } },
    readings: [
      { signal: "probe.around_success_ratio", value: 0, atMs: OPENED_AT_MS - 300 },
      { signal: "redis.reachable_ratio", unknown: "not_configured" },
    ],
    drill: false,
    ...over,
  };
  return writerAt(OPENED_AT_MS, []).write("incident.opened", opened, MONITOR);
}

/** The story the product exists for: an outage seen, put behind maintenance, released in stages, and resolved. */
export function anOutage(): JournalWriter {
  const lease = { leaseId: leaseId(INCIDENT_ID, "maintenance-mode", 1) };
  const page = deliveryId(INCIDENT_ID, "opened", "on-call");
  const effect = (seq: number) => ({ effectId: `${seq}:0` });
  return aJournal()
    .write("incident.status_changed", { from: "detected", to: "triaged", why: "severity SEV-1" })
    .write("message.requested", {
      deliveryId: page,
      channel: "on-call",
      message: "opened",
      why: "opened",
      subject: "SEV-1 opened: Complete service outage (Shop)",
      body: "…",
    })
    .write("evidence.requested", { collector: "postgres.activity" })
    .write("lease.proposed", {
      ...lease,
      step: "maintenance-mode",
      attempt: 1,
      actuator: "maintenance-mode",
      with: {},
      leaseMs: 900_000,
      release: "staged",
      mode: "auto",
      shadow: false,
      siteWide: true,
      masks: ["traffic.error_ratio"],
    })
    .write("lease.approved", { ...lease, why: "the playbook says auto" })
    .write("lease.applying", { ...lease, expiresAtMs: OPENED_AT_MS + 900_000 })
    .after(400)
    .write("lease.applied", {
      ...lease,
      ...effect(7),
      expiresAtMs: OPENED_AT_MS + 900_000,
      prior: null,
      receipt: { seq: "1.4" },
    })
    .write("message.delivered", { ...effect(3), deliveryId: page, receipt: { status: 202 } })
    .write("evidence.collected", {
      ...effect(4),
      collector: "postgres.activity",
      summary: "The database refuses connections",
      facts: { code: "ECONNREFUSED" },
    })
    .after(2_600)
    .write("lease.effective", {
      ...lease,
      readings: [{ signal: "guard.enforced_ratio", value: 1, atMs: OPENED_AT_MS + 2_900 }],
    })
    .write("incident.status_changed", {
      from: "triaged",
      to: "monitoring",
      why: "a mitigation is in force",
    })
    .after(57_000)
    .write("incident.acknowledged", {}, ADA)
    .write("incident.lead_taken", { lead: "ada@shop.example" }, ADA)
    .after(120_000)
    .write("incident.noted", { text: "Postgres was stopped by a bad deploy of its host." }, ADA)
    .after(60_000)
    .write("rule.changed", {
      rule: "probes-failing",
      from: { status: "firing", sinceMs: OPENED_AT_MS - 2_000 },
      to: { status: "inactive" },
      truth: "false",
      readings: [{ signal: "probe.around_success_ratio", value: 1 }],
    })
    .write("incident.recovery_seen", {
      readings: [{ signal: "probe.around_success_ratio", value: 1 }],
    })
    .after(30_000)
    .write("lease.releasing", { ...lease, share: 0.5, why: "recovery has held" })
    .after(30_000)
    .write("lease.releasing", { ...lease, share: 0.2, why: "production held with 50 % back" })
    .after(30_000)
    .write("lease.reverting", {
      ...lease,
      because: "recovered",
      why: "production held with 80 % of visitors back",
    })
    .after(300)
    .write("lease.reverted", { ...lease, ...effect(20), outcome: "restored" })
    .after(300_000)
    .write("incident.resolved", { why: "well for 5m with nothing applied" })
    .write("postmortem.drafted", {});
}

function writerAt(atMs: number, rows: readonly JournalRow[]): JournalWriter {
  const append = (type: string, v: number, data: unknown, actor: Actor): JournalWriter => {
    const seq = rows.length + 1;
    return writerAt(atMs, [...rows, { seq, type, v, atMs, actor, cause: `cmd-${seq}`, data }]);
  };
  return {
    rows,
    after: (ms) => writerAt(atMs + ms, rows),
    write(type, data, actor = FIREBREAK) {
      const parsed = EVENT_DATA[type].safeParse(data);
      assert.ok(parsed.success, `${type} is not as the contract says: ${parsed.error?.message}`);
      return append(type, 1, data, actor);
    },
    writeUnknown: (type, data, v = 1) => append(type, v, data, FIREBREAK),
  };
}
