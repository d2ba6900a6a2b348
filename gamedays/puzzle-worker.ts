/** Works on challenges' puzzles in a thread of its own, one after the other, as a browser does; whoever asks goes on meanwhile. */
import { hash } from "node:crypto";
import { parentPort } from "node:worker_threads";

export type Puzzle = {
  readonly id: number;
  readonly seed: Uint8Array;
  readonly n: number;
  readonly difficulty: number;
};
export type Solved = { readonly id: number; readonly solutions: readonly number[] };

if (parentPort === null) throw new Error("puzzles are worked on in a thread of their own");
const asker = parentPort;
asker.on("message", (puzzle: Puzzle) => {
  const solutions = Array.from({ length: puzzle.n }, (_, index) => solve(puzzle, index));
  asker.postMessage({ id: puzzle.id, solutions } satisfies Solved);
});

const HEX_OF_32_BITS = 8;

/** The first number whose hash begins with enough zero bits. */
function solve({ seed, difficulty }: Puzzle, index: number): number {
  const block = Buffer.alloc(seed.length + 8);
  block.set(seed);
  block.writeUInt32BE(index, seed.length);
  for (let counter = 0; ; counter += 1) {
    block.writeUInt32BE(counter, seed.length + 4);
    // As text: a buffer for each hash costs four times the hash itself.
    const start = Number.parseInt(hash("sha256", block, "hex").slice(0, HEX_OF_32_BITS), 16);
    if (Math.clz32(start) >= difficulty) return counter;
  }
}
