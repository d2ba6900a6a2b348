import { describe, it } from "vitest";
import {
  FIND_DEADLINE_MS,
  KEEP_DEADLINE_MS,
  KEEPS_MAX,
  locationCopies,
  QUIET_MS,
} from "../../../src/guard/emergency-cache/copies.ts";
import type { GuardDeps } from "../../../src/guard/guard.ts";
import { at, covering, onAClock } from "./covering.ts";

it("reads a bounded number of bodies at a time, and one for each page", async ({ expect }) => {
  const startMs = onAClock();
  const puts: string[] = [];
  const ends: (() => void)[] = [];
  const cache = Object.assign(Object.create(caches.default), {
    put: (key: string) => {
      puts.push(key);
      return new Promise<void>((resolve) => void ends.push(resolve));
    },
  });
  const putsReach = async (count: number) => {
    while (puts.length < count) await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const copies = locationCopies("bounded", () => cache);
  const keep = (path: string) => {
    const scope = { entryId: "lse_1", freshMs: 1_000, isPublicRoute: true };
    return copies.keep(new Request(`https://shop.example${path}`), new Response("x"), scope);
  };
  const kept = Array.from({ length: KEEPS_MAX }, (_, n) => keep(`/${n}`));
  await putsReach(KEEPS_MAX);
  await Promise.all([keep("/0"), keep("/one-too-many")]);
  expect(puts).toHaveLength(KEEPS_MAX);

  for (const end of ends.splice(0)) end();
  await Promise.all(kept);
  const later = [keep("/0"), keep("/one-too-many")];
  await putsReach(KEEPS_MAX + 2);
  // Nobody ever says how these two ended; they do not count for ever.
  at(startMs + KEEP_DEADLINE_MS);
  later.push(keep("/0"));
  await putsReach(KEEPS_MAX + 3);
  for (const end of ends) end();
  await Promise.all(later);
});

describe("a fault of the cache serves production, once", () => {
  const broken = (): never => {
    throw new Error("the cache broke");
  };
  const keepNothing = async () => undefined;
  const spent = async () => {
    const response = new Response("spent");
    await response.text();
    return { response, keptAtMs: Date.now() };
  };
  it.for([
    ["find throws", { find: broken, keep: keepNothing }, true],
    ["find rejects", { find: async () => broken(), keep: keepNothing }, true],
    ["find gives an answer whose body is spent", { find: spent, keep: keepNothing }, true],
    ["keep throws", { find: async () => null, keep: broken }, false],
    ["keep rejects", { find: async () => null, keep: async () => broken() }, false],
    ["there is no Cache API", locationCopies("x", broken), true],
  ] satisfies [string, GuardDeps["copies"], boolean][])(
    "%s",
    async ([, copies, isCounted], { expect }) => {
      const { text, asked, faults, counted } = covering(undefined, undefined, { copies });
      expect(await text("/a")).toBe("answer 1");
      expect(asked()).toBe(1);
      expect(faults.length).toBeGreaterThan(0);
      expect(counted).toMatchObject([{ outcome: { kind: "served" }, isFault: isCounted }]);
    },
  );

  it("waits for a cache that hangs once, and then not for a while", async ({ expect }) => {
    let asks = 0;
    const hanging = Object.assign(Object.create(caches.default), {
      match: () => {
        asks += 1;
        return new Promise<never>(() => undefined);
      },
      put: async () => undefined,
    });
    const startMs = onAClock();
    const copies = locationCopies("x", () => hanging);
    const { text, asked } = covering(undefined, undefined, { copies });
    expect(await text("/a")).toBe("answer 1");
    expect(await text("/a")).toBe("answer 2");
    expect(asks).toBe(1);
    at(startMs + FIND_DEADLINE_MS + QUIET_MS);
    expect(await text("/a")).toBe("answer 3");
    expect([asks, asked()]).toEqual([2, 3]);
  });

  it("takes garbage in the cache for nothing", async ({ expect }) => {
    const garbage = Object.assign(Object.create(caches.default), {
      match: async () => new Response("<!doctype html>", { headers: { "x-firebreak-vary": "," } }),
      put: async () => undefined,
    });
    const copies = locationCopies("x", () => garbage);
    expect(await covering(undefined, undefined, { copies }).text("/a")).toBe("answer 1");
  });
});
