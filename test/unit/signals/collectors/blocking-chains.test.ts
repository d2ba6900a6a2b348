import fc from "fast-check";
import { describe, it } from "vitest";
import { headsOf } from "../../../../src/signals/collectors/postgres-blocking-chains.ts";

describe("headsOf", () => {
  it.for([
    ["nobody waits", {}, []],
    ["a row of waiters", { 2: [1], 3: [2], 4: [3] }, [{ pid: 1, waiting: 3 }]],
    ["a crowd", { 2: [1], 3: [1], 4: [1] }, [{ pid: 1, waiting: 3 }]],
    [
      "two heads, one with a longer tail",
      { 3: [1], 4: [2], 5: [4] },
      [
        { pid: 2, waiting: 2 },
        { pid: 1, waiting: 1 },
      ],
    ],
    [
      "one that waits for two",
      { 3: [1, 2] },
      [
        { pid: 1, waiting: 1 },
        { pid: 2, waiting: 1 },
      ],
    ],
    ["a prepared transaction", { 5: [0] }, [{ pid: 0, waiting: 1 }]],
    ["a circle", { 1: [2], 2: [1] }, []],
    ["a circle behind a head", { 1: [2], 2: [1, 9] }, [{ pid: 9, waiting: 2 }]],
  ] as const)("%s", ([, waits, heads], { expect }) => {
    const blockedBy = Object.entries(waits).map(([pid, by]) => [Number(pid), by] as const);
    expect(headsOf(new Map(blockedBy))).toEqual(heads);
  });

  it("never names one that waits, and ends on any graph", ({ expect }) => {
    const pid = fc.integer({ min: 0, max: 12 });
    const graph = fc.array(fc.tuple(pid, fc.array(pid, { minLength: 1, maxLength: 4 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(graph, (edges) => {
        const blockedBy = new Map(edges);
        for (const head of headsOf(blockedBy)) expect(blockedBy.has(head.pid)).toBe(false);
      }),
    );
  });
});
