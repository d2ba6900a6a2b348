/**
 * The shell around `incident.ts`: one object per incident. Events, effects and the answer are written in one transaction;
 * one alarm drains the outbox and looks again when the incident must. Everything that leaves may leave twice, under one id.
 */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { errorName } from "../platform/error-name.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { assert } from "../shared/assert.ts";
import { formatDuration } from "../shared/duration.ts";
import type { Result } from "../shared/result.ts";
import type { CommandAnswer, EffectOutcome, IncidentCommand } from "./command.ts";
import type { Effect, EffectDraft } from "./effect.ts";
import { decide, evolve, nextWakeAtMs, react, viewOn } from "./incident.ts";
import type { IncidentApi } from "./incident-api.ts";
import { IncidentRows, type OutboxRow } from "./incident-rows.ts";
import {
  actor,
  FIREBREAK,
  readEvent,
  type Failure,
  type IncidentEvent,
  type JournalRow,
} from "./journal.ts";
import { toRows, type Ground } from "./moment.ts";
import { Lanes } from "./lanes.ts";
import { plainPlaybook } from "./plain.ts";
import { projectEffect } from "./react.ts";
import { afterFailure } from "./retry.ts";
import { initialState, type ActState, type IncidentState, type LeaseState } from "./state.ts";
import { sayRows } from "./log.ts";
import type { IncidentView } from "./view.ts";
import { viewOf } from "./view-of.ts";
import { say } from "../shared/log.ts";

/** Effects tried at the same time, besides those that mitigate: no page that hangs may hold up a mitigation. */
export const EFFECTS_AT_ONCE_MAX = 6;
const URGENT: ReadonlySet<Effect["kind"]> = new Set([
  "lease.select",
  "lease.apply",
  "lease.revert",
  "act.judge",
  "act.perform",
]);
/** One attempt at an effect; after this it is unknown what became of it. */
export const ATTEMPT_MS_MAX = 20_000;
/** Should the object die while it drains, the alarm comes back after this long. */
export const DRAIN_AGAIN_MS = 30_000;
/** How long `follow` may keep a reader waiting. */
export const FOLLOW_MS_MAX = 25_000;
export const FOLLOWERS_MAX = 50;

/** What performing an effect may know of the incident. */
export type EffectContext = {
  readonly view: IncidentView;
  readonly lease: LeaseState | null;
  readonly act: ActState | null;
  /** What the effect's channel calls this incident; null for any other effect, and before its first message. */
  readonly ref: string | null;
  /** Attempts that were begun before this one, ended or not: after the first, an adapter must look before it acts. */
  readonly attempts: number;
  /** When the last of them was begun; null: there was none. */
  readonly triedAtMs: number | null;
};

const envelope = z.object({ id: z.string().min(1).max(500), atMs: z.int(), actor });

export type IncidentDeps = {
  /** What the incident's own playbook and the site make of it. Called once per playbook. */
  readonly ground: (playbook: BundledPlaybook) => Ground;
  /** Does one effect once. Never throws for an expected failure. */
  readonly perform: (effect: Effect, context: EffectContext) => Promise<Result<unknown, Failure>>;
};

