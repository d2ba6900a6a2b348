/** Playbooks with nothing but rules, for tests of what the monitor makes of them. */
import { compilePlaybook, type CompiledPlaybook } from "../../src/playbooks/compile.ts";
import { playbook } from "../../src/playbooks/schema.ts";
import { catalogue } from "../../src/signals/catalogue.ts";

type RuleFields = {
  readonly id: string;
  readonly when: string;
  readonly clear?: string;
  readonly for?: string;
  readonly clear_for?: string;
};

/** Compiled; throws with what is wrong. */
export function aPlaybook(fields: {
  readonly id: string;
  readonly rules: readonly RuleFields[];
  readonly trigger?: "any" | "all" | { readonly at_least: number };
  readonly inhibits?: readonly string[];
  readonly params?: Readonly<Record<string, unknown>>;
}): CompiledPlaybook {
  const { id, rules, trigger = "any", inhibits = [], params = {} } = fields;
  const spec = playbook.parse({
    schema: "firebreak/v1",
    id,
    title: `Playbook ${id}`,
    owner: "tests",
    reviewed: "2026-11-01",
    severity: { base: "SEV-2" },
    params,
    inhibits,
    detect: { trigger, rules: rules.map((rule) => ({ why: "a test", ...rule })) },
    recover: { stable_for: "5m" },
  });
  const vocabulary = { signals: catalogue, actuators: {}, collectors: [], selectors: {} };
  const compiled = compilePlaybook({ spec, source: "test", sha256: "0".repeat(64) }, vocabulary);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}
