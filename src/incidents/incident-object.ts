/**
 * The shell around `incident.ts`: one object per incident. Events, effects and the answer are written in one transaction;
 * one alarm drains the outbox and looks again when the incident must. Everything that leaves may leave twice, under one id.
 */
import { DurableObject } from "cloudflare:workers";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { oneAtATime } from "../shared/one-at-a-time.ts";
import type { Result } from "../shared/result.ts";
import type { CommandAnswer, EffectOutcome, IncidentCommand } from "./command.ts";
import type { Effect } from "./effect.ts";
import { decide, evolve, nextWakeAtMs, react } from "./incident.ts";
import { JOURNAL_PAGE_MAX, type IncidentApi } from "./incident-api.ts";
import { IncidentRows, type OutboxRow } from "./incident-rows.ts";
import { FIREBREAK, readEvent, type Failure, type JournalRow } from "./journal.ts";
import { toRows, type Ground } from "./moment.ts";
import { plainPlaybook } from "./plain.ts";
import { projectEffect } from "./react.ts";
import { afterFailure } from "./retry.ts";
import { initialState, type IncidentState, type LeaseState } from "./state.ts";
import type { IncidentView } from "./view.ts";
import { viewOf } from "./view-of.ts";

/** Effects tried at the same time; they have different keys, so none waits for another. */
export const EFFECTS_AT_ONCE_MAX = 6;
/** Should the object die while it drains, the alarm comes back after this long. */
export const DRAIN_AGAIN_MS = 30_000;
/** How long `follow` may keep a reader waiting. */
export const FOLLOW_MS_MAX = 25_000;
export const FOLLOWERS_MAX = 50;

/** What performing an effect may know of the incident. */
export type EffectContext = {
  readonly view: IncidentView;
  readonly lease: LeaseState | null;
  /** Attempts before this one: after the first, an adapter must look before it acts. */
  readonly attempts: number;
};

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
  /** Results may put new effects into the outbox, so it goes on until nothing is due. */
  readonly #drain = oneAtATime(() => this.#drainAll());
  readonly #followers = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env, deps: IncidentDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#rows = new IncidentRows(ctx.storage.sql, Date.now());
    this.#replay();
  }

  /** The single write path: decide, append, fold, re-arm. No `await` before the journal is durable. */
  async handle(command: IncidentCommand): Promise<CommandAnswer> {
    const answer = this.#handle(command);
    await this.#rearm();
    return answer;
  }

  async view(): Promise<IncidentView | null> {
    return viewOf(this.#state, this.#nextWakeAtMs());
  }

  async journal(afterSeq: number): Promise<readonly JournalRow[]> {
    return this.#rows.journal(afterSeq, JOURNAL_PAGE_MAX);
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
    this.#wake();
    await this.#drain();
    await this.#rearm();
  }

  #handle(command: IncidentCommand): CommandAnswer {
    const given = this.#rows.answer(command.id);
    if (given !== null) return given;
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
        state = evolve(state, row);
        this.#rows.append(row);
        const event = readEvent(row);
        const draft = event === null ? null : react(state, event, command.atMs);
        if (draft !== null) {
          this.#rows.enqueue(`${row.seq}:0`, draft, { position: row.seq * 2, atMs: command.atMs });
        }
      }
      if (rows.length > 0) this.#enqueueProjection(state.seq, command.atMs);
      if (command.type === "report_effect") this.#rows.done(command.data.effectId);
      this.#rows.saveAnswer(command.id, answer, command.atMs);
      return state;
    });
    if (rows.length > 0) this.#wakeFollowers();
  }

  #enqueueProjection(seq: number, atMs: number): void {
    const draft = projectEffect(atMs);
    this.#rows.dropKey(draft.key);
    this.#rows.enqueue(`${seq}:1`, draft, { position: seq * 2 + 1, atMs });
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

  async #drainAll(): Promise<void> {
    for (;;) {
      const due = this.#rows.due(Date.now(), EFFECTS_AT_ONCE_MAX);
      if (due.length === 0) return;
      await Promise.all(due.map((row) => this.#perform(row)));
    }
  }

  async #perform({ effect, attempts }: OutboxRow): Promise<void> {
    const outcome = await this.#attempt(effect, attempts);
    const atMs = Date.now();
    if (!outcome.ok) {
      const retry = afterFailure({
        failure: outcome.failure,
        attempts: attempts + 1,
        deadlineMs: effect.deadlineMs,
        nowMs: atMs,
        jitter: Math.random(),
      });
      if (retry.answer === "again") {
        this.#rows.postpone(effect.id, attempts + 1, retry.dueAtMs);
        return;
      }
    }
    if (effect.kind === "desk.project") {
      this.#rows.done(effect.id);
      return;
    }
    this.#handle({
      id: `result:${effect.id}`,
      type: "report_effect",
      atMs,
      actor: FIREBREAK,
      data: { effectId: effect.id, outcome },
    });
  }

  async #attempt(effect: Effect, attempts: number): Promise<EffectOutcome> {
    const view = viewOf(this.#state, this.#nextWakeAtMs());
    if (view === null) return refused("the incident was never opened");
    if (Date.now() > effect.deadlineMs) return refused("its time was up before it could be done");
    const leaseId = "leaseId" in effect.data ? effect.data.leaseId : null;
    const lease = this.#state.leases.find((candidate) => candidate.id === leaseId) ?? null;
    try {
      const done = await this.#deps.perform(effect, { view, lease, attempts });
      return done.ok ? { ok: true, value: done.value } : { ok: false, failure: done.error };
    } catch (fault) {
      // A fault says nothing about what was done before it.
      const detail = `${effect.kind} failed inside Firebreak: ${fault instanceof Error ? fault.name : "unknown"}`;
      console.error(
        JSON.stringify({ level: "error", incident: view.id, effect: effect.id, detail }),
      );
      return { ok: false, failure: { class: "unknown_outcome", detail } };
    }
  }

  #replay(): void {
    for (;;) {
      const page = this.#rows.journal(this.#state.seq, JOURNAL_PAGE_MAX);
      this.#state = page.reduce(evolve, this.#state);
      if (page.length < JOURNAL_PAGE_MAX) return;
    }
  }

  #groundFor(command: IncidentCommand): Ground {
    if (this.#state.opened === null && command.type === "open") {
      return this.#deps.ground(command.data.playbook);
    }
    this.#ground ??= this.#deps.ground(
      this.#state.opened?.playbook ?? plainPlaybook("none", "SEV-4"),
    );
    return this.#ground;
  }

  #nextWakeAtMs(): number | null {
    const { opened } = this.#state;
    if (opened === null) return null;
    this.#ground ??= this.#deps.ground(opened.playbook);
    return nextWakeAtMs(this.#state, this.#ground);
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

const refused = (detail: string): EffectOutcome => ({
  ok: false,
  failure: { class: "refuse", detail },
});
