/**
 * The desk: one object that allocates incident ids, opens incidents through its own outbox, keeps the index that every
 * list reads, the alert inbox, and the hour's budget of automatic actions.
 */
import { DurableObject } from "cloudflare:workers";
import type { Alert, AlertCounts } from "../alerts/alert.ts";
import type { Deployment } from "../alerts/deployments.ts";
import type { Beat, Heard } from "../alerts/heartbeats.ts";
import { turnsOf, type GroupTurn } from "../alerts/groups.ts";
import { countAlerts, receiveAlerts, type Inbox, type Reception } from "../alerts/inbox.ts";
import { REPORTS_BATCH_MAX, type Report, type ReportCounts } from "../alerts/reports.ts";
import type { Acceptance } from "../integrity/accepted.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";
import { assert } from "../shared/assert.ts";
import type { IncidentId } from "../shared/ids.ts";
import {
  alertCommand,
  alertTrigger,
  answerTrigger,
  firstView,
  joinCommand,
  openCommand,
} from "./desk.ts";
import { LIST_PAGE_MAX, type DeskApi, type Trigger } from "./desk-api.ts";
import { DeskRows, type QueuedCommand } from "./desk-rows.ts";
import type { IncidentCommand } from "./command.ts";
import type { IncidentApi } from "./incident-api.ts";
import { Lanes } from "./lanes.ts";
import { plainPlaybook, PLAIN_PLAYBOOK_ID } from "./plain.ts";
import { afterFailure } from "./retry.ts";
import { ToldRows } from "./told-rows.ts";
import type { IncidentView } from "./view.ts";

