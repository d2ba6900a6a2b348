/** The outage playbook on a timeline of signals: what an on-call engineer would and would not want to be woken for. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { vocabulary } from "../../../scripts/vocabulary.ts";
import { evaluateRules, statesAfter } from "../../../src/detection/evaluate-rules.ts";
import { firingRules, isTriggered, type RuleStates } from "../../../src/detection/trigger.ts";
import { readPlaybook } from "../../../src/playbooks/check.ts";
import { compilePlaybook } from "../../../src/playbooks/compile.ts";
import { effectiveParams } from "../../../src/playbooks/params.ts";
import { measured, unknownSignal, type SignalSet } from "../../../src/signals/signal.ts";
import type { SignalValue, UnknownReason } from "../../../src/signals/signal.ts";

const text = readFileSync(new URL("../../../playbooks/outage.yaml", import.meta.url), "utf8");
const read = readPlaybook({ name: "outage.yaml", text });
if (!read.ok) throw new Error("the outage playbook can be read");
const compiled = compilePlaybook({ spec: read.value.spec, source: text, sha256: "" }, vocabulary());
if (!compiled.ok) throw new Error("the outage playbook compiles");
const outage = compiled.value;
const PARAMS = effectiveParams(outage.spec.params, [], 0);

type Readings = Readonly<Record<string, SignalValue | { readonly unknown: UnknownReason }>>;

const WELL: Readings = {
  "probe.around_success_ratio": 1,
  "probe.through_success_ratio": 1,
  "postgres.reachable_ratio": 1,
  "traffic.error_ratio": 0.01,
  "traffic.origin_requests_count": 500,
  "alerts.critical_count": { unknown: "no_data" },
};

const signalsOf = (readings: Readings, atMs: number): SignalSet =>
  Object.fromEntries(
    Object.entries(readings).map(([name, value]) => [
      name,
      typeof value === "object"
        ? unknownSignal(name, value.unknown, { atMs })
        : measured(name, value, { atMs, freshMs: 60_000 }),
    ]),
  );

/** Ticks every ten seconds with the same readings; says when the incident opens, in seconds, and by which rules. */
function secondsUntilTriggered(readings: Readings, forSeconds: number) {
  let states: RuleStates = {};
  for (let second = 0; second <= forSeconds; second += 10) {
    const nowMs = second * 1_000;
    const signals = signalsOf({ ...WELL, ...readings }, nowMs);
    states = statesAfter(evaluateRules(outage.rules, states, { signals, params: PARAMS, nowMs }));
    if (isTriggered(outage.spec.detect.trigger, states)) {
      return { second, rules: firingRules(states) };
    }
  }
  return null;
}

describe("the outage playbook opens an incident", () => {
  const opens = [
    [
      "when the database is gone and takes the site with it",
      {
        "postgres.reachable_ratio": 0,
        "probe.around_success_ratio": 0,
        "probe.through_success_ratio": 0,
        "traffic.error_ratio": 0.97,
      },
      30,
    ],
    [
      "when the site is down at night, without a visitor",
      {
        "probe.around_success_ratio": 0,
        "probe.through_success_ratio": 0,
        "traffic.error_ratio": { unknown: "no_data" },
        "traffic.origin_requests_count": 0,
      },
      30,
    ],
    [
      "when probes fail and outside monitoring agrees",
      { "probe.around_success_ratio": 0, "alerts.critical_count": 1 },
      30,
    ],
  ] as const satisfies readonly (readonly [string, Readings, number])[];

  it.for(opens)("%s", ([, readings, second], { expect }) => {
    expect(secondsUntilTriggered(readings, 120)?.second).toBe(second);
  });
});

describe("the outage playbook lets people sleep", () => {
  const quiet = [
    ["while all is well", {}],
    ["when only the database blinks", { "postgres.reachable_ratio": 0 }],
    ["when only a probe's path is broken", { "probe.around_success_ratio": 0 }],
    ["when monitoring alone cries wolf", { "alerts.critical_count": 3 }],
    ["when one endpoint fails for many", { "traffic.error_ratio": 0.6 }],
    [
      "when a handful of requests fail",
      {
        "traffic.error_ratio": 1,
        "traffic.origin_requests_count": 19,
        "alerts.critical_count": 1,
      },
    ],
    [
      "when nothing is known at all",
      Object.fromEntries(Object.keys(WELL).map((name) => [name, { unknown: "timeout" as const }])),
    ],
  ] as const satisfies readonly (readonly [string, Readings])[];

  it.for(quiet)("%s", ([, readings], { expect }) => {
    expect(secondsUntilTriggered(readings, 3_600)).toBeNull();
  });
});

describe("the outage playbook sees recovery", () => {
  const truthOf = (readings: Readings) =>
    outage.recoverWhen?.evaluate(signalsOf({ ...WELL, ...readings }, 0), PARAMS).truth;

  const rows = [
    [
      "when production answers past the guard, though visitors still see the page",
      {
        "traffic.error_ratio": { unknown: "masked" },
        "probe.through_success_ratio": { unknown: "masked" },
      },
      "true",
    ],
    ["not while the database is gone", { "postgres.reachable_ratio": 0 }, "false"],
    [
      "not while nobody knows about the database",
      { "postgres.reachable_ratio": { unknown: "timeout" } },
      "unknown",
    ],
    [
      "not while nobody knows about production",
      { "probe.around_success_ratio": { unknown: "timeout" } },
      "unknown",
    ],
    [
      "on a site that has no database to watch",
      { "postgres.reachable_ratio": { unknown: "not_configured" } },
      "true",
    ],
    ["not on one probe of two", { "probe.around_success_ratio": 0.5 }, "false"],
  ] as const satisfies readonly (readonly [string, Readings, string])[];

  it.for(rows)("%s", ([, readings, truth], { expect }) => {
    expect(truthOf(readings)).toBe(truth);
  });
});
