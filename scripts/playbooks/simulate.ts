/**
 * Runs one timeline through the product's own decisions, on a virtual clock: the monitor's tick, the desk's answer, and the
 * incident. Outside effects happen at once, and succeed unless the timeline says otherwise. Nothing here decides anything.
 */
import type {
  CommandOf,
  CommandType,
  EffectOutcome,
  IncidentCommand,
} from "../../src/incidents/command.ts";
import { answerTrigger, joinCommand, openCommand } from "../../src/incidents/desk.ts";
import type { Trigger } from "../../src/incidents/desk-api.ts";
import type { EffectDraft } from "../../src/incidents/effect.ts";
import { decide, evolve, nextWakeAtMs, react } from "../../src/incidents/incident.ts";
import { FIREBREAK, readEvent, type JournalRow } from "../../src/incidents/journal.ts";
import { toRows, type Ground } from "../../src/incidents/moment.ts";
import { initialState, isInForce, type IncidentState } from "../../src/incidents/state.ts";
import { viewOf } from "../../src/incidents/view-of.ts";
import { evaluateTick, MONITOR, NOTHING_DETECTED } from "../../src/monitor/tick.ts";
import type { BundledPlaybook } from "../../src/playbooks/bundled.ts";
import { effectiveParams } from "../../src/playbooks/params.ts";
import { assert } from "../../src/shared/assert.ts";
import type { IncidentId } from "../../src/shared/ids.ts";
import type { SignalSet } from "../../src/signals/signal.ts";
import { signalsSaying } from "./readings.ts";
import { lineOf } from "./story.ts";
import type { Readings, Timeline } from "./timeline-file.ts";

/** Epoch milliseconds at which every timeline begins. */
const T0 = 1_800_000_000_000;
/** Effects cause effects; more than this at one moment is a loop. */
const EFFECTS_MAX = 1_000;
const INSTANCE = "test.playbook";

export type SimulateInput = {
  readonly ground: Ground;
  readonly bundled: BundledPlaybook;
  readonly well: Readings;
  readonly timeline: Timeline;
};

/** What happened, a line each: `<time since the beginning> <what>`, as `expect` has it. */
export function simulate(input: SimulateInput): readonly string[] {
  const simulation = new Simulation(input);
  const { every, until } = input.timeline;
  for (let elapsedMs = 0; elapsedMs <= until; elapsedMs += every) simulation.tick(elapsedMs);
  return simulation.lines;
}

class Simulation {
  readonly lines: string[] = [];
  readonly #input: SimulateInput;
  #detection = NOTHING_DETECTED;
  #incident: IncidentState = initialState;
  #incidents = 0;
  #commands = 0;
  #elapsedMs = 0;
  #waiting: (readonly [string, EffectDraft])[] = [];

  constructor(input: SimulateInput) {
    this.#input = input;
  }

  tick(elapsedMs: number): void {
    const { people, every } = this.#input.timeline;
    for (const act of people) {
      if (act.at > elapsedMs - every && act.at <= elapsedMs) this.#act(act, elapsedMs);
    }
    this.#wake(elapsedMs);
    this.#elapsedMs = elapsedMs;
    this.#trigger(this.#signals());
    if (this.#incident.opened !== null) {
      this.#do("observe", { signals: this.#signals(), autopilot: this.#input.timeline.autopilot });
    }
  }

  /** Alarms between two ticks ring when they are due. */
  #wake(untilMs: number): void {
    for (let rings = 0; rings < EFFECTS_MAX; rings += 1) {
      if (this.#incident.opened === null) return;
      const wakeAtMs = nextWakeAtMs(this.#incident, this.#input.ground);
      if (wakeAtMs === null || wakeAtMs >= T0 + untilMs) return;
      const dueMs = Math.max(wakeAtMs - T0, this.#elapsedMs);
      this.#elapsedMs = dueMs;
      const before = this.#incident.seq;
      this.#do("wake", {});
      if (this.#incident.seq === before) return;
    }
  }

  #trigger(signals: SignalSet): void {
    const { ground, bundled } = this.#input;
    const outcome = evaluateTick({
      instance: INSTANCE,
      playbooks: [ground.playbook],
      detection: this.#detection,
      signals,
      paramsByPlaybook: { [bundled.spec.id]: this.#params() },
      sampledAtMs: this.#nowMs,
      nowMs: this.#nowMs,
    });
    this.#detection = outcome.detection;
    for (const trigger of outcome.triggers) this.#answer(trigger);
  }

  #answer(trigger: Trigger): void {
    if (trigger.playbook === null) return this.#say(`broken: ${trigger.title}`);
    const { ground, bundled } = this.#input;
    const view = viewOf(this.#incident, nextWakeAtMs(this.#incident, ground));
    const answer = answerTrigger(trigger, view, bundled);
    if (answer.answer !== "open") {
      const joining = joinCommand(trigger, answer);
      if (joining !== null) this.#command(joining);
      return;
    }
    this.#incidents += 1;
    this.#incident = initialState;
    const id: IncidentId = `inc_${String(this.#incidents).padStart(26, "0")}`;
    this.#command(
      openCommand(trigger, id, { playbook: bundled, instance: INSTANCE, silences: [] }),
    );
  }

  #act({ do: what, step, why, at }: Timeline["people"][number], untilMs: number): void {
    this.#wake(Math.min(at, untilMs));
    this.#elapsedMs = Math.max(this.#elapsedMs, at);
    if (what === "acknowledge") return this.#do("acknowledge", {});
    if (what === "resolve") return this.#do("resolve", { why });
    const { leases, acts } = this.#incident;
    const lease = leases.findLast((one) => one.step === step);
    const act = acts.findLast((one) => one.step === step);
    if (what !== "revert" && act !== undefined) {
      return this.#do(what, { leaseId: `act_${act.id.slice("act_".length)}`, why });
    }
    if (lease === undefined) return this.#say(`refused ${what}: nothing of ${step ?? "a step"}`);
    return this.#do(what, { leaseId: `lse_${lease.id.slice("lse_".length)}`, why });
  }

  #do<Type extends CommandType>(type: Type, data: CommandOf<Type>["data"]): void {
    this.#commands += 1;
    const command = {
      id: `cmd-${this.#commands}`,
      type,
      atMs: this.#nowMs,
      actor: ACTORS[type] ?? { kind: "person", id: "ada" },
      data,
      // The type and its data were given together.
    } as unknown as IncidentCommand;
    this.#command(command);
  }

