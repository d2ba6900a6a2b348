/** The commands that the in-memory Redis knows: how many arguments each takes, and what it does. */
import type { Reply } from "../redis-reply.ts";
import { hashCommands } from "./hashes.ts";
import { keyCommands } from "./keys.ts";
import { listCommands } from "./lists.ts";
import { setCommands } from "./sets.ts";
import { RedisError, type Store } from "./store.ts";
import { stringCommands } from "./strings.ts";

/** `args` has between `min` and `max` entries. */
export type Command = {
  readonly min: number;
  readonly max: number;
  readonly run: (store: Store, args: readonly string[]) => Reply;
};
export type Commands = Readonly<Record<string, Command>>;

const COMMANDS = new Map(
  Object.entries({
    ...keyCommands,
    ...stringCommands,
    ...listCommands,
    ...hashCommands,
    ...setCommands,
  }),
);

/** Runs one command at a time. @throws {RedisError} what Redis would answer, also for what is not known here. */
export function runCommand(
  store: Store,
  [name, ...args]: readonly [string, ...string[]],
  nowMs: number,
): Reply {
  const command = COMMANDS.get(name.toUpperCase());
  if (command === undefined) {
    throw new RedisError(`ERR unknown command '${name}' (the in-memory stand-in has few)`);
  }
  if (args.length < command.min || args.length > command.max) {
    throw new RedisError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
  }
  store.nowMs = nowMs;
  return command.run(store, args);
}
