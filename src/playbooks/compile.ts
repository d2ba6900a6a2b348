/**
 * Compiles a playbook against a vocabulary: expressions become functions, names become the things they name, and
 * everything that the shape alone cannot say is checked. Runs in the build, and in the Worker on first use.
 */
import { compileExpression, type Expression, type Scope } from "../expressions/expression.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { suggest } from "../shared/suggest.ts";
import type { BundledPlaybook } from "./bundled.ts";
import { ruleProblems, stepProblems, recoverProblems } from "./meaning.ts";
import { durationProblems, paramProblems } from "./param-checks.ts";
import type { Path, Problem } from "./problem.ts";
import type { PlaybookSpec, Recorded, RuleSpec, ScaledSpec, Severity, StepSpec } from "./schema.ts";
import { optionProblems, selectProblems } from "./step-options.ts";
import type { ActuatorWords, Vocabulary } from "./vocabulary.ts";

export type CompiledRule = {
  readonly spec: RuleSpec;
  readonly when: Expression;
  /** Null when the rule clears because `when` is false. */
  readonly clear: Expression | null;
};

export type CompiledStep = {
  /** The step's own id, or its actuator's. */
  readonly id: string;
  readonly spec: StepSpec;
  readonly when: Expression | null;
  readonly expect: Expression | null;
  readonly mode: NonNullable<StepSpec["mode"]>;
  /** What the playbook must know of the step's actuator. */
  readonly words: ActuatorWords;
};

export type CompiledPlaybook = {
  readonly spec: PlaybookSpec;
  readonly sha256: string;
  readonly source: string;
  readonly rules: readonly CompiledRule[];
  readonly severityRaises: readonly { readonly to: Severity; readonly when: Expression }[];
  readonly steps: readonly CompiledStep[];
  readonly scale: readonly { readonly spec: ScaledSpec; readonly when: Expression }[];
  /** Null when recovery means that every rule has cleared. */
  readonly recoverWhen: Expression | null;
  /** In the playbook's order. */
  readonly checklist: readonly CompiledItem[];
};

export type CompiledItem = {
  readonly text: string;
  /** How Firebreak sees for itself that it is so; null: a person does. */
  readonly seen:
    | { readonly by: "signals"; readonly when: Expression }
    | { readonly by: "evidence"; readonly collectors: readonly string[] }
    | { readonly by: "step"; readonly step: string }
    | { readonly by: "record"; readonly record: Recorded }
    | null;
};

/** The compiled playbook, or everything that is wrong with it. */
export function compilePlaybook(
  bundled: BundledPlaybook,
  vocabulary: Vocabulary,
): Result<CompiledPlaybook, readonly Problem[]> {
  const { spec, sha256, source } = bundled;
  const compiler = new Compiler({ signals: vocabulary.signals, params: spec.params });
  const parts = {
    rules: compiler.rules(spec.detect.rules),
    severityRaises: compiler.raises(spec.severity.raise),
    steps: compiler.steps(spec.mitigate, vocabulary),
    scale: compiler.scale(spec.scale ?? []),
    recoverWhen: compiler.optional(spec.recover.when, ["recover", "when"]),
    checklist: compiler.checklist(spec.checklist),
  };
  const problems = [
    ...compiler.problems,
    ...paramProblems(spec.params),
    ...durationProblems(spec),
    ...collectorProblems(spec, vocabulary.collectors),
    ...ruleProblems(spec, parts.rules),
    ...stepProblems(spec, parts, vocabulary),
    ...recoverProblems(spec, parts),
    ...checklistProblems(spec),
  ];
  return problems.length > 0 ? err(problems) : ok({ spec, sha256, source, ...parts });
}

/** What nothing could take back asks first, unless its playbook says that it is safe. */
export const modeOf = (
  { mode }: Pick<StepSpec, "mode">,
  words: ActuatorWords | undefined,
): CompiledStep["mode"] => mode ?? (words?.kind === "act" ? "approve" : "auto");

/** Compiles the parts of one playbook and keeps the problems; a part that has one is left out. */
class Compiler {
  readonly problems: Problem[] = [];
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  rules(specs: readonly RuleSpec[]): readonly CompiledRule[] {
    return specs.flatMap((spec, index) => {
      const path = ["detect", "rules", index];
      const when = this.optional(spec.when, [...path, "when"]);
      const clear = this.optional(spec.clear, [...path, "clear"]);
      const isWhole = when !== null && (clear !== null || spec.clear === undefined);
      return isWhole ? [{ spec, when, clear }] : [];
    });
  }