  #command(command: IncidentCommand): void {
    this.#append(command);
    for (let done = 0; this.#waiting.length > 0; done += 1) {
      assert(done < EFFECTS_MAX, "effects come to an end");
      const [effectId, effect] = this.#waiting.shift() ?? [];
      if (effectId === undefined || effect === undefined) return;
      this.#commands += 1;
      this.#append({
        id: `cmd-${this.#commands}`,
        type: "report_effect",
        atMs: this.#nowMs,
        actor: FIREBREAK,
        data: { effectId, outcome: this.#outcomeOf(effect) },
      });
    }
  }

  #append(command: IncidentCommand): void {
    const decided = decide(this.#incident, command, this.#input.ground);
    if (!decided.ok) return this.#say(`refused ${command.type}: ${decided.error.reason}`);
    for (const row of toRows(this.#incident, decided.value, command)) this.#take(row);
  }

  #take(row: JournalRow): void {
    this.#incident = evolve(this.#incident, row);
    const event = readEvent(row);
    if (event === null) return;
    const line = lineOf(event, this.#incident);
    if (line !== null) this.#say(line);
    const effect = react(this.#incident, event, this.#nowMs);
    if (effect !== null) this.#waiting.push([`${row.seq}:0`, effect]);
  }

  #outcomeOf(effect: EffectDraft): EffectOutcome {
    switch (effect.kind) {
      case "lease.apply": {
        const step = this.#incident.leases.find(({ id }) => id === effect.data.leaseId)?.step ?? "";
        return this.#input.timeline.failing.includes(step)
          ? { ok: false, failure: { class: "refuse", detail: "it cannot be applied" } }
          : { ok: true, value: { prior: {}, receipt: {} } };
      }
      case "lease.select":
        return this.#selection(effect.data.leaseId);
      case "lease.revert":
        return { ok: true, value: "restored" };
      case "act.judge": {
        const step = this.#incident.acts.find(({ id }) => id === effect.data.actId)?.step ?? "";
        return this.#input.timeline.failing.includes(step)
          ? { ok: false, failure: { class: "refuse", detail: "there is nothing to do" } }
          : { ok: true, value: { says: `do ${step}`, judged: {} } };
      }
      case "act.perform":
        return { ok: true, value: { says: "done", receipt: {} } };
      case "evidence.collect":
        return { ok: true, value: { summary: "seen", facts: {} } };
      default:
        return { ok: true, value: {} };
    }
  }

  /** Somebody, once; what is named is no timeline's business. */
  #selection(leaseId: string): EffectOutcome {
    const lease = this.#incident.leases.find(({ id }) => id === leaseId);
    const isNamed = lease?.selection.isKnown === true;
    const because =
      this.#input.timeline.nobody[lease?.step ?? ""] ?? (isNamed ? "nothing_new" : null);
    const value =
      because === null
        ? { kind: "selected", picked: {}, says: "somebody", facts: {} }
        : { kind: "nobody", because, says: "as the timeline has it" };
    return { ok: true, value };
  }

  #signals(): SignalSet {
    const { well, timeline } = this.#input;
    let said: Readings = well;
    for (const change of timeline.signals) {
      if (change.at <= this.#elapsedMs) said = { ...(change.well ? well : said), ...change.say };
    }
    for (const lease of this.#incident.leases) {
      if (isInForce(lease) && !lease.shadow) said = { ...said, ...timeline.while[lease.step] };
    }
    return signalsSaying(said, this.#nowMs);
  }

  #params() {
    const { spec } = this.#input.bundled;
    const overrides = Object.entries(this.#input.timeline.params).map(([param, value]) => ({
      playbook: spec.id,
      param,
      value,
      by: "timeline",
      reason: "timeline",
      expiresAtMs: Number.MAX_SAFE_INTEGER,
    }));
    return effectiveParams(spec.params, overrides, this.#nowMs);
  }

  #say(line: string): void {
    this.lines.push(`${clock(this.#elapsedMs)} ${line}`);
  }

  get #nowMs(): number {
    return T0 + this.#elapsedMs;
  }
}

const ACTORS: Partial<Record<CommandType, IncidentCommand["actor"]>> = {
  observe: MONITOR,
  wake: FIREBREAK,
};

/** `0s`, `90s`, `12m`, `1h5m10s`: as durations are written. */
function clock(elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1_000);
  const parts = [
    [Math.floor(seconds / 3_600), "h"],
    [Math.floor((seconds % 3_600) / 60), "m"],
    [seconds % 60, "s"],
  ] as const;
  const written = parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count}${unit}`]));
  return written.length === 0 ? "0s" : written.join("");
}
