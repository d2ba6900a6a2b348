/** Commands on strings, which are also counters. */
import type { Command, Commands } from "./commands.ts";
import { integer, RedisError, type Store } from "./store.ts";

const add = (sign: 1 | -1, hasAmount: boolean): Command => ({
  min: hasAmount ? 2 : 1,
  max: hasAmount ? 2 : 1,
  run: (store, [key = "", amount = "1"]) => {
    const counter = store.findOrPut(key, "string", { kind: "string", text: "0" });
    const value = integer(counter.text) + sign * integer(amount);
    counter.text = String(value);
    return value;
  },
});

export const stringCommands: Commands = {
  GET: { min: 1, max: 1, run: (store, [key = ""]) => get(store, key) },
  GETDEL: {
    min: 1,
    max: 1,
    run: (store, [key = ""]) => {
      const text = get(store, key);
      store.delete(key);
      return text;
    },
  },
  MGET: {
    min: 1,
    max: Infinity,
    // Another kind is no error here, only nothing.
    run: (store, keys) =>
      keys.map((key) => (store.kindOf(key) === "string" ? get(store, key) : null)),
  },
  SET: { min: 2, max: 6, run: set },
  SETNX: {
    min: 2,
    max: 2,
    run: (store, [key = "", text = ""]) => (set(store, [key, text, "NX"]) === null ? 0 : 1),
  },
  SETEX: {
    min: 3,
    max: 3,
    run: (store, [key = "", seconds = "", text = ""]) => set(store, [key, text, "EX", seconds]),
  },
  STRLEN: {
    min: 1,
    max: 1,
    run: (store, [key = ""]) => Buffer.byteLength(get(store, key) ?? ""),
  },
  INCR: add(1, false),
  INCRBY: add(1, true),
  DECR: add(-1, false),
  DECRBY: add(-1, true),
};

const get = (store: Store, key: string): string | null => store.find(key, "string")?.text ?? null;

function set(store: Store, [key = "", text = "", ...options]: readonly string[]): string | null {
  const { isWanted, expiresAtMs, answersOld } = setOptions(store, key, options);
  const old = answersOld ? get(store, key) : null;
  if (isWanted) store.put(key, { kind: "string", text }, expiresAtMs);
  if (answersOld) return old;
  return isWanted ? "OK" : null;
}

type SetOptions = { isWanted: boolean; expiresAtMs: number | null; answersOld: boolean };

function setOptions(store: Store, key: string, options: readonly string[]): SetOptions {
  const exists = store.kindOf(key) !== undefined;
  const result: SetOptions = { isWanted: true, expiresAtMs: null, answersOld: false };
  const rest = options.values();
  const timeMs = (unitMs: number): number => {
    const time = integer(rest.next().value ?? "") * unitMs;
    if (time <= 0) throw new RedisError("ERR invalid expire time in 'set' command");
    return time;
  };
  for (const option of rest) {
    switch (option.toUpperCase()) {
      case "NX":
        result.isWanted &&= !exists;
        break;
      case "XX":
        result.isWanted &&= exists;
        break;
      case "EX":
        result.expiresAtMs = store.nowMs + timeMs(1_000);
        break;
      case "PX":
        result.expiresAtMs = store.nowMs + timeMs(1);
        break;
      case "EXAT":
        result.expiresAtMs = timeMs(1_000);
        break;
      case "PXAT":
        result.expiresAtMs = timeMs(1);
        break;
      case "KEEPTTL":
        result.expiresAtMs = store.expiresAtMs(key) ?? null;
        break;
      case "GET":
        result.answersOld = true;
        break;
      default:
        throw new RedisError("ERR syntax error");
    }
  }
  return result;
}
