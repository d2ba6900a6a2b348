/** The rows of the desk: the index of incidents, the triggers already answered, commands on their way, spent actions, alerts. */
import { z } from "zod";
import { migrate } from "../platform/sqlite.ts";
import {
  bundledAfter,
  NOTHING_BUNDLED,
  type Bundled,
  type BundledAlert,
} from "../alerts/bundled.ts";
import { keyOf, type Inbox, type InboxAlert } from "../alerts/inbox.ts";
import type { IncidentCommand } from "./command.ts";
import { PLAIN_PLAYBOOK_ID } from "./plain.ts";
import { SILENCES_MIGRATION } from "./silence-rows.ts";
import {
  ACCEPTED_MIGRATION,
  DEPLOYED_MIGRATION,
  MEASURED_MIGRATION,
  TOLD_MIGRATION,
} from "./told-rows.ts";
import type { IncidentView } from "./view.ts";

const MIGRATIONS = [
  `CREATE TABLE incidents (
     id TEXT PRIMARY KEY,
     playbook TEXT NOT NULL,
     scope TEXT NOT NULL,
     status TEXT NOT NULL,
     seq INTEGER NOT NULL,
     view TEXT NOT NULL
   );
   CREATE INDEX incidents_by_scope ON incidents (playbook, scope, id);
   CREATE TABLE triggers (id TEXT PRIMARY KEY, incident_id TEXT NOT NULL, at_ms INTEGER NOT NULL);
   CREATE TABLE outbox (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     incident_id TEXT NOT NULL,
     command TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     due_at_ms INTEGER NOT NULL
   );
   CREATE TABLE actions (lease_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);
   CREATE TABLE alerts (key TEXT PRIMARY KEY, body TEXT NOT NULL);
   CREATE TABLE inbox (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     last_received_at_ms INTEGER,
     dropped_count INTEGER NOT NULL
   );
   INSERT INTO inbox (only, last_received_at_ms, dropped_count) VALUES (1, NULL, 0);`,
  TOLD_MIGRATION,
  `CREATE TABLE requests (id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, at_ms INTEGER NOT NULL);
   CREATE INDEX requests_at_ms ON requests (at_ms);`,
  ACCEPTED_MIGRATION,
  MEASURED_MIGRATION,
  DEPLOYED_MIGRATION,
  SILENCES_MIGRATION,
  "CREATE INDEX outbox_by_incident ON outbox (incident_id, position);",
  "CREATE TABLE bundled_alerts (key TEXT PRIMARY KEY, body TEXT NOT NULL);",
  `CREATE INDEX incidents_by_end ON incidents (json_extract(view, '$.anchors.resolvedAtMs'))
     WHERE status = 'resolved';`,
] as const;

/** Nobody repeats a request after a day without asking what became of it. */
export const REQUESTS_KEEP_MS = 24 * 3_600_000;
/** Remembered at once; the oldest go first. */
export const REQUESTS_MAX = 20_000;

const requestRow = z.object({ fingerprint: z.string(), at_ms: z.int() });

/** A trigger may be repeated for this long; then its id is forgotten. */
export const TRIGGER_KEEP_MS = 30 * 24 * 3_600_000;

/** Incidents whose commands are looked at in one go. */
const DUE_MAX = 100;

const inboxRow = z.object({ last_received_at_ms: z.int().nullable(), dropped_count: z.int() });

export type QueuedCommand = {
  readonly position: number;
  readonly incidentId: string;
  readonly command: IncidentCommand;
  readonly attempts: number;
};

