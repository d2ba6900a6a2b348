/** What a playbook must mean to be safe: nothing clears on what is unknown or hidden, and nothing site-wide rests on one kind of evidence. */
import type { Expression } from "../expressions/expression.ts";
import { EVIDENCE_KINDS_MIN, evidenceKinds } from "../mitigations/guardrails.ts";
import type { SignalName } from "../signals/signal.ts";
import type { CompiledPlaybook, CompiledRule, CompiledStep } from "./compile.ts";
import { duplicates, type Path, type Problem } from "./problem.ts";
import type { PlaybookSpec } from "./schema.ts";
import type { Vocabulary } from "./vocabulary.ts";

type Parts = Pick<CompiledPlaybook, "rules" | "steps" | "recoverWhen">;

/** Problems between rules, and of rules that would clear on what nobody knows. */
export function ruleProblems(
  spec: PlaybookSpec,
  rules: readonly CompiledRule[],
): readonly Problem[] {
  const { trigger } = spec.detect;
  const ids = spec.detect.rules.map(({ id }) => id);
  const count = ids.length;
  const problems = [...duplicates(ids, "rule", (index) => ["detect", "rules", index, "id"])];
  if (typeof trigger === "object" && trigger.at_least > count) {
    const message = `at_least is ${trigger.at_least}, but there ${count === 1 ? "is 1 rule" : `are ${count} rules`}`;
    problems.push({ path: ["detect", "trigger", "at_least"], message });
  }
  for (const rule of rules) problems.push(...clearProblems(rule, ids.indexOf(rule.spec.id)));
  return problems;
}

/** Unknown never clears, not even when the author asks for it with `known(…)`. */
function clearProblems({ when, clear }: CompiledRule, index: number): readonly Problem[] {
  if (clear !== null) {
    return healthyProblems(clear, ["detect", "rules", index, "clear"], "the rule would clear");
  }
  const [unknown] = when.unknownMakes.false;
  if (unknown === undefined) return [];
  const message = `the rule would clear because ${unknown} is unknown: write a clear condition of its own`;
  return [{ path: ["detect", "rules", index, "when"], message }];
}

/** Problems of the ladder: ids, what verification may look at, and what site-wide steps rest on. */
export function stepProblems(
  spec: PlaybookSpec,
  { rules, steps }: Parts,
  vocabulary: Vocabulary,
): readonly Problem[] {
  const ids = spec.mitigate.map((step) => step.id ?? step.do);
  // While a rule does not compile, nobody knows what it will rest on.
  const isWhole = rules.length === spec.detect.rules.length;
  const kinds = evidenceKinds(
    rules.flatMap((rule) => (rule.spec.unknown === "fire" ? [] : rule.when.evidence)),
    vocabulary.signals,
  );
  return [
    ...duplicates(ids, "step", (index) => [
      "mitigate",
      index,
      spec.mitigate[index]?.id ? "id" : "do",
    ]),
    ...steps.flatMap((step) => {
      const path: Path = ["mitigate", spec.mitigate.indexOf(step.spec)];
      return [
        ...kindProblems(step, path),
        ...expectProblems(step, besides(step, steps), path),
        ...(isWhole ? siteWideProblems(step, path, kinds) : []),
      ];
    }),
  ];
}

/** What is taken back says when; what cannot be, has nothing to say about it. */
function kindProblems({ id, spec, words }: CompiledStep, at: Path): readonly Problem[] {
  const expects =
    words.beside && spec.expect !== undefined
      ? [{ path: [...at, "expect"], message: `${id} changes nothing that could help` }]
      : [];
  if (words.kind === "lease") {
    return spec.lease === undefined
      ? [{ path: [...at, "lease"], message: "this key is required" }, ...expects]
      : expects;
  }
  const ofLeases = (["lease", "release"] as const).flatMap((key) =>
    spec[key] === undefined
      ? []
      : [{ path: [...at, key], message: `${id} is an act: it is done once and never taken back` }],
  );
  return [...ofLeases, ...expects, ...approvalProblems(id, spec, words.approvals, at)];
}

