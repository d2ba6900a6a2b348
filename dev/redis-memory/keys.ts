/** Commands on keys of any kind, and on the server. */
import type { Command, Commands } from "./commands.ts";
import { integer, type Store } from "./store.ts";

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

function clear(store: Store): string {
  store.clear();
  return "OK";
}

const persist = (store: Store, key: string): boolean =>
  typeof store.expiresAtMs(key) === "number" && store.expireAt(key, null);
