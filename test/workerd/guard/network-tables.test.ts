/** What guards do while a table does not come, or is not what it says: from the location's cache, and from the object. */
import { describe, it, vi } from "vitest";
import { locationCache, MATCH_TABLE_DEADLINE_MS } from "../../../src/guard/policy-cache.ts";
import { FRESH_MS_MAX, type PolicyReader } from "../../../src/guard/snapshots.ts";
import { networksBlobOf } from "../../../src/policy/blobs.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { anEntry } from "../../support/policy.ts";
import { atTime, HOUR_MS, site } from "./listed.ts";

describe("the location's copy of a table", () => {
  it("is asked before the object is", async ({ expect }) => {
    const { name, policy, put, snapshots } = site();
    await put("attackers", "192.0.2.7");
    let asked = 0;
    const counting: PolicyReader = {
      read: (since) => policy.read(since),
      blob: (sha256) => {
        asked += 1;
        return policy.blob(sha256);
      },
    };
    for (const _ of [1, 2]) {
      const isolate = snapshots(counting, locationCache(name));
      expect((await isolate.current())?.loaded.isWhole).toBe(true);
      await isolate.idle();
    }
    expect(asked).toBe(1);
  });

  it.for([
    ["garbage", () => new Uint8Array(400).fill(7).buffer],
    ["nothing", () => new ArrayBuffer(0)],
    ["a part of it", (whole: ArrayBuffer) => whole.slice(0, -4)],
    ["another word in it", (whole: ArrayBuffer) => withAnotherWord(whole)],
  ] as const)("is passed over when it is %s", async ([, damage], { expect }) => {
    const { name, policy, put, snapshots, tableName } = site();
    await put("attackers", "192.0.2.7");
    const sha256 = await tableName();
    const whole = await policy.blob(sha256);
    if (whole === null) throw new Error("no table");
    const cache = locationCache(name);
    await cache.putTable(sha256, damage(copyOf(whole)));
    const isolate = snapshots(policy, cache);
    expect((await isolate.current())?.loaded.isWhole).toBe(true);
    expect(isolate.refusals).toHaveLength(1);
    await isolate.idle();
    expect((await cache.matchTable(sha256))?.byteLength).toBe(whole.byteLength);
  });
});

it("is taken from the object while the location's cache hangs", async ({ expect }) => {
  const { policy, put, snapshots } = site();
  await put("attackers", "192.0.2.7");
  const never = () => new Promise<never>(() => undefined);
  const hanging = Object.assign(Object.create(caches.default), { match: never, put: never });
  const isolate = snapshots(
    policy,
    locationCache("", () => hanging),
  );
  await isolate.current();
  await vi.waitFor(async () => expect((await isolate.current())?.loaded.isWhole).toBe(true), {
    timeout: MATCH_TABLE_DEADLINE_MS + 2_000,
  });
  expect(isolate.refusals).toEqual([]);
});

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function withAnotherWord(whole: ArrayBuffer): ArrayBuffer {
  const copy = whole.slice(0);
  const words = new Uint32Array(copy);
  words[words.length - 1] = (words[words.length - 1] ?? 0) ^ 1;
  return copy;
}

type Answer = (sha256: string, real: () => Promise<Uint8Array | null>) => Promise<unknown>;

const BROKEN: readonly (readonly [string, Answer])[] = [
  ["is not there", async () => null],
  ["cannot be reached", () => Promise.reject(new Error("down"))],
  ["does not know the method, being older", () => Promise.reject(new TypeError("no such method"))],
  ["answers garbage", async () => "<!doctype html>"],
  ["answers a part", async (_, real) => (await real())?.slice(0, -4)],
  ["answers another table", async (_, real) => (await real())?.map((byte) => byte ^ 1)],
];

