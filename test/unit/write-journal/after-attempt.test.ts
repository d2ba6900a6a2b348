import { it } from "vitest";
import { afterAttempt, ATTEMPTS_MAX, dueAfter } from "../../../src/write-journal/after-attempt.ts";

const NOW_MS = 1_000_000;
const at = (attempts: number) => ({ attempts, dueAtMs: NOW_MS + 1 });

it.for([
  ["production is unwell", "retry", 1, "again"],
  ["nobody knows what became of it", "unknown_outcome", 1, "again"],
  ["production refuses it", "refuse", 1, "dead"],
  ["production is unwell, one attempt before the last", "retry", ATTEMPTS_MAX - 1, "again"],
  ["production is unwell, at last", "retry", ATTEMPTS_MAX, "dead"],
] as const)("%s", ([, failure, attempts, step], { expect }) => {
  expect(afterAttempt({ class: failure, detail: "" }, at(attempts)).step).toBe(step);
});

it("waits longer each time, and gives up after a quarter of an hour to an hour", ({ expect }) => {
  const waits = (jitter: number) =>
    Array.from({ length: ATTEMPTS_MAX - 1 }, (_, n) => dueAfter(n + 1, NOW_MS, jitter) - NOW_MS);
  for (const jitter of [0, 1]) {
    const all = waits(jitter);
    expect(all).toEqual(all.toSorted((a, b) => a - b));
    const minutes = all.reduce((sum, wait) => sum + wait, 0) / 60_000;
    expect(minutes).toBeGreaterThan(10);
    expect(minutes).toBeLessThan(60);
  }
});