/** Neither a playbook nor silence is one of the people who must agree. */
function approvalProblems(
  id: string,
  { mode, on_silence: silence }: CompiledStep["spec"],
  approvals: number,
  at: Path,
): readonly Problem[] {
  if (approvals === 1) return [];
  const needs = `${id} needs ${approvals} different people`;
  return [
    ...(mode === "auto"
      ? [{ path: [...at, "mode"], message: `${needs}: it is never automatic` }]
      : []),
    ...(silence?.then === "apply"
      ? [{ path: [...at, "on_silence", "then"], message: `${needs}: silence is none of them` }]
      : []),
  ];
}

/** The steps that may be in force while this one is verified: itself, and what stands alongside. */
const besides = (step: CompiledStep, steps: readonly CompiledStep[]): readonly CompiledStep[] => [
  step,
  ...steps.filter((other) => other !== step && (other.spec.alongside || step.spec.alongside)),
];

function expectProblems(
  { expect }: CompiledStep,
  inForce: readonly CompiledStep[],
  at: Path,
): readonly Problem[] {
  if (expect === null) return [];
  const path = [...at, "expect", "that"];
  const hidden = inForce.flatMap(({ id, words }) =>
    words.masks
      .filter((signal) => expect.signals.includes(signal))
      .map((signal) => `${signal} says nothing while ${id} is applied`),
  );
  return [
    ...hidden.map((message) => ({ path, message })),
    ...healthyProblems(expect, path, "the step would count as effective"),
  ];
}

function siteWideProblems(
  { id, mode, words }: CompiledStep,
  at: Path,
  kinds: number,
): readonly Problem[] {
  if (!words.siteWide || mode === "manual" || kinds >= EVIDENCE_KINDS_MIN) return [];
  const message = `${id} touches every visitor: the rules must rest on ${EVIDENCE_KINDS_MIN} independent kinds of evidence, they rest on ${kinds}`;
  return [{ path: [...at, "do"], message }];
}

/** Problems of recovery: it may rest neither on what is unknown nor on what a step of this playbook hides. */
export function recoverProblems(spec: PlaybookSpec, parts: Parts): readonly Problem[] {
  const { recoverWhen, rules, steps } = parts;
  if (recoverWhen !== null) {
    const path = ["recover", "when"];
    return [
      ...healthyProblems(recoverWhen, path, "the incident would recover"),
      ...maskedBy(steps, recoverWhen.signals).map(([signal, step]) => ({
        path,
        message: `${signal} says nothing while ${step} is applied, so it cannot tell recovery`,
      })),
    ];
  }
  if (spec.recover.when !== undefined) return [];
  return rules.flatMap((rule) => {
    const index = spec.detect.rules.indexOf(rule.spec);
    const path = ["detect", "rules", index, rule.clear === null ? "when" : "clear"];
    return maskedBy(steps, (rule.clear ?? rule.when).signals).map(([signal, step]) => ({
      path,
      message: `${signal} says nothing while ${step} is applied, so this rule could not clear: write recover.when`,
    }));
  });
}

const maskedBy = (
  steps: readonly CompiledStep[],
  signals: readonly SignalName[],
): readonly (readonly [SignalName, string])[] =>
  signals.flatMap((signal) => {
    const step = steps.find(({ words }) => words.masks.includes(signal));
    return step === undefined ? [] : [[signal, step.id] as const];
  });

function healthyProblems(
  expression: Expression,
  path: Path,
  consequence: string,
): readonly Problem[] {
  const [unknown] = expression.unknownMakes.true;
  if (unknown === undefined) return [];
  return [
    { path, message: `${consequence} because ${unknown} is unknown; ask for its value alone` },
  ];
}