describe("while the object's table", () => {
  /** An object whose table answers are the test's, until it is mended. */
  const broken = async (answer: Answer) => {
    const one = site();
    await one.put("attackers", "192.0.2.7");
    let isMended = false;
    const reader: PolicyReader = {
      read: (since) => one.policy.read(since),
      blob: (sha256) =>
        isMended ? one.policy.blob(sha256) : answer(sha256, () => one.policy.blob(sha256)),
    };
    return { ...one, reader, mend: () => void (isMended = true) };
  };
  const inMaintenance = () => anEntry({ expiresAtMs: Date.now() + HOUR_MS });

  it.for(BROKEN)(
    "%s, a fresh isolate enforces all else, and the list once it is mended",
    async ([, answer], { expect }) => {
      const later = atTime();
      const { policy, reader, mend, snapshots } = await broken(answer);
      await policy.put(inMaintenance());
      const isolate = snapshots(reader);
      const first = await isolate.current();
      expect(first?.loaded.isWhole).toBe(false);
      expect(first?.loaded.entries["maintenance"]).toHaveLength(1);
      expect(first?.loaded.entries["block-networks"]).toEqual([]);
      expect(first?.loaded.unknownEntries).toBe(1);
      expect(isolate.refusals).not.toEqual([]);
      mend();
      later(2_000);
      const then = await isolate.current();
      expect(then?.loaded.isWhole).toBe(true);
      expect(then?.loaded.unknownEntries).toBe(0);
    },
  );

  it.for(BROKEN)(
    "%s, a warm isolate keeps the last whole policy while that may be decided on, and then only the table of it",
    async ([, answer], { expect }) => {
      const later = atTime();
      const { policy, put, mend, snapshots, reader, tableName } = await broken(answer);
      mend();
      let blob = (sha256: string): Promise<unknown> => policy.blob(sha256);
      const isolate = snapshots({
        read: (since) => reader.read(since),
        blob: (sha256) => blob(sha256),
      });
      const whole = await isolate.current();
      const table = await tableName();
      expect(whole?.loaded.listed?.sha256).toBe(table);

      blob = (sha256) => answer(sha256, () => policy.blob(sha256));
      await put("attackers", "192.0.2.8");
      await put("more", "192.0.2.9");
      await policy.put(inMaintenance());
      later(4_100);
      await isolate.current();
      await isolate.idle();
      const kept = await isolate.current();
      expect(kept?.loaded).toBe(whole?.loaded);

      later(FRESH_MS_MAX + 1);
      // The list that was in it is enforced as it was; the one that was not is left alone, and counted.
      expect(await isolate.current()).toMatchObject({
        loaded: {
          entries: {
            maintenance: [{ kind: "maintenance" }],
            "block-networks": [{ entry: { id: "list_attackers" } }],
          },
          listed: { sha256: table },
          isWhole: false,
          unknownEntries: 1,
        },
      });

      blob = (sha256) => policy.blob(sha256);
      later(FRESH_MS_MAX + 60_000);
      expect(await isolate.current()).toMatchObject({
        loaded: { listed: { sha256: await tableName() }, isWhole: true },
      });
    },
  );

  it("hangs, no request waits longer than for the policy, and none is decided on half of both", async ({
    expect,
  }) => {
    const later = atTime();
    const { policy, put, snapshots, reader } = await broken(async () => null);
    const arrived = Promise.withResolvers<Uint8Array | null>();
    let blob = (sha256: string): Promise<unknown> => policy.blob(sha256);
    const isolate = snapshots({
      read: (since) => reader.read(since),
      blob: (sha256) => blob(sha256),
    });
    const whole = await isolate.current();
    blob = () => arrived.promise;
    await put("attackers", "192.0.2.8");
    const { policy: next } = await policy.read(null);
    later(4_100);
    const seen = [];
    for (let n = 0; n < 5; n += 1) seen.push((await isolate.current())?.loaded);
    expect(new Set(seen)).toEqual(new Set([whole?.loaded]));
    const named = next === null ? null : networksBlobOf(next);
    arrived.resolve(await policy.blob(named?.sha256 ?? ""));
    await isolate.idle();
    const after = await isolate.current();
    expect(after?.loaded.policy.seq).toEqual(next?.seq);
    expect(after?.loaded.isWhole).toBe(true);
  });

  it("with the list that allows is missing, nobody is blocked for want of it", async ({
    expect,
  }) => {
    const { policy, put, reader, isolate } = await broken(async () => null);
    await put("friends", "192.0.2.0/24", "action=allow&reason=a&for=1h");
    const match = { networks: ["192.0.2.9", "203.0.113.7"] };
    await policy.put(anEntry({ kind: "block-networks", match, expiresAtMs: Date.now() + HOUR_MS }));
    const statusFor = isolate(reader);
    expect([await statusFor("192.0.2.9"), await statusFor("203.0.113.7")]).toEqual([200, 200]);
    const sound = isolate();
    expect([await sound("192.0.2.9"), await sound("203.0.113.7")]).toEqual([200, 403]);
  });

  it("with a list that would allow is missing, it costs nothing until a lease has it allow", async ({
    expect,
  }) => {
    const { policy, put, reader, isolate } = await broken(async () => null);
    await put("friends", "192.0.2.0/24", "action=allow&mode=shadow&reason=a&for=2h");
    const ends = { expiresAtMs: Date.now() + HOUR_MS };
    const match = { networks: ["192.0.2.9"] };
    await policy.put(anEntry({ id: "lse_block", kind: "block-networks", match, ...ends }));
    expect(await isolate(reader)("192.0.2.9")).toBe(403);
    const named = { kind: "allow-networks", match: { list: "friends" } };
    await policy.put(anEntry({ id: "lse_allow", ...named, ...ends }));
    expect([await isolate(reader)("192.0.2.9"), await isolate()("192.0.2.9")]).toEqual([200, 200]);
  });
});

it("leaves alone what a later version says of its tables", async ({ expect }) => {
  const { policy, put, snapshots } = site();
  await put("attackers", "192.0.2.7");
  const later: PolicyReader = {
    async read() {
      const { seq, policy: now } = await policy.read(null);
      const odd: Policy | null =
        now === null ? null : { ...now, blobs: { networks: { parts: [] } } };
      return { seq, policy: odd };
    },
    blob: async () => null,
  };
  const held = await snapshots(later).current();
  expect(held?.loaded.unknownEntries).toBe(1);
  expect(held?.loaded.clients).toBeNull();
});
