/** What one set of signals means: the rules' next states, and the incidents that must be open because of them. Pure. */
import { uninhibited } from "./inhibition.ts";
import type { RuleReport } from "./monitor-api.ts";
import { evaluateRules, statesAfter, type RuleEvaluation } from "../detection/evaluate-rules.ts";
import {
  firingRules,
  firstBadSampleAtMs,
  isAnyStirring,
  isTriggered,
  type RuleStates,
} from "../detection/trigger.ts";
import type { Trigger } from "../incidents/desk-api.ts";
import type { Actor, Reading } from "../incidents/journal.ts";
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import type { Params } from "../playbooks/params.ts";
import { sha256Hex } from "../shared/ids.ts";
import { IMPACT } from "../signals/impact.ts";
import { isKnown, type Signal, type SignalName, type SignalSet } from "../signals/signal.ts";

export const MONITOR: Actor = { kind: "monitor", id: "monitor" };
/** Every playbook of today is about the whole site. */
const SCOPE = "site";

/** What a tick must remember for the next one. Times are of samples, epoch milliseconds. */
export type Detection = {
  /** By playbook, then by rule. */
  readonly rules: Readonly<Record<string, RuleStates>>;
  /** Since when each triggered playbook is triggered without a break. */
  readonly triggeredAtMs: Readonly<Record<string, number>>;
  /** Triggered playbooks that only stay so because nothing can be seen: no rule of theirs is true. */
  readonly unseen: Readonly<Record<string, boolean>>;
  /** When the harm of a triggered playbook was seen again after it had not been. */
  readonly seenAgainAtMs: Readonly<Record<string, number>>;
  /** Since when each broken rule, `<playbook>/<rule>`, is broken. */
  readonly brokenAtMs: Readonly<Record<string, number>>;
};

export const NOTHING_DETECTED: Detection = {
  rules: {},
  triggeredAtMs: {},
  unseen: {},
  seenAgainAtMs: {},
  brokenAtMs: {},
};

export type TickInput = {
  readonly instance: string;
  readonly playbooks: readonly CompiledPlaybook[];
  readonly detection: Detection;
  /** As seen now: stale ones already unknown. */
  readonly signals: SignalSet;
  readonly paramsByPlaybook: Readonly<Record<string, Params>>;
  /** When the signals were true of production: what the rules' durations count. */
  readonly sampledAtMs: number;
  /** When that is known to us: what the time to detect counts. */
  readonly nowMs: number;
};

export type TickOutcome = {
  readonly detection: Detection;
  /** Every incident that must be open; the same trigger, by id, for as long as it lasts. */
  readonly triggers: readonly Trigger[];
  readonly reports: readonly RuleReport[];
  /** Some rule is on its way or firing: look more often. */
  readonly isAlert: boolean;
};

type Evaluated = {
  readonly playbook: CompiledPlaybook;
  readonly params: Params;
  readonly evaluations: readonly RuleEvaluation[];
  readonly states: RuleStates;
};

/** Evaluates all rules of all playbooks once. */
export function evaluateTick(input: TickInput): TickOutcome {
  const evaluated = input.playbooks.map((playbook) => evaluate(playbook, input));
  const triggered = evaluated.filter(isTriggeredNow);
  const detection: Detection = {
    unseen: Object.fromEntries(
      triggered.filter((one) => !isHarmSeen(one)).map(({ playbook }) => [playbook.spec.id, true]),
    ),
    seenAgainAtMs: Object.fromEntries(
      triggered.flatMap((one) => {
        const atMs = seenAgainAtMs(one, input);
        return atMs === null ? [] : [[one.playbook.spec.id, atMs]];
      }),
    ),
    rules: Object.fromEntries(evaluated.map(({ playbook, states }) => [playbook.spec.id, states])),
    triggeredAtMs: since(
      triggered.map(({ playbook }) => playbook.spec.id),
      input.detection.triggeredAtMs,
      input.sampledAtMs,
    ),
    brokenAtMs: since(
      evaluated.flatMap((one) => brokenRules(one).map(({ rule }) => ruleKey(one, rule))),
      input.detection.brokenAtMs,
      input.sampledAtMs,
    ),
  };
  return {
    detection,
    triggers: [
      ...opened(evaluated).map((one) => triggerOf(one, detection, input)),
      ...evaluated.flatMap((one) =>
        brokenRules(one).map((evaluation) => brokenTrigger(one, evaluation, detection, input)),
      ),
    ],
    reports: evaluated.flatMap(reportsOf),
    isAlert: evaluated.some(({ states }) => isAnyStirring(states)),
  };
}

function evaluate(playbook: CompiledPlaybook, input: TickInput): Evaluated {
  const { id } = playbook.spec;
  const params = input.paramsByPlaybook[id] ?? {};
  const evaluations = evaluateRules(playbook.rules, input.detection.rules[id] ?? {}, {
    signals: input.signals,
    params,
    nowMs: input.sampledAtMs,
  });
  return { playbook, params, evaluations, states: statesAfter(evaluations) };
}

const isTriggeredNow = ({ playbook, states }: Evaluated): boolean =>
  isTriggered(playbook.spec.detect.trigger, states);

