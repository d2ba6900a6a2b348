/**
 * The desk: one object that allocates incident ids, opens incidents through its own outbox, keeps the index that every
 * list reads, the alert inbox, and the hour's budget of automatic actions.
 */
import { DurableObject } from "cloudflare:workers";
import type { Alert, AlertCounts } from "../alerts/alert.ts";
import { countAlerts, receiveAlerts, type Inbox } from "../alerts/inbox.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { assert } from "../shared/assert.ts";
import type { IncidentId } from "../shared/ids.ts";
import { oneAtATime } from "../shared/one-at-a-time.ts";
import { answerTrigger, firstView, joinCommand, openCommand } from "./desk.ts";
import { LIST_PAGE_MAX, type DeskApi, type Trigger } from "./desk-api.ts";
import { DeskRows, type QueuedCommand } from "./desk-rows.ts";
import type { IncidentApi } from "./incident-api.ts";
import type { Actor } from "./journal.ts";
import { plainPlaybook, PLAIN_PLAYBOOK_ID } from "./plain.ts";
import { afterFailure } from "./retry.ts";
import type { IncidentView } from "./view.ts";

/** Open incidents the monitor feeds at once; past it the newest wait. */
export const OPEN_MAX = 100;
const COMMANDS_AT_ONCE_MAX = 6;
/** A command to an incident is worth trying for a day. */
const COMMAND_DEADLINE_MS = 24 * 3_600_000;

export type DeskDeps = {
  readonly instance: string;
  /** Null when the deployed bundle has no such playbook. */
  readonly playbook: (id: string) => BundledPlaybook | null;
  readonly incident: (id: string) => Pick<IncidentApi, "handle">;
  readonly newIncidentId: () => IncidentId;
  /** Does a playbook's rule already watch alerts like this one? */
  readonly claims: (alert: Alert) => boolean;
};

export class DeskObject<Env = unknown> extends DurableObject<Env> implements DeskApi {
  readonly #deps: DeskDeps;
  readonly #rows: DeskRows;
  #inbox: Inbox;
  readonly #drain = oneAtATime(() => this.#drainAll());

  constructor(ctx: DurableObjectState, env: Env, deps: DeskDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#rows = new DeskRows(ctx.storage.sql, Date.now());
    this.#inbox = this.#rows.inbox();
  }

  async trigger(
    trigger: Trigger,
  ): Promise<{ readonly incidentId: string; readonly isNew: boolean }> {
    const answer = this.ctx.storage.transactionSync(() => this.#answer(trigger));
    await this.#drain();
    return answer;
  }

  async list(query: {
    readonly status?: "open" | "resolved";
    readonly before?: string;
    readonly limit?: number;
  }): Promise<{ readonly items: readonly IncidentView[]; readonly next: string | null }> {
    const limit = Math.min(Math.max(query.limit ?? LIST_PAGE_MAX, 1), LIST_PAGE_MAX);
    const items = this.#rows.list({
      status: query.status ?? null,
      before: query.before ?? null,
      limit: limit + 1,
    });
    const page = items.slice(0, limit);
    return { items: page, next: items.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  async open(): Promise<readonly IncidentView[]> {
    return this.#rows.open(OPEN_MAX);
  }

  async project(view: IncidentView): Promise<void> {
    this.#rows.save(view);
  }

  async spendAction(leaseId: string, atMs: number, perHourMax: number): Promise<boolean> {
    return this.ctx.storage.transactionSync(() =>
      this.#rows.spendAction(leaseId, { atMs, max: perHourMax }),
    );
  }

  async receive(
    alerts: readonly Alert[],
    atMs: number,
  ): Promise<{ readonly accepted: number; readonly duplicates: number }> {
    const reception = receiveAlerts(this.#inbox, alerts, atMs);
    this.ctx.storage.transactionSync(() => {
      this.#rows.saveInbox(this.#inbox, reception.inbox);
      for (const alert of reception.news) this.#followUp(alert, atMs);
    });
    this.#inbox = reception.inbox;
    await this.#drain();
    return { accepted: reception.accepted, duplicates: reception.duplicates };
  }

  async alertCounts(): Promise<AlertCounts> {
    return countAlerts(this.#inbox, Date.now());
  }

  async alerts(): Promise<readonly Alert[]> {
    return this.#inbox.alerts;
  }

  /** May come late or twice: commands carry ids that incidents answer once. */
  override async alarm(): Promise<void> {
    await this.#drain();
  }

  #answer(trigger: Trigger): { readonly incidentId: string; readonly isNew: boolean } {
    const known = this.#rows.incidentOf(trigger.id);
    if (known !== null) return { incidentId: known, isNew: false };
    const playbook = this.#playbookOf(trigger);
    const latest = this.#rows.latest(playbook.spec.id, trigger.scope);
    const answer = answerTrigger(trigger, latest, playbook);
    if (answer.answer === "open") {
      const command = openCommand(trigger, this.#deps.newIncidentId(), {
        playbook,
        instance: this.#deps.instance,
      });
      const { incidentId } = command.data;
      this.#rows.save(firstView(command));
      this.#rows.enqueue(incidentId, command);
      this.#rows.saveTrigger(trigger.id, incidentId, trigger.atMs);
      return { incidentId, isNew: true };
    }
    const command = joinCommand(trigger, answer);
    if (command !== null) this.#rows.enqueue(answer.incidentId, command);
    if (answer.answer === "reopen") this.#rows.markReopened(answer.incidentId);
    this.#rows.saveTrigger(trigger.id, answer.incidentId, trigger.atMs);
    return { incidentId: answer.incidentId, isNew: false };
  }

  #playbookOf(trigger: Trigger): BundledPlaybook {
    if (trigger.playbook === null || trigger.playbook === PLAIN_PLAYBOOK_ID) {
      return plainPlaybook(trigger.title, trigger.severity);
    }
    const playbook = this.#deps.playbook(trigger.playbook);
    assert(playbook !== null, "a trigger names a playbook of the deployed bundle");
    return playbook;
  }

