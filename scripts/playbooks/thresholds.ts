/**
 * Where each rule begins: readings just below, at and just beyond its thresholds, each through the product's own rule machine on a
 * virtual clock. What fires must fire once it has lasted for the rule's `for`, and not before.
 */
import { evaluateRules, statesAfter } from "../../src/detection/evaluate-rules.ts";
import type { RuleStates } from "../../src/detection/trigger.ts";
import type { CompiledPlaybook } from "../../src/playbooks/compile.ts";
import { effectiveParams, resolveDuration, type Params } from "../../src/playbooks/params.ts";
import { signalsSaying } from "./readings.ts";
import type { Readings, TimelineFile } from "./timeline-file.ts";

const EVERY_MS = 1_000;
/** A rule that is quiet is watched for so long beyond its `for`. */
const BEYOND_MS = 60_000;

type Verdict = "fires" | "quiet" | "fires before it has lasted";

export type ThresholdResult = {
  readonly rule: string;
  readonly reading: string;
  readonly happened: Verdict;
  readonly expected: Verdict;
};

/** Every reading of the file, with the params as they are by default. */
export function judgeThresholds(
  playbook: CompiledPlaybook,
  { well, thresholds }: Pick<TimelineFile, "well" | "thresholds">,
): readonly ThresholdResult[] {
  const params = effectiveParams(playbook.spec.params, [], 0);
  return Object.entries(thresholds).flatMap(([rule, { quiet, fires }]) => {
    const result = (reading: Readings, expected: Verdict): ThresholdResult => ({
      rule,
      reading: JSON.stringify(reading),
      happened: verdictOn(playbook, rule, params, { ...well, ...reading }),
      expected,
    });
    return [
      ...quiet.map((reading) => result(reading, "quiet")),
      ...fires.map((reading) => result(reading, "fires")),
    ];
  });
}

/** What is wrong with the section: rules that there are not, and rules that it forgets. */
export function thresholdProblems(
  { rules }: Pick<CompiledPlaybook, "rules">,
  thresholds: TimelineFile["thresholds"],
): readonly string[] {
  const known = rules.map(({ spec }) => spec.id);
  const named = Object.keys(thresholds);
  return [
    ...named.filter((rule) => !known.includes(rule)).map((rule) => `there is no rule ${rule}`),
    ...known
      .filter((rule) => !named.includes(rule))
      .map((rule) => `nothing says where rule ${rule} begins`),
  ];
}

function verdictOn(
  { rules }: CompiledPlaybook,
  rule: string,
  params: Params,
  readings: Readings,
): Verdict {
  const only = rules.filter(({ spec }) => spec.id === rule);
  const forMs = Math.max(0, ...only.map(({ spec }) => resolveDuration(spec.for, params)));
  let states: RuleStates = {};
  for (let nowMs = 0; nowMs <= forMs + BEYOND_MS; nowMs += EVERY_MS) {
    const signals = signalsSaying(readings, nowMs);
    states = statesAfter(evaluateRules(only, states, { signals, params, nowMs }));
    if (states[rule]?.status === "firing") {
      return nowMs < forMs ? "fires before it has lasted" : "fires";
    }
  }
  return "quiet";
}