/** Open incidents the monitor feeds at once; past it the newest wait, and those that no playbook claims before all others. */
export const OPEN_MAX = 100;
export const COMMANDS_AT_ONCE_MAX = 6;
/** One attempt at giving an incident a command; the incident answers the same command once, however often it comes. */
export const COMMAND_MS_MAX = 10_000;
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
  readonly #told: ToldRows;
  readonly #lanes: Lanes<QueuedCommand>;
  #inbox: Inbox;

  constructor(ctx: DurableObjectState, env: Env, deps: DeskDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#rows = new DeskRows(ctx.storage.sql, Date.now());
    this.#told = new ToldRows(ctx.storage.sql);
    this.#lanes = new Lanes({
      due: () => this.#rows.due(Date.now()),
      keyOf: ({ incidentId }) => incidentId,
      perform: (queued) => this.#deliver(queued),
      atOnceMax: COMMANDS_AT_ONCE_MAX,
      isUrgent: () => false,
    });
    this.#inbox = this.#rows.inbox();
  }

  async trigger(
    trigger: Trigger,
  ): Promise<{ readonly incidentId: string; readonly isNew: boolean }> {
    const answer = this.ctx.storage.transactionSync(() => this.#answer(trigger));
    await this.#deliverNow(answer.incidentId);
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

  async once(
    id: string,
    fingerprint: string,
    atMs: number,
  ): Promise<{ readonly firstAtMs: number; readonly isSame: boolean }> {
    return this.ctx.storage.transactionSync(() => this.#rows.once(id, fingerprint, atMs));
  }

  async receive(
    alerts: readonly Alert[],
    atMs: number,
  ): Promise<{ readonly accepted: number; readonly duplicates: number }> {
    const reception = receiveAlerts(this.#inbox, alerts, atMs);
    this.ctx.storage.transactionSync(() => {
      this.#rows.saveInbox(this.#inbox, reception.inbox);
      for (const turn of this.#turns(reception)) this.#followUp(turn, atMs);
    });
    this.#inbox = reception.inbox;
    // A tool that sends alerts waits for none of the incidents they open.
    await this.#rearm();
    this.#lanes.notice();
    return { accepted: reception.accepted, duplicates: reception.duplicates };
  }

  async alertCounts(): Promise<AlertCounts> {
    return countAlerts(this.#inbox, Date.now());
  }

  async alerts(): Promise<readonly Alert[]> {
    return this.#inbox.alerts;
  }

  async beat(beat: Beat): Promise<void> {
    this.#told.beat(beat);
  }

  async heartbeats(names: readonly string[]): Promise<readonly Heard[]> {
    return this.#told.heard(names, Date.now());
  }

  async report(reports: readonly Report[]): Promise<void> {
    assert(reports.length <= REPORTS_BATCH_MAX, `at most ${REPORTS_BATCH_MAX} reports at once`);
    this.ctx.storage.transactionSync(() => this.#told.saveReports(reports, Date.now()));
  }

  async reportCounts(): Promise<ReportCounts> {
    return this.#told.counts(Date.now());
  }

  async reports(limit: number): Promise<readonly Report[]> {
    return this.#told.reports(Math.min(limit, LIST_PAGE_MAX));
  }

  async deployed(deployment: Deployment): Promise<void> {
    this.#told.deployed(deployment);
  }

  async deployments(toMs: number): Promise<readonly Deployment[]> {
    return this.#told.deployments(toMs);
  }

  async accept(acceptance: Acceptance): Promise<void> {
    this.#told.accept(acceptance);
  }

  async accepted(): Promise<readonly Acceptance[]> {
    return this.#told.accepted();
  }

  /** May come late or twice: commands carry ids that incidents answer once. */
  override async alarm(): Promise<void> {
    await this.#deliverNow();
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
      this.#rows.enqueue(incidentId, command, Date.now());
      this.#rows.saveTrigger(trigger.id, incidentId, trigger.atMs);
      return { incidentId, isNew: true };
    }
    const command = joinCommand(trigger, answer);
    if (command !== null) this.#rows.enqueue(answer.incidentId, command, Date.now());
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

  /** Of the alerts that no playbook claims. */
  #turns({ inbox, news }: Reception): readonly GroupTurn[] {
    const isOurs = (alert: Alert): boolean => !this.#deps.claims(alert);
    const ours = {
      inbox: { ...inbox, alerts: inbox.alerts.filter(isOurs) },
      news: news.filter(isOurs),
    };
    return turnsOf(this.#inbox.alerts.filter(isOurs), ours);
  }

  /** A group of alerts opens a plain incident, and its end resolves it. */
  #followUp({ turn, scope, alert }: GroupTurn, atMs: number): void {
    const latest = this.#rows.latest(PLAIN_PLAYBOOK_ID, scope);
    const isOpen = latest !== null && latest.status !== "resolved";
    if (turn === "fires" && !isOpen) this.#answer(alertTrigger(alert, scope, atMs));
    else if (isOpen) this.#rows.enqueue(latest.id, alertCommand(turn, alert, atMs), Date.now());
  }

  /** Delivers what is due, and waits for all of it or for what concerns one incident. */
  async #deliverNow(incidentId?: string): Promise<void> {
    // Should the object die in here, the alarm goes on.
    await this.#rearm();
    await this.#lanes.drain(incidentId);
    await this.#rearm();
  }

  async #deliver({ position, incidentId, command, attempts }: QueuedCommand): Promise<void> {
    const failed = await this.#attempt(incidentId, command);
    if (failed === null) return this.#rows.done(position);
    log("unreachable", incidentId, failed);
    const retry = afterFailure({
      failure: { class: "retry", detail: failed },
      attempts: attempts + 1,
      deadlineMs: command.atMs + COMMAND_DEADLINE_MS,
      nowMs: Date.now(),
      jitter: Math.random(),
    });
    if (retry.answer === "again") this.#rows.postpone(position, attempts + 1, retry.dueAtMs);
    else this.#rows.done(position);
  }

  /** Null when the incident answered, be it that it refused. */
  async #attempt(incidentId: string, command: IncidentCommand): Promise<string | null> {
    try {
      const answer = await withinDeadline(COMMAND_MS_MAX, () =>
        this.#deps.incident(incidentId).handle(command),
      );
      if (!answer.ok) return `the incident did not answer within ${COMMAND_MS_MAX} ms`;
      const { value } = answer;
      if (!value.ok) log("refused", incidentId, `${command.type}: ${value.rejection.detail}`);
      return null;
    } catch (fault) {
      return `the incident could not be reached: ${errorName(fault)}`;
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
