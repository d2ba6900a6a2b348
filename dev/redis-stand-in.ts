/** Redis in memory, for machines without one: `ioredis-mock` behind the same interface as the real server. */
import { randomUUID } from "node:crypto";
import RedisMock from "ioredis-mock";
import { toReply, type Reply } from "./redis-reply.ts";
import type { CommandLine, Outcome, Redis } from "./redis.ts";

/** An empty store of its own. `stop` makes it refuse commands, and its data is there again after `start`. */
export function startRedisStandIn(): Redis {
  // Instances share their data by host name.
  const client = new RedisMock({ host: randomUUID() });
  let isRunning = true;

  const run = async ([name, ...args]: CommandLine): Promise<Reply> => {
    if (!isRunning) throw new Error("Connection is closed.");
    const method: unknown = Reflect.get(client, `${name.toLowerCase()}Buffer`);
    if (typeof method !== "function") {
      throw new Error(`ERR unknown command '${name}', as far as the in-memory stand-in knows`);
    }
    const reply: unknown = await Reflect.apply(method, client, args);
    return toReply(reply);
  };

  return {
    kind: "stand-in",
    get isRunning() {
      return isRunning;
    },
    command: run,
    /** One after the other: nothing else runs in between, because the store answers in the same turn. */
    transaction: async (lines) => {
      const outcomes: Outcome[] = [];
      for (const line of lines) outcomes.push(await run(line).catch(toError));
      return outcomes;
    },
    async start() {
      isRunning = true;
    },
    async stop() {
      isRunning = false;
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
    },
  };
}

const toError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
