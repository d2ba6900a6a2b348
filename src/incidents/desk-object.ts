/**
 * The desk: one object that allocates incident ids, opens incidents through its own outbox, keeps the index that every
 * list reads, the alert inbox, and the hour's budget of automatic actions.
 */
import { DurableObject } from "cloudflare:workers";
import type { Alert, AlertCounts } from "../alerts/alert.ts";
import { bundlesIn, heldBy, type Bundle } from "../alerts/bundled.ts";
import type { Deployment } from "../alerts/deployments.ts";
import type { Beat, Heard } from "../alerts/heartbeats.ts";
import type { GroupRule } from "../alerts/grouping.ts";
import { turnsOf, type GroupTurn } from "../alerts/groups.ts";
import { countAlerts, receiveAlerts, type Inbox, type InboxAlert } from "../alerts/inbox.ts";
import type { PagerAnswer } from "../alerts/pager-answers.ts";
import { nextMuteChangeMs, withMutes, type QuietRules } from "../alerts/mutes.ts";
import {
  endedNow,
  EXPIRED_KEEP_MS,
  silenceFor,
  type AskedSilence,
  type Silence,
  type SilenceRefusal,
} from "../alerts/silences.ts";
import { REPORTS_BATCH_MAX, type Report, type ReportCounts } from "../alerts/reports.ts";
import type { Acceptance } from "../integrity/accepted.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";
import { assert } from "../shared/assert.ts";
import type { IncidentId } from "../shared/ids.ts";
import type { Result } from "../shared/result.ts";
import {
  alertCommands,
  alertTrigger,
  answerTrigger,
  firstView,
  joinCommand,
  muteCommand,
  openCommand,
  silenceMute,
} from "./desk.ts";
import { ENDED_MAX, LIST_PAGE_MAX, type DeskApi, type Trigger } from "./desk-api.ts";
import { DeskRows, type QueuedCommand } from "./desk-rows.ts";
import type { IncidentCommand } from "./command.ts";
import type { IncidentApi } from "./incident-api.ts";
import { Lanes } from "./lanes.ts";
import { couldMean } from "./mutes.ts";
import { pagerCommand } from "./pager.ts";
import { plainPlaybook, PLAIN_PLAYBOOK_ID } from "./plain.ts";
import { afterFailure } from "./retry.ts";
import { SilenceRows } from "./silence-rows.ts";
import { ToldRows } from "./told-rows.ts";
import type { IncidentView } from "./view.ts";
import { say } from "../shared/log.ts";

/** Open incidents the monitor feeds at once; past it the newest wait, and those that no playbook claims before all others. */
export const OPEN_MAX = 100;
export const COMMANDS_AT_ONCE_MAX = 6;
/** One attempt at giving an incident a command; the incident answers the same command once, however often it comes. */
export const COMMAND_MS_MAX = 10_000;
/** A command to an incident is worth trying for a day. */
/** Turns that open an incident where none is open. */
const OPENS: ReadonlySet<GroupTurn["turn"]> = new Set(["fires", "sounds", "grows", "worsens"]);
const COMMAND_DEADLINE_MS = 24 * 3_600_000;

export type DeskDeps = {
  readonly instance: string;
  /** Null when the deployed bundle has no such playbook. */
  readonly playbook: (id: string) => BundledPlaybook | null;
  readonly incident: (id: string) => Pick<IncidentApi, "handle">;
  readonly newIncidentId: () => IncidentId;
  /** Does a playbook's rule already watch alerts like this one? */
  readonly claims: (alert: Pick<Alert, "severity">) => boolean;
  readonly quiet: QuietRules;
  /** The site's groups, besides the usual ones. */
  readonly grouping: readonly GroupRule[];
};

export class DeskObject<Env = unknown> extends DurableObject<Env> implements DeskApi {
  readonly #deps: DeskDeps;
  readonly #rows: DeskRows;
  readonly #told: ToldRows;
  readonly #silenceRows: SilenceRows;
  readonly #lanes: Lanes<QueuedCommand>;
  #inbox: Inbox;
  #silences: readonly Silence[];
  /** For when it is decided what is quiet. */
  #consideredAtMs = 0;

