/** Redis in the memory of this process, for machines without one, behind the same interface as the real server. */
import { runCommand } from "./redis-memory/commands.ts";
import { Store } from "./redis-memory/store.ts";
import type { CommandLine, Outcome, Redis } from "./redis.ts";
import { RedisUnreachable, type Reply } from "./redis-reply.ts";

/** An empty store of its own. `stop` makes it refuse commands; its data is there again after `start`. */
export function startRedisStandIn(): Redis {
  const store = new Store();
  let isRunning = true;
  const run = (line: CommandLine): Reply => runCommand(store, line, Date.now());
  const requireRunning = () => {
    if (!isRunning) throw new RedisUnreachable();
  };
  return {
    kind: "stand-in",
    get isRunning() {
      return isRunning;
    },
    async command(line) {
      requireRunning();
      return run(line);
    },
    async transaction(lines) {
      requireRunning();
      return lines.map((line): Outcome => {
        try {
          return run(line);
        } catch (error) {
          return error instanceof Error ? error : new Error(String(error));
        }
      });
    },
    async start() {
      isRunning = true;
    },
    async stop() {
      isRunning = false;
    },
    async [Symbol.asyncDispose]() {
      isRunning = false;
    },
  };
}
