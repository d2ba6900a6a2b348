/** Meets the guard's challenge as a browser does: fetches a puzzle, works on it beside everything else, and keeps the cookie for it. */
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { Puzzle, Solved } from "./puzzle-worker.ts";

const TIMEOUT_MS = 10_000;
/** Who has waited for so long goes elsewhere. */
const PATIENCE_MS = 20_000;

const puzzle = z.object({
  challenge: z.string(),
  seed: z.base64url(),
  difficulty: z.int(),
  n: z.int(),
  redeem: z.string(),
});

export type Payer = AsyncDisposable & {
  /** The cookie of who has met this challenge; null when that did not work. `headers` say who it is. */
  readonly pay: (
    site: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ) => Promise<string | null>;
};

/** The difficulty of the challenge that this answer of the guard is, as its page or its problem says it; null for any other. */
export function challengeIn(body: string): number | null {
  if (!body.includes("/_firebreak/challenge/")) return null;
  const found =
    / data-difficulty="(\d+)"/.exec(body) ?? /\/challenge\/puzzle\?difficulty=(\d+)/.exec(body);
  return found === null ? null : Number(found[1]);
}

/** Whether this is the body of an answer that asks for work. */
export const isChallenge = (body: string): boolean => challengeIn(body) !== null;

/** Starts the thread that works. Disposing ends it; who still waits has not met the challenge. */
export function startPayer(): Payer {
  const worker = new Worker(new URL("puzzle-worker.ts", import.meta.url));
  const waiting = new Map<number, (solutions: readonly number[] | null) => void>();
  let asked = 0;
  worker.on("message", ({ id, solutions }: Solved) => {
    waiting.get(id)?.(solutions);
    waiting.delete(id);
  });

  const solve = (work: Omit<Puzzle, "id">): Promise<readonly number[] | null> =>
    new Promise((resolve) => {
      asked += 1;
      const id = asked;
      waiting.set(id, resolve);
      setTimeout(() => resolve(null), PATIENCE_MS).unref();
      worker.postMessage({ id, ...work } satisfies Puzzle);
    });

  return {
    async pay(site, body, headers) {
      const ask = { headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
      const path = `/_firebreak/challenge/puzzle?difficulty=${challengeIn(body)}`;
      const put = puzzle.parse(await (await fetch(`${site}${path}`, ask)).json());
      const { challenge, n, difficulty, redeem } = put;
      const seed = Uint8Array.from(Buffer.from(put.seed, "base64url"));
      const solutions = await solve({ seed, n, difficulty });
      if (solutions === null) return null;
      const response = await fetch(`${site}${redeem}`, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify({ challenge, way: "work", solutions }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      return response.headers.get("set-cookie")?.split(";")[0] ?? null;
    },
    async [Symbol.asyncDispose]() {
      for (const resolve of waiting.values()) resolve(null);
      await worker.terminate();
    },
  };
}
