/** Commands on hashes. */
import type { Commands } from "./commands.ts";
import { integer, RedisError, type Store } from "./store.ts";

export const hashCommands: Commands = {
  HSET: { min: 3, max: Infinity, run: (store, [key = "", ...pairs]) => set(store, key, pairs) },
  HGET: {
    min: 2,
    max: 2,
    run: (store, [key = "", field = ""]) => fieldsOf(store, key)?.get(field) ?? null,
  },
  HMGET: {
    min: 2,
    max: Infinity,
    run: (store, [key = "", ...fields]) =>
      fields.map((field) => fieldsOf(store, key)?.get(field) ?? null),
  },
  HGETALL: { min: 1, max: 1, run: (store, [key = ""]) => [...(fieldsOf(store, key) ?? [])].flat() },
  HLEN: { min: 1, max: 1, run: (store, [key = ""]) => fieldsOf(store, key)?.size ?? 0 },
  HDEL: {
    min: 2,
    max: Infinity,
    run: (store, [key = "", ...fields]) => {
      const stored = fieldsOf(store, key);
      if (stored === undefined) return 0;
      const deleted = fields.filter((field) => stored.delete(field)).length;
      store.dropIfEmpty(key, stored.size);
      return deleted;
    },
  },
  HINCRBY: {
    min: 3,
    max: 3,
    run: (store, [key = "", field = "", amount = ""]) => {
      const value = integer(fieldsOf(store, key)?.get(field) ?? "0") + integer(amount);
      set(store, key, [field, String(value)]);
      return value;
    },
  },
};

const fieldsOf = (store: Store, key: string) => store.find(key, "hash")?.fields;

/** How many fields are new. */
function set(store: Store, key: string, pairs: readonly string[]): number {
  if (pairs.length % 2 !== 0) {
    throw new RedisError("ERR wrong number of arguments for 'hset' command");
  }
  const { fields } = store.findOrPut(key, "hash", { kind: "hash", fields: new Map() });
  const before = fields.size;
  for (let at = 0; at < pairs.length; at += 2) fields.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return fields.size - before;
}