export class IncidentObject<Env = unknown> extends DurableObject<Env> implements IncidentApi {
  readonly #deps: IncidentDeps;
  readonly #rows: IncidentRows;
  #state: IncidentState = initialState;
  #ground: Ground | null = null;
  readonly #lanes: Lanes<OutboxRow>;
  readonly #followers = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env, deps: IncidentDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#rows = new IncidentRows(ctx.storage.sql, Date.now());
    this.#lanes = new Lanes({
      due: () => this.#rows.due(Date.now()),
      keyOf: ({ effect }) => effect.key,
      perform: (row) => this.#perform(row),
      atOnceMax: EFFECTS_AT_ONCE_MAX,
      isUrgent: ({ effect }) => URGENT.has(effect.kind),
    });
    this.#replay();
  }

  /** The single write path: decide, append, fold, re-arm. No `await` before the journal is durable. */
  async handle(command: IncidentCommand): Promise<CommandAnswer> {
    const answer = this.#handle(command);
    await this.#rearm();
    return answer;
  }

  async view(): Promise<IncidentView | null> {
    return this.#view();
  }

  async journal(afterSeq: number): Promise<readonly JournalRow[]> {
    return this.#rows.journal(afterSeq);
  }

  async follow(afterSeq: number, waitMs: number): Promise<readonly JournalRow[]> {
    if (this.#state.seq <= afterSeq && this.#followers.size < FOLLOWERS_MAX) {
      await this.#nextRow(Math.min(waitMs, FOLLOW_MS_MAX));
    }
    return this.journal(afterSeq);
  }

  /** May come late or twice: what it does is decided by what is due, and each effect has one id. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + DRAIN_AGAIN_MS);
    try {
      this.#wake();
    } finally {
      // Whatever is wrong with deciding: what was decided before is still carried out.
      await this.#lanes.drain();
    }
    await this.#rearm();
  }

  #handle(command: IncidentCommand): CommandAnswer {
    // A row that could not be read back would cost the incident its whole journal.
    envelope.parse(command);
    const given = this.#rows.answer(command.id);
    const isLast = given?.ok === true || command.mayAskAgain !== true;
    if (given !== null && isLast) return given;
    const ground = this.#groundFor(command);
    const decided = decide(this.#state, command, ground);
    const rows = decided.ok ? toRows(this.#state, decided.value, command) : [];
    const answer: CommandAnswer = decided.ok
      ? { ok: true, seq: this.#state.seq + rows.length, events: rows.map((row) => row.type) }
      : { ok: false, rejection: decided.error };
    this.#append(rows, command, answer);
    return answer;
  }

  /** Memory moves only after the journal has: a thrown write leaves both where they were. */
  #append(rows: readonly JournalRow[], command: IncidentCommand, answer: CommandAnswer): void {
    this.#state = this.ctx.storage.transactionSync(() => {
      let state = this.#state;
      for (const row of rows) {
        const event = readEvent(row);
        assert(event !== null, `a new ${row.type} is one that the journal's own reader reads`);
        state = evolve(state, row);
        this.#rows.append(row);
        if (isUnreached(event)) sayUnreached(command.atMs, state);
        const draft = react(state, event, command.atMs);
        if (draft !== null) this.#enqueue(row.seq, 0, draft);
      }
      if (rows.length > 0) this.#enqueueProjection(state.seq, command.atMs);
      if (command.type === "report_effect") this.#rows.done(command.data.effectId);
      this.#rows.saveAnswer(command.id, answer, command.atMs);
      return state;
    });
    if (rows.length === 0) return;
    sayRows(viewOf(this.#state, null)?.id ?? "", rows);
    this.#lanes.notice();
    this.#wakeFollowers();
  }

  #enqueueProjection(seq: number, atMs: number): void {
    const draft = projectEffect(atMs);
    this.#rows.dropKey(draft.key);
    this.#enqueue(seq, 1, draft);
  }

  /** Due at once by this object's own clock: the command's may be ahead. */
  #enqueue(seq: number, n: 0 | 1, draft: EffectDraft): void {
    this.#rows.enqueue(`${seq}:${n}`, draft, { position: seq * 2 + n, dueAtMs: Date.now() });
  }

  #wake(): void {
    const wakeAtMs = this.#nextWakeAtMs();
    const atMs = Date.now();
    if (wakeAtMs === null || wakeAtMs > atMs) return;
    this.#handle({
      id: `wake:${wakeAtMs}:${this.#state.seq}`,
      type: "wake",
      atMs,
      actor: FIREBREAK,
      data: {},
    });
  }

  async #perform({ effect, attempts, begunAtMs }: OutboxRow): Promise<void> {
    // Written down before it is tried: an attempt that the object did not survive was one.
    this.#rows.begin(effect.id, Date.now());
    const triedAtMs = attempts === 0 ? null : (begunAtMs ?? 0);
    const outcome = await this.#attempt(effect, attempts, triedAtMs);
    const retryAtMs = outcome.ok ? null : this.#retryAtMs(effect, attempts + 1, outcome.failure);
    if (retryAtMs !== null) this.#rows.postpone(effect.id, retryAtMs);
    else if (effect.kind === "desk.project") this.#rows.done(effect.id);
    else this.#report(effect, outcome);
  }

  /** When a failed effect is tried again, null when it is not. */
  #retryAtMs(effect: Effect, attempts: number, failure: Failure): number | null {
    const retry = afterFailure({
      failure,
      attempts,
      deadlineMs: effect.deadlineMs,
      nowMs: Date.now(),
      jitter: Math.random(),
    });
    return retry.answer === "again" ? retry.dueAtMs : null;
  }

  #report(effect: Effect, outcome: EffectOutcome): void {
    const report = (id: string, reported: EffectOutcome): CommandAnswer =>
      this.#handle({
        id,
        type: "report_effect",
        atMs: Date.now(),
        actor: FIREBREAK,
        data: { effectId: effect.id, outcome: reported },
      });
    try {
      report(`result:${effect.id}`, outcome);
    } catch (fault) {
      // A result that cannot be written down must not be done again and again for it.
      const detail = `what became of ${effect.kind} could not be written down: ${errorName(fault)}`;
      report(`lost:${effect.id}`, unknownOutcome(detail));
    }
  }

  async #attempt(
    effect: Effect,
    attempts: number,
    triedAtMs: number | null,
  ): Promise<EffectOutcome> {
    const view = this.#view();
    if (view === null) return refused("the incident was never opened");
    if (Date.now() > effect.deadlineMs) return tooLate(attempts);
    const leaseId = "leaseId" in effect.data ? effect.data.leaseId : null;
    const lease = this.#state.leases.find((candidate) => candidate.id === leaseId) ?? null;
    const actId = "actId" in effect.data ? effect.data.actId : null;
    const act = this.#state.acts.find((candidate) => candidate.id === actId) ?? null;
    const ref = refOf(effect, this.#state);
    try {
      const done = await withinDeadline(ATTEMPT_MS_MAX, () =>
        this.#deps.perform(effect, { view, lease, act, ref, attempts, triedAtMs }),
      );
      if (!done.ok) return unknownOutcome(`no answer within ${formatDuration(ATTEMPT_MS_MAX)}`);
      const answer = done.value;
      return answer.ok ? { ok: true, value: answer.value } : { ok: false, failure: answer.error };
    } catch (fault) {
      // A fault says nothing about what was done before it.
      const detail = `${effect.kind} failed inside Firebreak: ${errorName(fault)}`;
      say("error", { part: "incidents", incident: view.id, effect: effect.id, detail });
      return unknownOutcome(detail);
    }
  }

  #replay(): void {
    for (;;) {
      const page = this.#rows.journal(this.#state.seq);
      if (page.length === 0) return;
      this.#state = page.reduce(evolve, this.#state);
    }
  }

  #groundFor(command: IncidentCommand): Ground {
    const { opened } = this.#state;
    if (opened === null) {
      // Not kept: what an observation that came too early was refused on is not what the incident will play by.
      return this.#deps.ground(
        command.type === "open" ? command.data.playbook : plainPlaybook("none", "SEV-4"),
      );
    }
    this.#ground ??= this.#deps.ground(opened.playbook);
    return this.#ground;
  }

  #view(): IncidentView | null {
    const ground = this.#groundOfOpened();
    return ground === null ? null : viewOn(this.#state, ground);
  }

  #nextWakeAtMs(): number | null {
    const ground = this.#groundOfOpened();
    return ground === null ? null : nextWakeAtMs(this.#state, ground);
  }

  #groundOfOpened(): Ground | null {
    const { opened } = this.#state;
    if (opened === null) return null;
    this.#ground ??= this.#deps.ground(opened.playbook);
    return this.#ground;
  }

  async #rearm(): Promise<void> {
    const wakes = [this.#nextWakeAtMs(), this.#rows.nextDueAtMs()].filter((atMs) => atMs !== null);
    if (wakes.length === 0) return this.ctx.storage.deleteAlarm();
    // A deadline at or behind now, set from inside alarm(), is dropped by workerd (workerd#6866).
    await this.ctx.storage.setAlarm(Math.max(Math.min(...wakes), Date.now() + 1));
  }

  #nextRow(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#followers.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      this.#followers.add(done);
    });
  }

  #wakeFollowers(): void {
    for (const follower of this.#followers) follower();
  }
}

function refOf(effect: Effect, { told, relayed }: IncidentState): string | null {
  if (effect.kind === "message.send") return told[effect.data.channel] ?? null;
  return effect.kind === "public.send" ? (relayed[effect.data.channel]?.ref ?? null) : null;
}

/** Where no message gets through, the log is the last to be told. */
const isUnreached = (event: IncidentEvent): boolean =>
  event.type === "incident.escalated" && event.data.because === "unreached";

const sayUnreached = (atMs: number, { opened }: IncidentState): void =>
  say("error", {
    part: "incidents",
    incident: opened?.incidentId,
    atMs,
    detail: "no message about this incident has reached anybody",
  });

const refused = (detail: string): EffectOutcome => ({
  ok: false,
  failure: { class: "refuse", detail },
});

const unknownOutcome = (detail: string): EffectOutcome => ({
  ok: false,
  failure: { class: "unknown_outcome", detail },
});

/** Certainly nothing was done only if nothing was ever begun. */
const tooLate = (attempts: number): EffectOutcome =>
  attempts === 0
    ? refused("its time was up before it could be done")
    : unknownOutcome("its time was up before it could be seen through");
