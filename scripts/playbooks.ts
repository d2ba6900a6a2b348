/** `npm run playbooks`: each playbook on its timelines, on a virtual clock. With `--show`, what happened in every one. */
import { playbookIds, runThresholds, runTimelines, type TimelineResult } from "./playbooks/run.ts";
import type { ThresholdResult } from "./playbooks/thresholds.ts";

const isShown = process.argv.includes("--show");
let failed = 0;
for (const { id, isTested } of playbookIds()) {
  if (!isTested) {
    console.error(`${id}: there is no playbooks/${id}.test.yaml`);
    failed += 1;
    continue;
  }
  for (const result of runTimelines(id)) report(id, result);
  reportThresholds(id, runThresholds(id));
}
process.exitCode = failed === 0 ? 0 : 1;

function report(id: string, { name, happened, expected }: TimelineResult): void {
  const isRight = happened.join("\n") === expected.join("\n");
  if (!isRight) failed += 1;
  console.log(`${isRight ? "✓" : "✗"} ${id}: ${name}`);
  if (isShown) for (const line of happened) console.log(`    ${line}`);
  if (isRight || isShown) return;
  for (const line of expected) if (!happened.includes(line)) console.log(`  - ${line}`);
  for (const line of happened) if (!expected.includes(line)) console.log(`  + ${line}`);
}

function reportThresholds(id: string, results: readonly ThresholdResult[]): void {
  const wrong = results.filter(({ happened, expected }) => happened !== expected);
  failed += wrong.length;
  if (results.length > 0) console.log(`${wrong.length === 0 ? "✓" : "✗"} ${id} thresholds`);
  for (const { rule, reading, happened, expected } of wrong) {
    console.log(`  ${rule} with ${reading}: ${happened}, not ${expected}`);
  }
}