export class DeskRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, nowMs: number) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS, nowMs);
  }

  incidentOf(triggerId: string): string | null {
    const [row] = this.#sql
      .exec<{ incident_id: string }>("SELECT incident_id FROM triggers WHERE id = ?", triggerId)
      .toArray();
    return row?.incident_id ?? null;
  }

  saveTrigger(id: string, incidentId: string, atMs: number): void {
    this.#sql.exec(
      "INSERT INTO triggers (id, incident_id, at_ms) VALUES (?, ?, ?)",
      id,
      incidentId,
      atMs,
    );
    this.#sql.exec("DELETE FROM triggers WHERE at_ms < ?", atMs - TRIGGER_KEEP_MS);
  }

  /** Was an incident of this id ever allocated here? */
  has(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM incidents WHERE id = ?", id).toArray().length > 0;
  }

  latest(playbook: string, scope: string): IncidentView | null {
    const [view] = this.#views(
      "SELECT view FROM incidents WHERE playbook = ? AND scope = ? ORDER BY id DESC LIMIT 1",
      playbook,
      scope,
    );
    return view ?? null;
  }

  /** Ignores a picture older than the one it has. */
  save(view: IncidentView): void {
    this.#sql.exec(
      `INSERT INTO incidents (id, playbook, scope, status, seq, view) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET status = excluded.status, seq = excluded.seq, view = excluded.view
       WHERE excluded.seq > seq`,
      view.id,
      view.playbook,
      view.scope,
      view.status,
      view.seq,
      JSON.stringify(view),
    );
  }

  /** Marks it open again before its own picture arrives, so that the monitor feeds it. */
  markReopened(id: string): void {
    this.#sql.exec(
      "UPDATE incidents SET status = 'reopened', view = json_set(view, '$.status', 'reopened') WHERE id = ?",
      id,
    );
  }

  open(limit: number): readonly IncidentView[] {
    return this.#views(
      // An incident that no playbook claims sees nothing in signals: a storm of alerts must not crowd out one that does.
      "SELECT view FROM incidents WHERE status <> 'resolved' ORDER BY playbook = ?, id LIMIT ?",
      PLAIN_PLAYBOOK_ID,
      limit,
    );
  }

  /** All that is open, those first that a playbook claims; one after the other, so that a storm of them need not fit in memory. */
  *everyOpen(): Generator<IncidentView> {
    const ids = this.#sql
      .exec<{ id: string }>(
        "SELECT id FROM incidents WHERE status <> 'resolved' ORDER BY playbook = ?, id",
        PLAIN_PLAYBOOK_ID,
      )
      .toArray();
    for (const { id } of ids) yield* this.#views("SELECT view FROM incidents WHERE id = ?", id);
  }

  list(query: {
    readonly status: "open" | "resolved" | null;
    readonly before: string | null;
    readonly limit: number;
  }): readonly IncidentView[] {
    const wanted = { open: "status <> 'resolved'", resolved: "status = 'resolved'" } as const;
    const condition = query.status === null ? "1" : wanted[query.status];
    return this.#views(
      `SELECT view FROM incidents WHERE ${condition} AND id < ? ORDER BY id DESC LIMIT ?`,
      // Sorts after every ULID.
      query.before ?? "inc_~",
      query.limit,
    );
  }

  /** The newest end first. */
  ended(sinceMs: number, limit: number): readonly IncidentView[] {
    const end = "json_extract(view, '$.anchors.resolvedAtMs')";
    return this.#views(
      `SELECT view FROM incidents WHERE status = 'resolved' AND ${end} >= ?
       ORDER BY ${end} DESC LIMIT ?`,
      sinceMs,
      limit,
    );
  }

  enqueue(incidentId: string, command: IncidentCommand, dueAtMs: number): void {
    this.#sql.exec(
      "INSERT INTO outbox (incident_id, command, attempts, due_at_ms) VALUES (?, ?, 0, ?)",
      incidentId,
      JSON.stringify(command),
      dueAtMs,
    );
  }

  /** The oldest command of each incident, when it is due. */
  due(nowMs: number): readonly QueuedCommand[] {
    return this.#sql
      .exec<{ position: number; incident_id: string; command: string; attempts: number }>(
        `SELECT position, incident_id, command, attempts FROM outbox WHERE due_at_ms <= ? AND position IN
         (SELECT min(position) FROM outbox GROUP BY incident_id) ORDER BY position LIMIT ?`,
        nowMs,
        DUE_MAX,
      )
      .toArray()
      .map((row) => ({
        position: row.position,
        incidentId: row.incident_id,
        command: JSON.parse(row.command) as IncidentCommand,
        attempts: row.attempts,
      }));
  }

  /** When a command may next be delivered; one behind another of its incident waits for that one. */
  nextDueAtMs(): number | null {
    return this.#sql
      .exec<{ due: number | null }>(
        `SELECT min(due_at_ms) AS due FROM outbox WHERE position IN
         (SELECT min(position) FROM outbox GROUP BY incident_id)`,
      )
      .one().due;
  }

  postpone(position: number, attempts: number, dueAtMs: number): void {
    this.#sql.exec(
      "UPDATE outbox SET attempts = ?, due_at_ms = ? WHERE position = ?",
      attempts,
      dueAtMs,
      position,
    );
  }

  done(position: number): void {
    this.#sql.exec("DELETE FROM outbox WHERE position = ?", position);
  }

  once(
    id: string,
    fingerprint: string,
    atMs: number,
  ): { readonly firstAtMs: number; readonly isSame: boolean } {
    this.#sql.exec("DELETE FROM requests WHERE at_ms <= ?", atMs - REQUESTS_KEEP_MS);
    this.#sql.exec("INSERT OR IGNORE INTO requests VALUES (?, ?, ?)", id, fingerprint, atMs);
    this.#sql.exec(
      "DELETE FROM requests WHERE rowid <= (SELECT max(rowid) FROM requests) - ?",
      REQUESTS_MAX,
    );
    const first = requestRow.parse(
      this.#sql.exec("SELECT fingerprint, at_ms FROM requests WHERE id = ?", id).one(),
    );
    return { firstAtMs: first.at_ms, isSame: first.fingerprint === fingerprint };
  }

  /** Once per lease or act: asking again for a spent one is true and costs nothing. */
  spendAction(
    leaseId: string,
    { atMs, max }: { readonly atMs: number; readonly max: number },
  ): boolean {
    this.#sql.exec("DELETE FROM actions WHERE at_ms <= ?", atMs - 3_600_000);
    const [known] = this.#sql.exec("SELECT 1 FROM actions WHERE lease_id = ?", leaseId).toArray();
    if (known !== undefined) return true;
    const { spent } = this.#sql
      .exec<{ spent: number }>("SELECT count(*) AS spent FROM actions")
      .one();
    if (spent >= max) return false;
    this.#sql.exec("INSERT INTO actions (lease_id, at_ms) VALUES (?, ?)", leaseId, atMs);
    return true;
  }

  inbox(): Inbox {
    const row = inboxRow.parse(
      this.#sql.exec("SELECT last_received_at_ms, dropped_count FROM inbox").one(),
    );
    const alerts = this.#sql
      .exec<{ body: string }>("SELECT body FROM alerts")
      .toArray()
      .map(({ body }) => JSON.parse(body) as InboxAlert);
    const bundled = this.#sql
      .exec<{ key: string; body: string }>("SELECT key, body FROM bundled_alerts")
      .toArray()
      .map(({ key, body }) => [key, JSON.parse(body) as BundledAlert] as const);
    return {
      alerts,
      bundled: bundledAfter(NOTHING_BUNDLED, new Map(bundled)),
      lastReceivedAtMs: row.last_received_at_ms,
      droppedCount: row.dropped_count,
    };
  }

  /** Writes what differs between two inboxes. */
  saveInbox(before: Inbox, after: Inbox): void {
    const known = new Set(before.alerts);
    const kept = new Set(after.alerts.map(keyOf));
    for (const alert of before.alerts) {
      if (!kept.has(keyOf(alert))) this.#sql.exec("DELETE FROM alerts WHERE key = ?", keyOf(alert));
    }
    for (const alert of after.alerts) {
      if (known.has(alert)) continue;
      this.#sql.exec(
        "INSERT OR REPLACE INTO alerts (key, body) VALUES (?, ?)",
        keyOf(alert),
        JSON.stringify(alert),
      );
    }
    this.#saveBundled(before.bundled, after.bundled);
    this.#sql.exec(
      "UPDATE inbox SET last_received_at_ms = ?, dropped_count = ?",
      after.lastReceivedAtMs,
      after.droppedCount,
    );
  }

  #saveBundled({ byKey: before }: Bundled, { byKey: after }: Bundled): void {
    if (before === after) return;
    for (const key of before.keys()) {
      if (!after.has(key)) this.#sql.exec("DELETE FROM bundled_alerts WHERE key = ?", key);
    }
    for (const [key, alert] of after) {
      if (before.get(key) === alert) continue;
      this.#sql.exec(
        "INSERT OR REPLACE INTO bundled_alerts (key, body) VALUES (?, ?)",
        key,
        JSON.stringify(alert),
      );
    }
  }

  #views(query: string, ...bindings: readonly (string | number)[]): readonly IncidentView[] {
    return this.#sql
      .exec<{ view: string }>(query, ...bindings)
      .toArray()
      .map(({ view }) => upcast(JSON.parse(view) as StoredView));
  }
}

/** Written before incidents had acts, it has none. */
type StoredView = Omit<IncidentView, "acts"> & Partial<Pick<IncidentView, "acts">>;
const upcast = (view: StoredView): IncidentView => ({ acts: [], ...view });
