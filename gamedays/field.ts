/** The stack that a gameday takes place on: one of its own, or one that runs already. */
import { z } from "zod";
import { startStack, type StackInfo } from "../dev/stack.ts";
import type { WorkerLog } from "../dev/workers.ts";
import type { Deployment } from "./gameday.ts";

const REQUEST_TIMEOUT_MS = 5_000;
const ERRORS_TOLD_MAX = 20;

const stackInfo = z.object({
  guard: z.url(),
  storefront: z.url(),
  status: z.url(),
  token: z.object({ viewer: z.string(), responder: z.string(), admin: z.string() }),
  postgres: z.string(),
  replica: z.string(),
  redis: z.string(),
  vendors: z.url(),
});

export type Ground = AsyncDisposable & {
  readonly stack: StackInfo;
  readonly deployment: Deployment;
};

/** Starts a stack; disposing it takes it down. */
export async function ownStack(options: {
  readonly split: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<Ground> {
  const stack = await startStack({
    split: options.split,
    signal: options.signal,
    progress: options.say,
    warn: (line) => options.say(`warning: ${line}`),
    onLog: errorsOnce(options.say),
  });
  return {
    stack: stack.info,
    deployment: options.split ? "split" : "all-in-one",
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** During a fault the same error comes with every request; who watches needs to read it once. */
function errorsOnce(say: (line: string) => void): (log: WorkerLog) => void {
  const told = new Set<string>();
  return ({ level, message }) => {
    if (level !== "error" || told.has(message) || told.size >= ERRORS_TOLD_MAX) return;
    told.add(message);
    say(`worker, at least once: ${message}`);
  };
}

/** A running stack, by the URL of its vendors or the JSON line that it printed when it was ready. It stays. */
export async function attachedStack(given: string): Promise<Ground> {
  const stack = stackInfo.parse(
    given.trimStart().startsWith("{") ? JSON.parse(given) : await ask(given),
  );
  return { stack, deployment: "attached", [Symbol.asyncDispose]: async () => {} };
}

async function ask(vendors: string): Promise<unknown> {
  const url = `${vendors.replace(/\/+$/, "")}/__stack`;
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (response.ok) return response.json();
  throw new Error(`${url} answered ${response.status}; attach to the stack's "vendors" URL`);
}
