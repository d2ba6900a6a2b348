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

/** The first number whose hash begins with enough zero bits. */
function solve({ seed, difficulty }: Puzzle, index: number): number {
  const block = Buffer.alloc(seed.length + 8);
  block.set(seed);
  block.writeUInt32BE(index, seed.length);
  for (let counter = 0; ; counter += 1) {
    block.writeUInt32BE(counter, seed.length + 4);
    const start = hash("sha256", block, "buffer").readUInt32BE(0);
    if (Math.clz32(start) >= difficulty) return counter;
  }
}