  raises(specs: PlaybookSpec["severity"]["raise"]): CompiledPlaybook["severityRaises"] {
    return specs.flatMap(({ to, when }, index) => {
      const compiled = this.optional(when, ["severity", "raise", index, "when"]);
      return compiled === null ? [] : [{ to, when: compiled }];
    });
  }

  scale(specs: readonly ScaledSpec[]): CompiledPlaybook["scale"] {
    return specs.flatMap((spec, index) => {
      const when = this.optional(spec.when, ["scale", index, "when"]);
      return when === null ? [] : [{ spec, when }];
    });
  }

  steps(
    specs: readonly StepSpec[],
    { actuators, selectors }: Pick<Vocabulary, "actuators" | "selectors">,
  ): readonly CompiledStep[] {
    return specs.flatMap((spec, index) => {
      const path = ["mitigate", index];
      const when = this.optional(spec.when, [...path, "when"]);
      const expect = this.optional(spec.expect?.that, [...path, "expect", "that"]);
      const words = Object.hasOwn(actuators, spec.do) ? actuators[spec.do] : undefined;
      if (words === undefined) {
        const known = suggest(spec.do, Object.keys(actuators));
        this.#problem([...path, "do"], `unknown actuator "${spec.do}"; ${known}`);
        return [];
      }
      const { params } = this.#scope;
      this.problems.push(
        ...(spec.select === undefined
          ? optionProblems(spec, words, { specs: params, path: [...path, "with"] })
          : selectProblems({ ...spec, select: spec.select }, words, {
              specs: params,
              path,
              selectors,
            })),
      );
      return [{ id: spec.id ?? spec.do, spec, when, expect, mode: modeOf(spec, words), words }];
    });
  }

  checklist(items: PlaybookSpec["checklist"]): readonly CompiledItem[] {
    return items.flatMap((item, index): readonly CompiledItem[] => {
      if (typeof item === "string") return [{ text: item, seen: null }];
      if ("collected" in item) {
        return [{ text: item.item, seen: { by: "evidence", collectors: item.collected } }];
      }
      if ("effective" in item) {
        return [{ text: item.item, seen: { by: "step", step: item.effective } }];
      }
      if ("recorded" in item) {
        return [{ text: item.item, seen: { by: "record", record: item.recorded } }];
      }
      const when = this.optional(item.when, ["checklist", index, "when"]);
      return when === null ? [] : [{ text: item.item, seen: { by: "signals", when } }];
    });
  }

  optional(source: string | undefined, path: Path): Expression | null {
    if (source === undefined) return null;
    const compiled = compileExpression(source, this.#scope);
    if (compiled.ok) return compiled.value;
    for (const { message, offset } of compiled.error) this.problems.push({ path, message, offset });
    return null;
  }

  #problem(path: Path, message: string): void {
    this.problems.push({ path, message });
  }
}

const collectorProblems = (spec: PlaybookSpec, collectors: readonly string[]): readonly Problem[] =>
  spec.investigate.flatMap(({ collect }, index) => {
    if (collectors.includes(collect)) return [];
    const message = `unknown collector "${collect}"; ${suggest(collect, collectors)}`;
    return [{ path: ["investigate", index, "collect"], message }];
  });

/** What an item waits for must be something that the playbook does. */
function checklistProblems(spec: PlaybookSpec): readonly Problem[] {
  const collectors = spec.investigate.map(({ collect }) => collect);
  const steps = spec.mitigate.map((step) => step.id ?? step.do);
  return spec.checklist.flatMap((item, index): readonly Problem[] => {
    if (typeof item === "string") return [];
    if ("effective" in item && !steps.includes(item.effective)) {
      const message = `no step "${item.effective}"; ${suggest(item.effective, steps)}`;
      return [{ path: ["checklist", index, "effective"], message }];
    }
    if (!("collected" in item)) return [];
    return item.collected
      .filter((one) => !collectors.includes(one))
      .map((one) => ({
        path: ["checklist", index, "collected"],
        message: `"${one}" is not collected; ${suggest(one, collectors)}`,
      }));
  });
}
