/**
 * The loop: collect signals, evaluate rules, open and feed incidents. One object, one alarm, ticks that never overlap;
 * the cron finds a tick that is late and does it itself, so that the monitor lives even if every alarm is dead.
 */
import { DurableObject } from "cloudflare:workers";
import { cadenceMs, earlyMs, moodOf, planPolls, siteDurationMs, siteParams } from "./cadence.ts";
import { ask, type CollectRequest } from "./collector.ts";
import type { Memory } from "./memory.ts";
import { modeOf } from "./mode.ts";
import type { MonitorApi, MonitorStatus, RuleReport } from "./monitor-api.ts";
import { MonitorStore, OVERRIDES_MAX } from "./monitor-store.ts";
import {
  askWhom,
  deliverTriggers,
  feed,
  tellGuards,
  wakeOverdue,
  type Outside,
} from "./outside.ts";
import { probesFail, seesProduction } from "./sight.ts";
import { evaluateTick, type TickOutcome } from "./tick.ts";
import { isAnyStirring } from "../detection/trigger.ts";
import type { Autopilot } from "../incidents/command.ts";
import { errorName } from "../platform/error-name.ts";
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import { checkOverride, SITE } from "../playbooks/overrides.ts";
import { effectiveParams, type Override } from "../playbooks/params.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Collected } from "../signals/collect.ts";
import { sources } from "../signals/registry.ts";
import { asSeenAt, type Signal, type SignalSet } from "../signals/signal.ts";
import type { Mood } from "../signals/source.ts";
import { say } from "../shared/log.ts";

/** Suspicions that come faster than this share a tick. */
export const SUSPICION_GAP_MS = 2_000;
/** A tick that has not ended by now was cut off; the next one may start. */
export const TICK_MS_MAX = 45_000;

export type MonitorDeps = Outside & {
  readonly instance: string;
  readonly site: Pick<SiteSpec, "autopilot">;
  /** Compiled on first use. */
  readonly playbooks: () => readonly CompiledPlaybook[];
  /** One source, asked in a stateless invocation of its own. */
  readonly collect: (request: CollectRequest) => Promise<Collected>;
};

export class MonitorObject<Env = unknown> extends DurableObject<Env> implements MonitorApi {
  readonly #deps: MonitorDeps;
  readonly #store: MonitorStore;
  #memory: Memory;
  /** Null when no tick is running. */
  #tickingSinceMs: number | null = null;
  /** Triggers that arrived; after an eviction they are sent again, and found to be known. */
  #delivered: ReadonlySet<string> = new Set();

  constructor(ctx: DurableObjectState, env: Env, deps: MonitorDeps) {
    super(ctx, env);
    this.#deps = deps;
    this.#store = new MonitorStore(ctx.storage);
    this.#store.migrate();
    this.#memory = this.#store.load();
  }

