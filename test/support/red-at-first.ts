/** Tells of each test that was red before it was green, with what it saw: docs/decisions/0530. */
import type { Reporter, TestCase } from "vitest/node";

const LINES_MAX = 80;

export default class RedAtFirst implements Reporter {
  #count = 0;

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky !== true) return;
    this.#count += 1;
    const saw = (test.result().errors ?? []).map(({ message }) => message).join("\n");
    console.error(`RED AT FIRST: ${test.fullName}\n${clip(saw)}\n`);
  }

  onTestRunEnd(): void {
    if (this.#count > 0) console.error(`${this.#count} tests were red at first and green at last`);
  }
}

const clip = (text: string): string => text.split("\n").slice(0, LINES_MAX).join("\n");