  constructor(ctx: DurableObjectState, env: Env, deps: DeskDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#rows = new DeskRows(ctx.storage.sql, Date.now());
    this.#told = new ToldRows(ctx.storage.sql);
    this.#silenceRows = new SilenceRows(ctx.storage.sql);
    this.#lanes = new Lanes({
      due: () => this.#rows.due(Date.now()),
      keyOf: ({ incidentId }) => incidentId,
      perform: (queued) => this.#deliver(queued),
      atOnceMax: COMMANDS_AT_ONCE_MAX,
      isUrgent: () => false,
    });
    this.#inbox = this.#rows.inbox();
    this.#silences = this.#silenceRows.all();
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

  async ended(sinceMs: number): Promise<readonly IncidentView[]> {
    return this.#rows.ended(sinceMs, ENDED_MAX);
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
    const reception = receiveAlerts(this.#inbox, alerts, atMs, this.#deps.grouping);
    this.#consider(atMs, reception);
    // A tool that sends alerts waits for none of the incidents they open.
    await this.#rearm();
    this.#lanes.notice();
    return { accepted: reception.accepted, duplicates: reception.duplicates };
  }

  async alertCounts(): Promise<AlertCounts> {
    return countAlerts(this.#inbox, Date.now());
  }

  async alerts(): Promise<readonly InboxAlert[]> {
    return this.#inbox.alerts;
  }

  async alertBundles(): Promise<readonly Bundle[]> {
    return bundlesIn(this.#inbox.bundled).slice(0, LIST_PAGE_MAX);
  }

  async silence(asked: AskedSilence): Promise<Result<Silence, SilenceRefusal>> {
    const answer = silenceFor(this.#silences, asked);
    if (answer.ok) await this.#keepSilence(answer.value, asked.atMs);
    return answer;
  }

  async expireSilence(id: string, by: string, atMs: number): Promise<Silence | null> {
    const before = this.#silences.find((silence) => silence.id === id);
    if (before === undefined) return null;
    const silence = endedNow(before, by, atMs);
    await this.#keepSilence(silence, atMs);
    return silence;
  }

  async silences(): Promise<readonly Silence[]> {
    return this.#silences;
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

  async answered(answer: PagerAnswer, atMs: number): Promise<boolean> {
    if (!this.#rows.has(answer.incidentId)) return false;
    this.#rows.enqueue(answer.incidentId, pagerCommand(answer, atMs), Date.now());
    await this.#rearm();
    this.#lanes.notice();
    return true;
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

  /** May come late or twice: commands carry ids that incidents answer once, and what is quiet follows from the time. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    if (this.#nextQuietChangeMs() <= nowMs) this.#consider(nowMs, {});
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
        silences: this.#silences.filter(({ endsAtMs }) => endsAtMs > trigger.atMs),
      });
      const { incidentId } = command.data;
      this.#rows.save(firstView(command));
      this.#rows.enqueue(incidentId, command, Date.now());
      this.#rows.saveTrigger(trigger.id, incidentId, trigger.atMs);
      sayAnswer(trigger, incidentId, answer.answer);
      return { incidentId, isNew: true };
    }
    if (answer.answer === "reopen" && latest !== null) this.#remind(latest, trigger.atMs);
    const command = joinCommand(trigger, answer);
    if (command !== null) this.#rows.enqueue(answer.incidentId, command, Date.now());
    if (answer.answer === "reopen") this.#rows.markReopened(answer.incidentId);
    this.#rows.saveTrigger(trigger.id, answer.incidentId, trigger.atMs);
    sayAnswer(trigger, answer.incidentId, answer.answer);
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

  /**
   * Writes an inbox with what is quiet in it now, and follows up on what that changes for the alerts that no playbook claims. Memory
   * moves only after storage has; `also` is written with it.
   */
  #consider(
    atMs: number,
    {
      inbox = this.#inbox,
      silences = this.#silences,
      news = [],
      also = () => {},
    }: {
      readonly inbox?: Inbox;
      readonly silences?: readonly Silence[];
      readonly news?: readonly Alert[];
      readonly also?: () => void;
    },
  ): void {
    const quiet = { ...this.#deps.quiet, silences };
    const considered = { ...inbox, alerts: withMutes(inbox.alerts, quiet, atMs) };
    const isOurs = (alert: Pick<Alert, "severity">): boolean => !this.#deps.claims(alert);
    const [before, after] = [this.#inbox.alerts.filter(isOurs), considered.alerts.filter(isOurs)];
    const held = {
      was: heldBy(this.#inbox.bundled, isOurs),
      is: heldBy(considered.bundled, isOurs),
    };
    this.ctx.storage.transactionSync(() => {
      also();
      this.#rows.saveInbox(this.#inbox, considered);
      for (const turn of turnsOf(before, after, news, held)) this.#followUp(turn, atMs);
    });
    sayDropped(considered.droppedCount - this.#inbox.droppedCount);
    this.#inbox = considered;
    this.#silences = silences;
    this.#consideredAtMs = atMs;
  }

  /** A group of alerts opens a plain incident, and its end resolves it. */
  #followUp(turn: GroupTurn, atMs: number): void {
    const latest = this.#rows.latest(PLAIN_PLAYBOOK_ID, turn.scope);
    const isOpen = latest !== null && latest.status !== "resolved";
    if (!isOpen) {
      // What joins, or gets worse, after somebody said that it is over while some of it fired: it is not.
      if (OPENS.has(turn.turn)) this.#answer(alertTrigger(turn, atMs));
      return;
    }
    // What waited to be told with others of a group that is known already has joined it.
    const isJoined = turn.turn === "sounds" && turn.mute.because === "gathering";
    for (const said of isJoined ? [turn, { ...turn, turn: "grows" } as const] : [turn]) {
      for (const command of alertCommands(said, latest.severity, atMs)) {
        this.#rows.enqueue(latest.id, command, Date.now());
      }
    }
  }

  /** Open incidents and alerts that it means, or meant before, hear of it. One that is kept already is no news. */
  async #keepSilence(silence: Silence, atMs: number): Promise<void> {
    const before = this.#silences.find(({ id }) => id === silence.id) ?? null;
    if (before === silence) return;
    const others = this.#silences.filter(({ id }) => id !== silence.id);
    this.#consider(atMs, {
      silences: [silence, ...others.filter(({ endsAtMs }) => endsAtMs > atMs - EXPIRED_KEEP_MS)],
      also: () => {
        this.#silenceRows.save(silence, atMs);
        for (const incident of this.#rows.everyOpen()) {
          const isMeant = couldMean(silence, incident);
          if (!isMeant && (before === null || !couldMean(before, incident))) continue;
          const mute = silenceMute(silence);
          const said = isMeant ? mute : { ...mute, endsAtMs: atMs };
          this.#rows.enqueue(incident.id, muteCommand([said], atMs), Date.now());
        }
      },
    });
    await this.#rearm();
    this.#lanes.notice();
  }

  /** What is about to be open again may have missed silences while it was not. */
  #remind(incident: IncidentView, atMs: number): void {
    const mutes = this.#silences
      .filter((silence) => silence.endsAtMs > atMs && couldMean(silence, incident))
      .map(silenceMute);
    if (mutes.length > 0) this.#rows.enqueue(incident.id, muteCommand(mutes, atMs), Date.now());
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

  #nextQuietChangeMs(): number {
    const quiet = { ...this.#deps.quiet, silences: this.#silences };
    return nextMuteChangeMs(this.#inbox.alerts, quiet, this.#consideredAtMs);
  }

  async #rearm(): Promise<void> {
    const dueAtMs = Math.min(this.#rows.nextDueAtMs() ?? Infinity, this.#nextQuietChangeMs());
    if (dueAtMs === Infinity) return this.ctx.storage.deleteAlarm();
    // A deadline at or behind now, set from inside alarm(), is dropped by workerd (workerd#6866).
    await this.ctx.storage.setAlarm(Math.max(dueAtMs, Date.now() + 1));
  }
}

/** Which incident came of what was seen or sent: the first line that its id finds. */
const sayAnswer = ({ id, actor, atMs }: Trigger, incident: string, answer: string): void =>
  say("info", {
    part: "desk",
    incident,
    answer,
    trigger: id,
    by: `${actor.kind}:${actor.id}`,
    atMs,
  });

/** Nothing goes unsaid. */
function sayDropped(count: number): void {
  if (count === 0) return;
  say("error", { part: "desk", what: "alerts_dropped", count });
}

const log = (what: "refused" | "unreachable", incident: string, detail: string): void =>
  say("warn", { part: "desk", incident, outcome: what, detail });