const isHarmSeen = ({ evaluations }: Evaluated): boolean =>
  evaluations.some(({ truth }) => truth === "true");

/**
 * Unknown never clears a rule, so a playbook may stay triggered although its incident has long recovered by other signs. Harm
 * that is seen again begins a new episode: it must reach the desk, which joins it to an open incident or reopens one.
 */
function seenAgainAtMs(one: Evaluated, { detection, sampledAtMs }: TickInput): number | null {
  const { id } = one.playbook.spec;
  const isSeenAgain = isHarmSeen(one) && detection.unseen[id] === true;
  return isSeenAgain ? sampledAtMs : (detection.seenAgainAtMs[id] ?? null);
}

/** Of the triggered playbooks, those whose cause is not triggered itself. */
function opened(evaluated: readonly Evaluated[]): readonly Evaluated[] {
  const specs = evaluated.filter(isTriggeredNow).map(({ playbook }) => playbook.spec);
  const open = new Set(uninhibited(specs).map(({ id }) => id));
  return evaluated.filter(({ playbook }) => open.has(playbook.spec.id));
}

/** Keeps when each key began; a key that is gone and comes back begins anew. */
const since = (
  keys: readonly string[],
  before: Readonly<Record<string, number>>,
  atMs: number,
): Readonly<Record<string, number>> =>
  Object.fromEntries(keys.map((key) => [key, before[key] ?? atMs]));

function triggerOf(one: Evaluated, detection: Detection, input: TickInput): Trigger {
  const { spec } = one.playbook;
  const triggeredAtMs = detection.triggeredAtMs[spec.id] ?? input.sampledAtMs;
  const againAtMs = detection.seenAgainAtMs[spec.id] ?? null;
  return {
    id: triggerId(input.instance, spec.id, againAtMs ?? triggeredAtMs),
    playbook: spec.id,
    scope: SCOPE,
    title: spec.title,
    severity: spec.severity.base,
    params: one.params,
    onsetAtMs: againAtMs ?? firstBadSampleAtMs(one.states) ?? triggeredAtMs,
    atMs: input.nowMs,
    rules: one.states,
    readings: readingsOf(one, input.signals),
    actor: MONITOR,
    drill: false,
  };
}

/** A rule that cannot be evaluated watches nothing: people must know, once. */
function brokenTrigger(
  one: Evaluated,
  { rule, detail }: RuleEvaluation,
  detection: Detection,
  input: TickInput,
): Trigger {
  const key = ruleKey(one, rule);
  const sinceMs = detection.brokenAtMs[key] ?? input.sampledAtMs;
  return {
    id: triggerId(input.instance, `rule:${key}`, sinceMs),
    playbook: null,
    scope: `rule:${key}`,
    title: `Rule ${rule} of playbook ${one.playbook.spec.id} is broken: ${detail ?? "no detail"}`,
    severity: "SEV-3",
    params: {},
    onsetAtMs: sinceMs,
    atMs: input.nowMs,
    rules: {},
    readings: [],
    actor: MONITOR,
    drill: false,
  };
}

const brokenRules = ({ evaluations }: Evaluated): readonly RuleEvaluation[] =>
  evaluations.filter(({ isBroken }) => isBroken);

const ruleKey = ({ playbook }: Evaluated, rule: string): string => `${playbook.spec.id}/${rule}`;

/** Derived, so that a tick repeated after a crash repeats the trigger and not the incident. */
const triggerId = (instance: string, what: string, sinceMs: number): string =>
  `trg_${sha256Hex(JSON.stringify([instance, what, sinceMs])).slice(0, 26)}`;

/** What the firing rules read, and what was measured of whom it harms, whether a rule asks for that or not. */
function readingsOf({ playbook, states }: Evaluated, signals: SignalSet): readonly Reading[] {
  const firing = new Set(firingRules(states));
  const names = new Set(
    playbook.rules
      .filter(({ spec }) => firing.has(spec.id))
      .flatMap(({ when, clear }) => [...when.signals, ...(clear?.signals ?? [])]),
  );
  const read = [...names].map((name) => readingOf(name, signals));
  const besides = IMPACT.filter((name) => !names.has(name) && isHarm(signals[name]));
  return [...read, ...besides.map((name) => readingOf(name, signals))];
}

const isHarm = (signal: Signal | undefined): boolean =>
  signal !== undefined && isKnown(signal) && Number(signal.value) > 0;

function readingOf(name: SignalName, signals: SignalSet): Reading {
  const signal = signals[name];
  if (signal === undefined) return { signal: name, unknown: "no_data" };
  return isKnown(signal)
    ? { signal: name, value: signal.value, atMs: signal.atMs }
    : { signal: name, unknown: signal.unknown, atMs: signal.atMs };
}

const reportsOf = ({ playbook, evaluations }: Evaluated): readonly RuleReport[] =>
  evaluations.map(({ rule, after, truth, detail, isBroken }) => ({
    playbook: playbook.spec.id,
    rule,
    state: after,
    truth: isBroken ? "broken" : truth,
    detail,
  }));
