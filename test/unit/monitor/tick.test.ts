import { describe, it } from "vitest";
import {
  evaluateTick,
  NOTHING_DETECTED,
  type TickInput,
  type TickOutcome,
} from "../../../src/monitor/tick.ts";
import { measured, unknownSignal, type SignalSet } from "../../../src/signals/signal.ts";
import { aPlaybook } from "../../support/playbooks.ts";

const T0 = 1_800_000_000_000;

const probes = aPlaybook({
  id: "probes-down",
  rules: [{ id: "probes", when: "probe.around_success_ratio < 0.5", for: "20s", clear_for: "30s" }],
});
const database = aPlaybook({
  id: "database",
  inhibits: ["probes-down"],
  rules: [{ id: "unreachable", when: "postgres.reachable_ratio < 1.0" }],
});

const set = (values: Readonly<Record<string, number>>, atMs = T0): SignalSet =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      measured(name, value, { atMs, freshMs: 60_000 }),
    ]),
  );
const DOWN = set({ "probe.around_success_ratio": 0 });
const UP = set({ "probe.around_success_ratio": 1 });

const tick = (input: Partial<TickInput>): TickOutcome =>
  evaluateTick({
    instance: "shop.test",
    playbooks: [probes],
    detection: NOTHING_DETECTED,
    signals: {},
    paramsByPlaybook: {},
    sampledAtMs: T0,
    nowMs: T0 + 700,
    ...input,
  });

/** Ticks one after the other, each on what the one before left. */
function ticks(inputs: readonly Partial<TickInput>[]): readonly TickOutcome[] {
  const outcomes: TickOutcome[] = [];
  for (const input of inputs) {
    outcomes.push(tick({ detection: outcomes.at(-1)?.detection ?? NOTHING_DETECTED, ...input }));
  }
  return outcomes;
}

