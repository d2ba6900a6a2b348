/** `npm run playbooks`: each playbook on its timelines, on a virtual clock. With `--show`, what happened in every one. */
import { playbookIds, runTimelines, type TimelineResult } from "./playbooks/run.ts";

const isShown = process.argv.includes("--show");
let failed = 0;
for (const { id, isTested } of playbookIds()) {
  if (!isTested) {
    console.error(`${id}: there is no playbooks/${id}.test.yaml`);
    failed += 1;
    continue;
  }
  for (const result of runTimelines(id)) report(id, result);
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
