/** The playbooks of this deploy, compiled once per isolate, on first use. */
import type { BundledPlaybook } from "./bundled.ts";
import bundle from "./bundle.generated.ts";
import { compilePlaybook, type CompiledPlaybook } from "./compile.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { assert } from "../shared/assert.ts";

export { bundle };

let compiled: readonly CompiledPlaybook[] | null = null;

/** The build has checked them against the same vocabulary. */
export function compiledPlaybooks(vocabulary: Vocabulary): readonly CompiledPlaybook[] {
  compiled ??= bundle.playbooks.map((playbook) => {
    const result = compilePlaybook(playbook, vocabulary);
    assert(result.ok, `playbook ${playbook.spec.id} compiles, as it did in the build`);
    return result.value;
  });
  return compiled;
}

/** The deployed playbook with this id, or null. */
export const deployedPlaybook = (id: string): BundledPlaybook | null =>
  bundle.playbooks.find((playbook) => playbook.spec.id === id) ?? null;