  /** An alert that no playbook claims opens a plain incident, and its end resolves it. */
  #followUp(alert: Alert, atMs: number): void {
    if (this.#deps.claims(alert)) return;
    const scope = `alert:${alert.source}:${alert.fingerprint}`;
    const actor: Actor = { kind: "webhook", id: alert.source };
    if (alert.status === "firing") {
      this.#answer({
        id: `${scope}:${alert.startsAtMs}`,
        playbook: null,
        scope,
        title: alert.title,
        severity: alert.severity,
        params: {},
        onsetAtMs: alert.startsAtMs,
        atMs,
        rules: {},
        readings: [],
        actor,
        drill: false,
      });
      return;
    }
    const open = this.#rows.latest(PLAIN_PLAYBOOK_ID, scope);
    if (open === null || open.status === "resolved") return;
    this.#rows.enqueue(open.id, {
      id: `ended:${scope}:${alert.startsAtMs}`,
      type: "resolve",
      atMs,
      actor,
      data: { why: `${alert.source} says the alert has ended` },
    });
  }

  async #drainAll(): Promise<void> {
    // Should the object die in here, the alarm goes on.
    await this.#rearm();
    for (;;) {
      const due = this.#rows.due(Date.now(), COMMANDS_AT_ONCE_MAX);
      if (due.length === 0) break;
      await Promise.all(due.map((queued) => this.#deliver(queued)));
    }
    await this.#rearm();
  }

  async #deliver({ position, incidentId, command, attempts }: QueuedCommand): Promise<void> {
    try {
      const answer = await this.#deps.incident(incidentId).handle(command);
      if (!answer.ok) log("refused", incidentId, `${command.type}: ${answer.rejection.detail}`);
      this.#rows.done(position);
    } catch (fault) {
      const detail = `the incident could not be reached: ${fault instanceof Error ? fault.name : "unknown"}`;
      const retry = afterFailure({
        failure: { class: "retry", detail },
        attempts: attempts + 1,
        deadlineMs: command.atMs + COMMAND_DEADLINE_MS,
        nowMs: Date.now(),
        jitter: Math.random(),
      });
      log("unreachable", incidentId, detail);
      if (retry.answer === "again") this.#rows.postpone(position, attempts + 1, retry.dueAtMs);
      else this.#rows.done(position);
    }
  }

  async #rearm(): Promise<void> {
    const dueAtMs = this.#rows.nextDueAtMs();
    if (dueAtMs === null) return this.ctx.storage.deleteAlarm();
    // A deadline at or behind now, set from inside alarm(), is dropped by workerd (workerd#6866).
    await this.ctx.storage.setAlarm(Math.max(dueAtMs, Date.now() + 1));
  }
}

const log = (what: "refused" | "unreachable", incident: string, detail: string): void =>
  console.warn(JSON.stringify({ level: "warn", desk: what, incident, detail }));
