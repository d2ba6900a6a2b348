/** Commands on keys of any kind, and on the server. */
import type { Reply } from "../redis-reply.ts";
import type { Command, Commands } from "./commands.ts";
import { integer, RedisError, type Store } from "./store.ts";

const expire = (unitMs: number): Command => ({
  min: 2,
  max: 2,
  run: (store, [key = "", time = ""]) =>
    store.expireAt(key, store.nowMs + integer(time) * unitMs) ? 1 : 0,
});

const timeToLive = (unitMs: number): Command => ({
  min: 1,
  max: 1,
  run: (store, [key = ""]) => {
    const atMs = store.expiresAtMs(key);
    if (atMs === undefined) return -2;
    return atMs === null ? -1 : Math.ceil((atMs - store.nowMs) / unitMs);
  },
});

export const keyCommands: Commands = {
  PING: { min: 0, max: 1, run: (_, [message = "PONG"]) => message },
  ECHO: { min: 1, max: 1, run: (_, [message = ""]) => message },
  INFO: { min: 0, max: 1, run: info },
  DBSIZE: { min: 0, max: 0, run: (store) => store.size },
  FLUSHALL: { min: 0, max: 1, run: clear },
  FLUSHDB: { min: 0, max: 1, run: clear },
  DEL: {
    min: 1,
    max: Infinity,
    run: (store, keys) => keys.filter((key) => store.delete(key)).length,
  },
  UNLINK: {
    min: 1,
    max: Infinity,
    run: (store, keys) => keys.filter((key) => store.delete(key)).length,
  },
  SCAN: { min: 1, max: 5, run: scan },
  EXISTS: {
    min: 1,
    max: Infinity,
    run: (store, keys) => keys.filter((key) => store.kindOf(key) !== undefined).length,
  },
  TYPE: { min: 1, max: 1, run: (store, [key = ""]) => store.kindOf(key) ?? "none" },
  EXPIRE: expire(1_000),
  PEXPIRE: expire(1),
  PERSIST: { min: 1, max: 1, run: (store, [key = ""]) => (persist(store, key) ? 1 : 0) },
  TTL: timeToLive(1_000),
  PTTL: timeToLive(1),
};

function info(store: Store): string {
  return [
    "# Server",
    "redis_mode:standalone",
    "# Memory",
    `used_memory:${process.memoryUsage().heapUsed}`,
    "maxmemory:0",
    "# Keyspace",
    `db0:keys=${store.size}`,
  ].join("\r\n");
}

/** How many to look at is a wish that may be exceeded: here one look is at all of them, and the cursor is at its end. */
function scan(store: Store, [cursor = "", ...options]: readonly string[]): Reply {
  if (integer(cursor) !== 0) throw new RedisError("ERR invalid cursor");
  let pattern = /^/;
  for (let at = 0; at < options.length; at += 2) {
    const name = options[at]?.toUpperCase();
    const value = options[at + 1];
    if (value === undefined) throw new RedisError("ERR syntax error");
    if (name === "MATCH") pattern = globOf(value);
    else if (name !== "COUNT" || integer(value) < 1) throw new RedisError("ERR syntax error");
  }
  return ["0", store.keys().filter((key) => pattern.test(key))];
}

/** Of Redis's patterns those that have no classes of characters. */
function globOf(pattern: string): RegExp {
  if (/(?<!\\)\[/.test(pattern)) throw new RedisError("ERR patterns with [ are not known here");
  const parts = pattern.match(/\\?[^]/g) ?? [];
  const source = parts.map((part) => {
    if (part === "*") return "[^]*";
    return part === "?"
      ? "[^]"
      : (part.length > 1 ? part.slice(1) : part).replaceAll(
          /[$()*+./?[\\\]^{|}]/g,
          String.raw`\$&`,
        );
  });
  return new RegExp(`^${source.join("")}$`);
}

function clear(store: Store): string {
  store.clear();
  return "OK";
}

const persist = (store: Store, key: string): boolean =>
  typeof store.expiresAtMs(key) === "number" && store.expireAt(key, null);
