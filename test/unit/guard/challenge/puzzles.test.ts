import { createHash } from "node:crypto";
import fc from "fast-check";
import { it } from "vitest";
import { SOLVER } from "../../../../src/guard/challenge/page-script.ts";
import { areSolved, PUZZLES, type Work } from "../../../../src/guard/challenge/puzzles.ts";
import { blockOf, solutionsOf, zeroBits } from "../../../support/solve.ts";

/** Another hand's. */
const sha256 = (block: Uint8Array): Uint8Array => createHash("sha256").update(block).digest();
const WORK: Work = { difficulty: 8, n: PUZZLES };
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** What the page's solver finds: the text that browsers run, run here. */
async function solvedByPage(seed: Uint8Array, work: Work): Promise<readonly number[]> {
  const view = new DataView(seed.buffer, seed.byteOffset);
  const words = Array.from({ length: 8 }, (_, index) => view.getInt32(index * 4));
  // oxlint-disable-next-line typescript/no-implied-eval -- it is text because browsers are sent text
  const solve: unknown = new Function(`${SOLVER}; return solve`)();
  if (typeof solve !== "function") throw new Error("the solver defines solve");
  return new Promise((resolve) => {
    const say = (said: { readonly counters?: readonly number[] }) => {
      if (said.counters !== undefined) resolve(said.counters);
    };
    Reflect.apply(solve, undefined, [{ seed: words, ...work, sliceMs: 5 }, say]);
  });
}

it("finds in the page what an independent SHA-256 finds, and both are accepted", async ({
  expect,
}) => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.integer({ min: 1, max: 9 }), async (seed, difficulty) => {
      const work = { difficulty, n: 4 };
      const found = await solvedByPage(seed, work);
      expect(found).toEqual(solutionsOf(seed, work, sha256));
      expect(areSolved(seed, work, found)).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it("accepts exactly the hashes that begin with enough zeros", ({ expect }) => {
  const counters = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(seeds, counters, fc.integer({ min: 1, max: 32 }), (seed, counter, difficulty) => {
      const isEnough = zeroBits(sha256(blockOf(seed, 0, counter))) >= difficulty;
      expect(areSolved(seed, { difficulty, n: 1 }, [counter])).toBe(isEnough);
    }),
  );
});

const seed = new Uint8Array(32).fill(7);
const right = solutionsOf(seed, WORK);

it.for([
  ["too few", right.slice(1)],
  ["too many", [...right, 0]],
  ["none", []],
  ["in another order", right.toReversed()],
  ["one that is no whole number", [0.5, ...right.slice(1)]],
  ["one that is negative", [-1, ...right.slice(1)]],
  ["one beyond 32 bits", [(right[0] ?? 0) + 2 ** 32, ...right.slice(1)]],
  ["one that is no number", [Number.NaN, ...right.slice(1)]],
] as const)("refuses solutions: %s", ([, counters], { expect }) => {
  expect(areSolved(seed, WORK, right)).toBe(true);
  expect(areSolved(seed, WORK, counters)).toBe(false);
});

it("refuses them for another seed, and for more difficult puzzles", ({ expect }) => {
  expect(areSolved(new Uint8Array(32).fill(8), WORK, right)).toBe(false);
  expect(areSolved(seed.subarray(1), WORK, right)).toBe(false);
  expect(areSolved(seed, { ...WORK, difficulty: 16 }, right)).toBe(false);
});