  async poke(why: "cron" | "suspicion" | "request"): Promise<{ readonly ticked: boolean }> {
    const nowMs = Date.now();
    if (why === "suspicion") return { ticked: await this.#suspect(nowMs) };
    const ticked = this.#isDue(nowMs) && (await this.#tick(nowMs));
    if (!ticked) await this.#armIfDead(nowMs);
    if (why === "cron") {
      const incidents = (await askWhom(this.#deps)) ?? this.#memory.following;
      await wakeOverdue(incidents, Date.now(), this.#deps);
    }
    return { ticked };
  }

  /** Re-arms first, so that whatever happens in this tick there is a next one. May be delivered twice or late. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const isDue = this.#isDue(nowMs);
    await this.#arm(isDue ? nowMs + this.#cadenceMs(nowMs) : this.#dueAtMs(nowMs));
    if (isDue) await this.#tick(nowMs);
  }

  async signals(): Promise<{ readonly atMs: number | null; readonly signals: SignalSet }> {
    const { lastTickAtMs, signals } = this.#memory;
    return { atMs: lastTickAtMs, signals: asSeenAt(signals, Date.now()) };
  }

  async history(name: string, fromMs: number): Promise<readonly Signal[]> {
    return this.#store.history(name, fromMs);
  }

  async status(): Promise<MonitorStatus> {
    const { lastTickAtMs, lastTickTookMs, following, signals } = this.#memory;
    const nowMs = Date.now();
    return {
      lastTickAtMs,
      lastTickTookMs,
      cadenceMs: this.#cadenceMs(nowMs),
      nextTickAtMs: await this.ctx.storage.getAlarm(),
      openIncidents: following.filter(({ isOpen }) => isOpen).map(({ id }) => id),
      seesProduction: seesProduction(signals, nowMs),
      probesFail: probesFail(signals, nowMs),
    };
  }

  async rules(): Promise<readonly RuleReport[]> {
    return this.#memory.reports;
  }

  async overrides(): Promise<readonly Override[]> {
    return this.#store.overrides(Date.now());
  }

  async setOverride(override: Override): Promise<Result<null, string>> {
    const nowMs = Date.now();
    const problem = checkOverride(override, this.#deps.playbooks(), nowMs);
    if (problem !== null) return err(problem);
    if (!this.#store.putOverride(override, nowMs)) {
      return err(`there are ${OVERRIDES_MAX} overrides already; let some of them expire`);
    }
    // A shorter cadence holds from now on, not from the next tick on.
    if (override.playbook === SITE) await this.#arm(this.#dueAtMs(nowMs));
    return ok(null);
  }

  async removeOverride(playbook: string, param: string): Promise<boolean> {
    const wasThere = this.#store.removeOverride(playbook, param);
    if (wasThere && playbook === SITE) await this.#arm(this.#dueAtMs(Date.now()));
    return wasThere;
  }

  async autopilot(): Promise<Autopilot> {
    return modeOf(this.#deps.site.autopilot, this.#store.overrides(Date.now()), null);
  }

  async #suspect(nowMs: number): Promise<boolean> {
    this.#memory = { ...this.#memory, suspectedAtMs: nowMs };
    const { lastTickAtMs } = this.#memory;
    const isTooSoon = lastTickAtMs !== null && nowMs - lastTickAtMs < SUSPICION_GAP_MS;
    if (!isTooSoon && (await this.#tick(nowMs))) return true;
    await this.#arm(this.#dueAtMs(nowMs));
    return false;
  }

  /** False when another tick is running, or this one failed: the alarm stands, so there is a next one. */
  async #tick(atMs: number): Promise<boolean> {
    const since = this.#tickingSinceMs;
    if (since !== null && atMs - since < TICK_MS_MAX) return false;
    this.#tickingSinceMs = atMs;
    try {
      const outcome = await this.#look(atMs);
      await this.#act(atMs, outcome);
    } catch (error) {
      say("error", {
        part: "monitor",
        detail: `the tick failed (${errorName(error)}); the next one is armed`,
      });
      await this.#arm(atMs + this.#cadenceMs(atMs));
      return false;
    } finally {
      this.#tickingSinceMs = null;
    }
    // Only now is it known how soon the next look is due.
    await this.#arm(this.#dueAtMs(Date.now()));
    return true;
  }

  /** Collects, evaluates and writes down what was seen. */
  async #look(atMs: number): Promise<TickOutcome> {
    const overrides = this.#store.overrides(atMs);
    const now = { atMs, mood: this.#mood(atMs), params: siteParams(overrides, atMs) };
    const polls = planPolls(Object.values(sources), this.#memory.polledAtMs, now);
    const recordsWithinMs = siteDurationMs(now.params, "records_within");
    const answers = await Promise.all(
      polls.map(async ({ source, freshMs }) => {
        const kept = this.#memory.notes[source] ?? null;
        const { signals: found, note } = await ask(
          { source, freshMs, atMs, kept, recordsWithinMs },
          this.#deps.collect,
        );
        return { source, signals: found, note: note ?? kept };
      }),
    );
    const sampled = answers.flatMap(({ signals: found }) => found);
    const signals: SignalSet = {
      ...this.#memory.signals,
      ...Object.fromEntries(sampled.map((signal) => [signal.name, signal])),
    };
    const nowMs = Date.now();
    const outcome = evaluateTick({
      instance: this.#deps.instance,
      playbooks: this.#deps.playbooks(),
      detection: this.#memory.detection,
      signals: asSeenAt(signals, nowMs),
      paramsByPlaybook: this.#paramsByPlaybook(overrides, nowMs),
      sampledAtMs: atMs,
      nowMs,
    });
    this.#memory = {
      ...this.#memory,
      lastTickAtMs: atMs,
      lastTickTookMs: nowMs - atMs,
      detection: outcome.detection,
      reports: outcome.reports,
      signals,
      polledAtMs: {
        ...this.#memory.polledAtMs,
        ...Object.fromEntries(polls.map(({ source }) => [source, atMs])),
      },
      notes: {
        ...this.#memory.notes,
        ...Object.fromEntries(answers.map(({ source, note }) => [source, note])),
      },
    };
    this.#store.saveTick(atMs, sampled, this.#memory);
    return outcome;
  }

  /** Opens and feeds incidents, and sets the guards' pace. Nothing in here can undo or fail what was seen. */
  async #act(tickAtMs: number, { triggers }: TickOutcome): Promise<void> {
    const fresh = triggers.filter(({ id }) => !this.#delivered.has(id));
    const arrived = new Set(await deliverTriggers(fresh, this.#deps));
    this.#delivered = new Set(
      triggers.map(({ id }) => id).filter((id) => this.#delivered.has(id) || arrived.has(id)),
    );
    const { following: before, policyPollMs } = this.#memory;
    const following = (await askWhom(this.#deps)) ?? before;
    this.#memory = { ...this.#memory, following };
    const nowMs = Date.now();
    const overrides = this.#store.overrides(nowMs);
    await Promise.all([
      feed(
        following,
        {
          tickAtMs,
          nowMs,
          signals: asSeenAt(this.#memory.signals, nowMs),
          autopilotOf: (playbook) => modeOf(this.#deps.site.autopilot, overrides, playbook),
        },
        this.#deps,
      ),
      this.#paceGuards(overrides, nowMs),
    ]);
    const isNews =
      JSON.stringify(before) !== JSON.stringify(following) ||
      policyPollMs !== this.#memory.policyPollMs;
    if (isNews) this.#store.save(this.#memory);
  }

  async #paceGuards(overrides: readonly Override[], nowMs: number): Promise<void> {
    const isWatched = this.#memory.following.some((incident) => incident.isWatched);
    const pollMs = siteDurationMs(
      siteParams(overrides, nowMs),
      isWatched ? "policy_poll_alert" : "policy_poll_calm",
    );
    if (pollMs === this.#memory.policyPollMs) return;
    const isTold = await tellGuards(pollMs, this.#deps);
    if (isTold) this.#memory = { ...this.#memory, policyPollMs: pollMs };
  }

  #paramsByPlaybook(overrides: readonly Override[], nowMs: number) {
    return Object.fromEntries(
      this.#deps.playbooks().map(({ spec }) => [
        spec.id,
        effectiveParams(
          spec.params,
          overrides.filter(({ playbook }) => playbook === spec.id),
          nowMs,
        ),
      ]),
    );
  }

  #mood(nowMs: number): Mood {
    const { detection, following, suspectedAtMs, signals } = this.#memory;
    const isAlert =
      Object.values(detection.rules).some(isAnyStirring) ||
      following.some(({ isWatched }) => isWatched);
    return moodOf({ isAlert, suspectedAtMs, signals }, nowMs);
  }

  #cadenceMs(nowMs: number): number {
    return cadenceMs(this.#mood(nowMs), siteParams(this.#store.overrides(nowMs), nowMs));
  }

  #dueAtMs(nowMs: number): number {
    const { lastTickAtMs, suspectedAtMs } = this.#memory;
    if (lastTickAtMs === null) return nowMs;
    const waitMs = this.#cadenceMs(nowMs);
    // A suspicion since the last tick is looked into as soon as the gap allows.
    const isNews = suspectedAtMs !== null && suspectedAtMs > lastTickAtMs;
    return lastTickAtMs + (isNews ? Math.min(waitMs, SUSPICION_GAP_MS) : waitMs);
  }

  #isDue(nowMs: number): boolean {
    const { lastTickAtMs } = this.#memory;
    const dueAtMs = this.#dueAtMs(nowMs);
    return nowMs >= dueAtMs - earlyMs(dueAtMs - (lastTickAtMs ?? dueAtMs));
  }

  /** A time at or behind now, set from inside `alarm()`, is dropped by workerd (#6866). */
  async #arm(wakeAtMs: number): Promise<void> {
    const atMs = Math.max(wakeAtMs, Date.now() + 1);
    // Reading the alarm costs nothing; setting it is a row.
    if ((await this.ctx.storage.getAlarm()) !== atMs) await this.ctx.storage.setAlarm(atMs);
  }

  async #armIfDead(nowMs: number): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.#arm(this.#dueAtMs(nowMs));
  }
}
