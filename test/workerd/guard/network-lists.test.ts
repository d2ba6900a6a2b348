/** Lists from the text that people send, through the real policy object and its table, to the answers of a real guard. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { containsCidr } from "cidr-tools";
import fc from "fast-check";
import { it, vi } from "vitest";
import { formatCidr } from "../../../src/guard/ip/cidr.ts";
import { networksBlobOf } from "../../../src/policy/blobs.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { anEntry } from "../../support/policy.ts";
import {
  addresses,
  naive,
  networkEntries,
  probesOf,
  textOf,
} from "../../unit/policy/network-oracle.ts";
import { atTime, HOUR_MS, site } from "./listed.ts";

it(
  "blocks exactly whom the lists name and none allows, as two other ways to find out have it",
  { timeout: 120_000 },
  async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(networkEntries, addresses, async (entries, more) => {
        const { put, isolate } = site();
        // No list takes a quarter of the internet: what tests need is in longer networks.
        const all = entries.filter(({ network }) => network.prefix >= 8);
        const textOfAction = (allows: boolean): string =>
          all
            .filter(({ action }) => (action === "allow") === allows)
            .map(({ network }) => formatCidr(network))
            .join("\n");
        const [allowed, blocked] = [textOfAction(true), textOfAction(false)];
        if (allowed !== "") await put("friends", allowed, "action=allow&reason=a&for=1h");
        if (blocked !== "") await put("attackers", blocked);
        const statusFor = isolate();
        const probes = probesOf(all, more);
        const inList = (text: string, address: string): boolean =>
          text !== "" && containsCidr(text.split("\n"), address);
        for (const probe of probes) {
          const address = textOf(probe);
          const [first] = naive(all, probe, 0);
          const isBlocked = first !== undefined && !first.endsWith("/allow");
          const isBlockedByLibrary = inList(blocked, address) && !inList(allowed, address);
          const status = await statusFor(address);
          expect({ address, status }).toEqual({ address, status: isBlocked ? 403 : 200 });
          expect({ address, is: isBlockedByLibrary }).toEqual({ address, is: isBlocked });
        }
      }),
      { numRuns: 30 },
    );
  },
);

it("allows before any block, however specific: lists, leases and the site's own allowlist", async ({
  expect,
}) => {
  const { put, policy, isolate } = site();
  await put("attackers", "192.0.2.7\n198.51.100.0/24");
  const lease = {
    id: "lse_block",
    kind: "block-networks",
    expiresAtMs: Date.now() + HOUR_MS,
    match: { networks: ["192.0.2.8", "203.0.113.7"] },
  };
  await policy.put(anEntry(lease));
  const before = isolate();
  expect([
    await before("192.0.2.7"),
    await before("192.0.2.8"),
    await before("198.51.100.1"),
  ]).toEqual([403, 403, 403]);
  await put("friends", "192.0.2.0/24\nAS64500", "action=allow&reason=office&for=1h");
  const after = isolate();
  expect([await after("192.0.2.7"), await after("192.0.2.8"), await after("198.51.100.1")]).toEqual(
    [200, 200, 403],
  );
  expect(await after("203.0.113.7")).toBe(403);
  expect(await after("203.0.113.7", { asn: 64_500 })).toBe(200);
});

it("blocks by operator, country and TLS hello, where Cloudflare knows them", async ({ expect }) => {
  const { put, isolate } = site();
  const ja4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
  await put("attackers", `AS64500\nT1\n${ja4}`);
  const statusFor = isolate();
  expect(await statusFor("192.0.2.7")).toBe(200);
  expect(await statusFor("192.0.2.7", { asn: 64_501, country: "DE" })).toBe(200);
  expect(await statusFor("192.0.2.7", { asn: 64_500 })).toBe(403);
  expect(await statusFor("192.0.2.7", { country: "T1" })).toBe(403);
  expect(await statusFor("192.0.2.7", { botManagement: { ja4 } })).toBe(403);
  expect(await statusFor("192.0.2.7", { botManagement: { ja4: "t13" } })).toBe(200);
});

it("only counts whom a list in shadow means", async ({ expect }) => {
  const { put, isolate, tableName } = site();
  await put("attackers", "192.0.2.7", "action=block&reason=a&for=1h&mode=shadow");
  expect(await isolate()("192.0.2.7")).toBe(200);
  const table = await tableName();
  await put("attackers", "192.0.2.7");
  expect(await isolate()("192.0.2.7")).toBe(403);
  // What is said of a list does not change its table.
  expect(await tableName()).toBe(table);
});

it("ends a network, and a list, at its millisecond in every guard, with the alarm dead", async ({
  expect,
}) => {
  const later = atTime();
  const { ask, policy, isolate } = site();
  const startMs = Date.now();
  const items = [{ network: "192.0.2.7", expiresAtMs: startMs + 61_000 }, "192.0.2.8"];
  const query = "action=block&reason=a&for=90s";
  const sent = { method: "PUT", body: items };
  expect((await ask(`/api/v1/networks/attackers?${query}`, sent)).status).toBe(200);
  const { seq } = await policy.read(null);
  const statusFor = isolate();
  const both = async () => [await statusFor("192.0.2.7"), await statusFor("192.0.2.8")];
  expect(await both()).toEqual([403, 403]);
  later(60_999);
  expect(await both()).toEqual([403, 403]);
  later(61_000);
  expect(await both()).toEqual([200, 403]);
  later(89_999);
  expect(await both()).toEqual([200, 403]);
  later(90_000);
  expect(await both()).toEqual([200, 200]);
  expect((await policy.read(null)).seq).toEqual(seq);
});

it("clears what has ended when the alarm comes, and keeps lists over an eviction", async ({
  expect,
}) => {
  const later = atTime();
  const { stub, policy, put, isolate, tableName } = site();
  await put("short", "192.0.2.7", "action=block&reason=a&for=1m");
  await put("long", "192.0.2.8");
  const before = await tableName();
  await evictDurableObject(stub);
  expect(await tableName()).toBe(before);
  expect(await isolate()("192.0.2.8")).toBe(403);
  later(60_001);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await tableName()).not.toBe(before);
  expect((await policy.lists()).map(({ id }) => id)).toEqual(["long"]);
  expect(await isolate()("192.0.2.8")).toBe(403);
});

it("keeps leases and lists apart: taking all leases back leaves the lists", async ({ expect }) => {
  const { policy, put } = site();
  await put("attackers", "192.0.2.7");
  expect(await policy.entries()).toEqual([]);
  expect(await policy.get("list_attackers")).toBeNull();
  await policy.remove("list_attackers");
  expect(await policy.lists()).toHaveLength(1);
  const forged = anEntry({ id: "list_attackers", expiresAtMs: Date.now() + HOUR_MS });
  expect(await policy.put(forged)).toMatchObject({ ok: false });
});

it(
  "is stored whole or not at all, wherever the object dies while it is written",
  { timeout: 60_000 },
  async ({ expect }) => {
    const text = (octet: number) =>
      Array.from(
        { length: 3_000 },
        (_, n) => `${octet}.0.${n >> 8}.${n & 255} # ${"x".repeat(300)}`,
      ).join("\n");
    const state = async (policy: PolicyApi) => {
      const { policy: now } = await policy.read(null);
      const blob = now === null ? null : networksBlobOf(now);
      const bytes = blob === null ? null : await policy.blob(blob.sha256);
      return {
        lists: await policy.lists(),
        first: (await policy.listParts("attackers"))?.[0]?.slice(0, 8),
        count: blob?.count,
        bytes: bytes?.byteLength === blob?.bytes,
      };
    };
    const { stub, policy, put } = site();
    await put("attackers", text(10));
    const before = await state(policy);
    expect(before).toMatchObject({ first: "10.0.0.0", count: 3_000, bytes: true });
    const seen = new Set<string>();
    for (let dieAt = 1; seen.size < 3; dieAt += 1) {
      const ending = await runInDurableObject(stub, async (object, { storage }) => {
        let calls = 0;
        const exec = storage.sql.exec.bind(storage.sql);
        const spy = vi.spyOn(storage.sql, "exec").mockImplementation((...given) => {
          calls += 1;
          if (calls === dieAt) throw new Error("the object died here");
          return exec(...given);
        });
        const terms = {
          id: "attackers",
          action: "block",
          mode: "enforce",
          owner: "o",
          reason: "a",
          expiresAtMs: Date.now() + HOUR_MS,
        } as const;
        const change = { request: "req_1", ifMatch: null };
        try {
          return (await object.putList(terms, [text(11)], change)).ok ? "done" : "refused";
        } catch {
          return "died";
        } finally {
          spy.mockRestore();
        }
      });
      await evictDurableObject(stub);
      const now = await state(policy);
      const isBefore = now.first === "10.0.0.0";
      if (isBefore) expect({ dieAt, ...now }).toEqual({ dieAt, ...before });
      else {
        const whole = { first: "11.0.0.0", count: 3_000, bytes: true };
        expect({ dieAt, ...now }).toMatchObject({ dieAt, ...whole, lists: [{ owner: "o" }] });
      }
      // Dead before it was stored, dead after it, and asked once more.
      seen.add(`${ending} ${isBefore ? "before" : "after"}`);
    }
    expect(seen).toEqual(new Set(["died before", "died after", "done after"]));
  },
);

it("lets no lease be pushed out by a list", { timeout: 60_000 }, async ({ expect }) => {
  const { policy, put } = site();
  const lease = (n: number) =>
    anEntry({
      id: `lse_${n}`,
      reason: "r".repeat(500),
      action: { message: "m".repeat(500) },
      expiresAtMs: Date.now() + HOUR_MS,
    });
  let count = 0;
  while ((await policy.put(lease(count))).ok) count += 1;
  const ja4s = Array.from(
    { length: 100 },
    (_, n) => `t13d1516h2_8daaf6152771_${String(n).padStart(12, "0")}`,
  );
  await expect(put("attackers", ja4s.join("\n"))).rejects.toThrow(
    /bytes, more than the \d+ a guard reads/,
  );
  expect(await policy.lists()).toEqual([]);
  expect(await policy.entries()).toHaveLength(count);
});
