/** Commands on sets. */
import type { Commands } from "./commands.ts";
import type { Store } from "./store.ts";

export const setCommands: Commands = {
  SADD: {
    min: 2,
    max: Infinity,
    run: (store, [key = "", ...added]) => {
      const { members } = store.findOrPut(key, "set", { kind: "set", members: new Set() });
      const before = members.size;
      for (const member of added) members.add(member);
      return members.size - before;
    },
  },
  SREM: {
    min: 2,
    max: Infinity,
    run: (store, [key = "", ...removed]) => {
      const members = membersOf(store, key);
      if (members === undefined) return 0;
      const count = removed.filter((member) => members.delete(member)).length;
      store.dropIfEmpty(key, members.size);
      return count;
    },
  },
  SMEMBERS: { min: 1, max: 1, run: (store, [key = ""]) => [...(membersOf(store, key) ?? [])] },
  SCARD: { min: 1, max: 1, run: (store, [key = ""]) => membersOf(store, key)?.size ?? 0 },
  SISMEMBER: {
    min: 2,
    max: 2,
    run: (store, [key = "", member = ""]) => (membersOf(store, key)?.has(member) === true ? 1 : 0),
  },
};

const membersOf = (store: Store, key: string) => store.find(key, "set")?.members;