describe("a tick", () => {
  it("opens nothing while a rule is pending, but is alert", ({ expect }) => {
    const outcome = tick({ signals: DOWN });
    expect(outcome.triggers).toEqual([]);
    expect(outcome.isAlert).toBe(true);
    expect(outcome.reports).toEqual([
      {
        playbook: "probes-down",
        rule: "probes",
        state: { status: "pending", sinceMs: T0 },
        truth: "true",
        detail: null,
      },
    ]);
  });

  it("is calm when every rule is inactive", ({ expect }) => {
    expect(tick({ signals: UP })).toMatchObject({ isAlert: false, triggers: [] });
  });

  it("triggers at the exact end of `for`, with onset at the first bad sample", ({ expect }) => {
    const [, early, due] = ticks([
      { signals: DOWN },
      { signals: DOWN, sampledAtMs: T0 + 19_999 },
      { signals: DOWN, sampledAtMs: T0 + 20_000, nowMs: T0 + 21_000 },
    ]);
    expect(early?.triggers).toEqual([]);
    expect(due?.triggers).toEqual([
      {
        id: expect.stringMatching(/^trg_[0-9a-f]{26}$/),
        playbook: "probes-down",
        scope: "site",
        title: "Playbook probes-down",
        severity: "SEV-2",
        params: {},
        onsetAtMs: T0,
        atMs: T0 + 21_000,
        rules: { probes: { status: "firing", sinceMs: T0 } },
        readings: [{ signal: "probe.around_success_ratio", value: 0, atMs: T0 }],
        actor: { kind: "monitor", id: "monitor" },
        drill: false,
      },
    ]);
  });

  it("tells whom it harms, where that was measured, whether a rule asks for it or not", ({
    expect,
  }) => {
    const felt = (errors: number): SignalSet => ({
      ...DOWN,
      "traffic.error_ratio": measured("traffic.error_ratio", errors, { atMs: T0, freshMs: 60_000 }),
      "traffic.harmed_addresses_ratio": unknownSignal("traffic.harmed_addresses_ratio", "no_data", {
        atMs: T0,
      }),
    });
    const readingsOf = (errors: number) => {
      const signals = felt(errors);
      const [, due] = ticks([{ signals }, { signals, sampledAtMs: T0 + 20_000 }]);
      return due?.triggers[0]?.readings.map(({ signal }) => signal);
    };
    expect(readingsOf(0.3)).toEqual(["probe.around_success_ratio", "traffic.error_ratio"]);
    expect(readingsOf(0)).toEqual(["probe.around_success_ratio"]);
  });

  it("repeats the same trigger for as long as it lasts, and a new one when it comes back", ({
    expect,
  }) => {
    const at = (seconds: number, signals: SignalSet) => ({
      signals,
      sampledAtMs: T0 + seconds * 1_000,
    });
    const [, first, again, , cleared, , back] = ticks([
      at(0, DOWN),
      at(20, DOWN),
      at(30, DOWN),
      at(40, UP),
      at(70, UP),
      at(80, DOWN),
      at(100, DOWN),
    ]);
    expect(first?.triggers).toHaveLength(1);
    expect(again?.triggers[0]?.id).toBe(first?.triggers[0]?.id);
    expect(cleared?.triggers).toEqual([]);
    expect(back?.triggers).toHaveLength(1);
    expect(back?.triggers[0]?.id).not.toBe(first?.triggers[0]?.id);
  });

  it("never clears a firing rule on unknown", ({ expect }) => {
    const unknown = {
      "probe.around_success_ratio": unknownSignal("probe.around_success_ratio", "timeout", {
        atMs: T0,
      }),
    };
    const [, , later] = ticks([
      { signals: DOWN },
      { signals: DOWN, sampledAtMs: T0 + 20_000 },
      { signals: unknown, sampledAtMs: T0 + 3_600_000 },
    ]);
    expect(later?.triggers).toHaveLength(1);
    expect(later?.reports[0]).toMatchObject({
      truth: "unknown",
      detail: "probe.around_success_ratio is unknown: timeout",
    });
  });

  it("uses the params of the moment, durations included", ({ expect }) => {
    const tunable = aPlaybook({
      id: "tunable",
      params: {
        hold: { type: "duration", default: "30s" },
        limit: { type: "double", default: 0.5 },
      },
      rules: [{ id: "r", when: "probe.around_success_ratio < params.limit", for: "params.hold" }],
    });
    const outcome = tick({
      playbooks: [tunable],
      signals: set({ "probe.around_success_ratio": 0.8 }),
      paramsByPlaybook: { tunable: { hold: 0, limit: 0.9 } },
    });
    expect(outcome.triggers).toMatchObject([{ playbook: "tunable", params: { limit: 0.9 } }]);
  });

  it("opens the cause and not its symptom, until the cause is gone", ({ expect }) => {
    const both = { ...DOWN, ...set({ "postgres.reachable_ratio": 0 }) };
    const causeGone = { ...DOWN, ...set({ "postgres.reachable_ratio": 1 }) };
    const playbooks = [probes, database];
    const [, triggered, after] = ticks([
      { playbooks, signals: both },
      { playbooks, signals: both, sampledAtMs: T0 + 20_000 },
      { playbooks, signals: causeGone, sampledAtMs: T0 + 30_000 },
    ]);
    expect(triggered?.triggers.map((trigger) => trigger.playbook)).toEqual(["database"]);
    expect(triggered?.reports.map(({ state }) => state.status)).toEqual(["firing", "firing"]);
    expect(after?.triggers.map((trigger) => trigger.playbook)).toEqual(["probes-down"]);
  });

  it("counts rules as the trigger says", ({ expect }) => {
    const two = aPlaybook({
      id: "two",
      trigger: { at_least: 2 },
      rules: [
        { id: "probes", when: "probe.around_success_ratio < 0.5" },
        { id: "database", when: "postgres.reachable_ratio < 1.0" },
      ],
    });
    const one = tick({ playbooks: [two], signals: DOWN });
    const both = tick({
      playbooks: [two],
      signals: { ...DOWN, ...set({ "postgres.reachable_ratio": 0 }) },
    });
    expect(one.triggers).toEqual([]);
    expect(both.triggers).toHaveLength(1);
  });

  it("opens one plain incident for a rule that is broken, for as long as it is", ({ expect }) => {
    const broken = aPlaybook({
      id: "broken",
      rules: [{ id: "share", when: "alerts.critical_count / alerts.firing_count > 0" }],
    });
    const signals = set({ "alerts.critical_count": 1, "alerts.firing_count": 0 });
    const [first, second] = ticks([
      { playbooks: [broken], signals },
      { playbooks: [broken], signals, sampledAtMs: T0 + 10_000 },
    ]);
    expect(first?.triggers).toMatchObject([
      {
        playbook: null,
        scope: "rule:broken/share",
        severity: "SEV-3",
        title: expect.stringMatching(/^Rule share of playbook broken is broken: /),
      },
    ]);
    expect(first?.reports).toMatchObject([{ truth: "broken" }]);
    expect(second?.triggers[0]?.id).toBe(first?.triggers[0]?.id);
  });

  it("forgets the rules of a playbook that a deploy took away", ({ expect }) => {
    const [, after] = ticks([{ signals: DOWN }, { playbooks: [database], signals: DOWN }]);
    expect(Object.keys(after?.detection.rules ?? {})).toEqual(["database"]);
  });
});

describe("harm that is seen again while unknown kept the playbook triggered", () => {
  const UNSEEN: SignalSet = {
    "probe.around_success_ratio": unknownSignal("probe.around_success_ratio", "timeout", {
      atMs: T0,
    }),
  };
  const at = (seconds: number, signals: SignalSet): Partial<TickInput> => ({
    signals,
    sampledAtMs: T0 + seconds * 1_000,
  });

  it("repeats one trigger while nothing is seen, and begins a new one with its own onset after", ({
    expect,
  }) => {
    const outcomes = ticks([at(0, DOWN), at(20, DOWN), at(30, UNSEEN), at(40, DOWN), at(50, DOWN)]);
    const [, first, unseen, again, later] = outcomes.map(({ triggers }) => triggers[0]);
    expect(unseen?.id).toBe(first?.id);
    expect(again?.id).not.toBe(first?.id);
    expect(again?.onsetAtMs).toBe(T0 + 40_000);
    expect(later?.id).toBe(again?.id);
  });
});
