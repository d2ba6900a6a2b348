/** Commands on lists. */
import type { Command, Commands } from "./commands.ts";
import { integer, RedisError, type Store } from "./store.ts";

type End = "LEFT" | "RIGHT";

const push = (end: End): Command => ({
  min: 2,
  max: Infinity,
  run: (store, [key = "", ...items]) => {
    for (const item of items) pushOne(store, key, end, item);
    return store.find(key, "list")?.items.length ?? 0;
  },
});

const pop = (end: End): Command => ({
  min: 1,
  max: 2,
  run: (store, [key = "", count]) => {
    if (count === undefined) return popOne(store, key, end);
    if (store.find(key, "list") === undefined) return null;
    const popped: string[] = [];
    for (let left = integer(count); left > 0; left -= 1) {
      const item = popOne(store, key, end);
      if (item === null) break;
      popped.push(item);
    }
    return popped;
  },
});

export const listCommands: Commands = {
  LPUSH: push("LEFT"),
  RPUSH: push("RIGHT"),
  LPOP: pop("LEFT"),
  RPOP: pop("RIGHT"),
  LLEN: { min: 1, max: 1, run: (store, [key = ""]) => itemsOf(store, key).length },
  LRANGE: {
    min: 3,
    max: 3,
    run: (store, [key = "", from = "", to = ""]) => {
      const items = itemsOf(store, key);
      const last = integer(to);
      return items.slice(integer(from), last === -1 ? undefined : last + 1);
    },
  },
  LREM: { min: 3, max: 3, run: remove },
  LMOVE: {
    min: 4,
    max: 4,
    run: (store, [from = "", to = "", source = "", target = ""]) =>
      move(store, [from, endOf(source)], [to, endOf(target)]),
  },
  RPOPLPUSH: {
    min: 2,
    max: 2,
    run: (store, [from = "", to = ""]) => move(store, [from, "RIGHT"], [to, "LEFT"]),
  },
};

const itemsOf = (store: Store, key: string): readonly string[] =>
  store.find(key, "list")?.items ?? [];

function endOf(text: string): End {
  const end = text.toUpperCase();
  if (end !== "LEFT" && end !== "RIGHT") throw new RedisError("ERR syntax error");
  return end;
}

function pushOne(store: Store, key: string, end: End, item: string): void {
  const { items } = store.findOrPut(key, "list", { kind: "list", items: [] });
  if (end === "LEFT") items.unshift(item);
  else items.push(item);
}

function popOne(store: Store, key: string, end: End): string | null {
  const list = store.find(key, "list");
  if (list === undefined) return null;
  const item = end === "LEFT" ? list.items.shift() : list.items.pop();
  store.dropIfEmpty(key, list.items.length);
  return item ?? null;
}

function move(
  store: Store,
  [from, source]: readonly [string, End],
  [to, target]: readonly [string, End],
): string | null {
  store.find(to, "list"); // Of another kind, nothing may be taken.
  const item = popOne(store, from, source);
  if (item !== null) pushOne(store, to, target, item);
  return item;
}

/** Takes away `count` equal items from the head, or from the tail when negative, or all when 0. */
function remove(store: Store, [key = "", count = "", item = ""]: readonly string[]): number {
  const list = store.find(key, "list");
  if (list === undefined) return 0;
  const wanted = integer(count);
  const limit = wanted === 0 ? Infinity : Math.abs(wanted);
  let removed = 0;
  while (removed < limit) {
    const at = wanted < 0 ? list.items.lastIndexOf(item) : list.items.indexOf(item);
    if (at === -1) break;
    list.items.splice(at, 1);
    removed += 1;
  }
  store.dropIfEmpty(key, list.items.length);
  return removed;
}
