/** Leases that name a list: the real actuator, API, policy object and table, to the answers of a real guard. */
import { evictDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import { actuators } from "../../../src/mitigations/registry.ts";
import { networksBlobOf } from "../../../src/policy/blobs.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { reachOf } from "../mitigations/fresh-policy.ts";
import { atTime, HOUR_MS, site } from "./listed.ts";

const block = actuators["block-networks"];
const allow = actuators["allow-networks"];
const IN_SHADOW = "action=block&reason=feed&for=6h&mode=shadow";

const aLease = (changes: Partial<StoredLease> = {}): StoredLease => ({
  id: "lse_00000000000000000000000001",
  incidentId: "inc_1",
  options: { list: "feed" },
  reason: "attack",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + HOUR_MS,
  prior: null,
  ...changes,
});

/** 100 000 networks: 70 000 of IPv4, no two of them beside each other, and 30 000 of IPv6. */
const feed = (): string =>
  [
    ...Array.from(
      { length: 70_000 },
      (_, n) => `${20 + (n >> 15)}.${(n >> 7) & 255}.${(n & 127) * 2}.0/24`,
    ),
    ...Array.from({ length: 30_000 }, (_, n) => `2001:db8:${(n * 2).toString(16)}::/48`),
  ].join("\n");

it(
  "grants, renews and reverts a lease of 100 000 networks without moving their table, over evictions",
  { timeout: 120_000 },
  async ({ expect }) => {
    const later = atTime();
    const { stub, policy, put, isolate, tableName } = site();
    const reach = reachOf(policy);
    await put("feed", feed(), IN_SHADOW);
    expect(await policy.lists()).toMatchObject([{ id: "feed", networks: 100_000 }]);
    const table = await tableName();
    const asked = ["20.0.0.7", "22.5.18.255", "2001:db8:2::1", "2001:db8:ea5e::1"];
    const beside = ["20.0.1.7", "2001:db8:1::1", "198.51.100.7"];
    const answers = async () => {
      const statusFor = isolate();
      const statuses = [];
      for (const address of [...asked, ...beside]) statuses.push(await statusFor(address));
      return statuses;
    };
    const served = [200, 200, 200, 200, 200, 200, 200];
    const blocked = [403, 403, 403, 403, 200, 200, 200];
    expect(await answers()).toEqual(served);

    const lease = aLease();
    expect(await block.apply(lease, reach)).toMatchObject({ ok: true });
    expect(await block.verify(lease, reach)).toEqual({ ok: true, value: true });
    expect(await answers()).toEqual(blocked);

    await evictDurableObject(stub);
    expect(await block.verify(lease, reach)).toEqual({ ok: true, value: true });
    expect(await answers()).toEqual(blocked);

    const renewed = { ...lease, expiresAtMs: lease.expiresAtMs + HOUR_MS };
    expect(await block.apply(renewed, reach)).toMatchObject({ ok: true });
    later(HOUR_MS + 60_000);
    expect(await answers()).toEqual(blocked);

    expect(await block.revert(renewed, reach)).toEqual({ ok: true, value: "restored" });
    expect(await answers()).toEqual(served);
    await evictDurableObject(stub);
    expect(await answers()).toEqual(served);
    expect(await policy.lists()).toMatchObject([{ id: "feed", mode: "shadow" }]);
    expect(await tableName()).toBe(table);
  },
);

it("ends by each guard's clock, with the policy object dead", async ({ expect }) => {
  const later = atTime();
  const { policy, put, isolate, tableName } = site();
  await put("feed", "192.0.2.0/24", IN_SHADOW);
  await block.apply(aLease({ expiresAtMs: Date.now() + 60_000 }), reachOf(policy));
  const answer = await policy.read(null);
  const bytes = await policy.blob(await tableName());
  const statusFor = isolate({ read: async () => answer, blob: async () => bytes });
  later(59_999);
  expect(await statusFor("192.0.2.7")).toBe(403);
  later(60_000);
  expect(await statusFor("192.0.2.7")).toBe(200);
});

it("means the list's operators, countries and hellos as well, and spares whom the site allows", async ({
  expect,
}) => {
  const { policy, put, isolate } = site();
  const ja4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
  await put("feed", `192.0.2.0/24\nAS64500\nT1\n${ja4}`, IN_SHADOW);
  await put("friends", "192.0.2.8", "action=allow&reason=office&for=6h");
  await block.apply(
    aLease({ options: { list: "feed", networks: ["203.0.113.7"] } }),
    reachOf(policy),
  );
  const statusFor = isolate();
  expect([await statusFor("192.0.2.7"), await statusFor("192.0.2.8")]).toEqual([403, 200]);
  expect([await statusFor("203.0.113.7"), await statusFor("203.0.113.8")]).toEqual([403, 200]);
  expect(await statusFor("198.51.100.7", { asn: 64_500 })).toBe(403);
  expect(await statusFor("198.51.100.7", { country: "T1" })).toBe(403);
  expect(await statusFor("198.51.100.7", { botManagement: { ja4 } })).toBe(403);
  expect(await statusFor("198.51.100.7", { asn: 64_501, country: "DE" })).toBe(200);
});

it("follows its list, and goes with it", async ({ expect }) => {
  const { policy, put, ask, isolate } = site();
  const reach = reachOf(policy);
  const lease = aLease();
  await put("feed", "192.0.2.7", IN_SHADOW);
  await block.apply(lease, reach);
  await put("feed", "192.0.2.8", IN_SHADOW);
  const followed = isolate();
  expect([await followed("192.0.2.7"), await followed("192.0.2.8")]).toEqual([200, 403]);

  expect((await ask("/api/v1/networks/feed", { method: "DELETE" })).status).toBeLessThan(300);
  expect(await isolate()("192.0.2.8")).toBe(200);
  expect(await block.inspect(lease, reach)).toBe("gone");
  expect(await block.revert(lease, reach)).toEqual({ ok: true, value: "gone" });
});

it("refuses a lease without such a list, and a list that would leave its lease", async ({
  expect,
}) => {
  const { policy, put } = site();
  const reach = reachOf(policy);
  const refusal = async (lease: StoredLease): Promise<string> => {
    const applied = await block.apply(lease, reach);
    return applied.ok ? "applied" : `${applied.error.class}: ${applied.error.detail}`;
  };
  const none = /^refuse: entry lse_\w+: there is no list feed that blocks/;
  expect(await refusal(aLease())).toMatch(none);
  await put("feed", "192.0.2.7", "action=allow&reason=a&for=6h");
  expect(await refusal(aLease())).toMatch(none);
  await put("feed", "192.0.2.7", "action=block&reason=a&for=10m");
  expect(await refusal(aLease())).toMatch(/the list feed would end before it; put the list for/);
  await put("feed", "192.0.2.7", IN_SHADOW);
  expect(await refusal(aLease())).toBe("applied");
  await expect(put("feed", "192.0.2.7", "action=block&reason=a&for=10m")).rejects.toThrow(
    "the list feed would end before it",
  );
  await expect(put("feed", "192.0.2.7", "action=allow&reason=a&for=6h")).rejects.toThrow(
    "there is no list feed that blocks",
  );
  expect(await policy.lists()).toMatchObject([{ id: "feed", action: "block", mode: "shadow" }]);
});

const JA4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
const ADDRESS = "192.0.2.7";
/** Everything that a lease may name, and a client that it means by nothing else. */
const NAMED: readonly (readonly [string, object, string, CfProperties])[] = [
  ["an address", { networks: [ADDRESS] }, ADDRESS, {}],
  ["a network", { networks: ["192.0.2.0/24"] }, ADDRESS, {}],
  ["an IPv6 network", { networks: ["2001:db8::/32"] }, "2001:db8:1::7", {}],
  ["an operator", { asns: [64_500] }, "198.51.100.7", { asn: 64_500 }],
  ["a country", { countries: ["T1"] }, "198.51.100.7", { country: "T1" }],
  ["a TLS hello", { ja4s: [JA4] }, "198.51.100.7", { botManagement: { ja4: JA4 } } as CfProperties],
  ["a list", { list: "named" }, ADDRESS, {}],
];

describe.for(NAMED)("a lease that names %s", ([, options, address, cf]) => {
  const lease = (changes: Partial<StoredLease> = {}) =>
    aLease({ options, expiresAtMs: Date.now() + 60_000, ...changes });
  const other = "203.0.113.9";

  it("blocks it with its owner and reason, until each guard's clock says that it ends", async ({
    expect,
  }) => {
    const later = atTime();
    const { policy, put, isolate } = site();
    await put("named", ADDRESS, IN_SHADOW);
    expect(await block.apply(lease(), reachOf(policy))).toMatchObject({ ok: true });
    expect(await policy.entries()).toMatchObject([
      { owner: expect.stringMatching(/\/inc_1$/), reason: "attack", mode: "enforce" },
    ]);
    const statusFor = await deaf(policy, isolate);
    later(59_999);
    expect([await statusFor(address, cf), await statusFor(other)]).toEqual([403, 200]);
    later(60_000);
    expect(await statusFor(address, cf)).toBe(200);
  });

  it("spares it from any block, however specific, until each guard's clock says that it ends", async ({
    expect,
  }) => {
    const later = atTime();
    const { policy, put, isolate } = site();
    await put("named", ADDRESS, IN_SHADOW.replace("block", "allow"));
    await put("all", `${address}\n${other}\nAS64500\nT1\n${JA4}`);
    expect(await isolate()(address, cf)).toBe(403);
    expect(await allow.apply(lease(), reachOf(policy))).toMatchObject({ ok: true });
    const statusFor = await deaf(policy, isolate);
    later(59_999);
    expect([await statusFor(address, cf), await statusFor(other)]).toEqual([200, 403]);
    later(60_000);
    expect(await statusFor(address, cf)).toBe(403);
  });
});

/** An isolate to which the policy object says always the same, and so takes nothing back. */
async function deaf(policy: PolicyApi, isolate: ReturnType<typeof site>["isolate"]) {
  const answer = await policy.read(null);
  const { policy: now } = answer;
  const name = now === null ? null : networksBlobOf(now)?.sha256;
  const bytes = name == null ? null : await policy.blob(name);
  return isolate({ read: async () => answer, blob: async () => bytes });
}

it("neither blocks by a list that allows, nor spares by one that blocks", async ({ expect }) => {
  const { policy, put, isolate } = site();
  await put("friends", ADDRESS, "action=allow&reason=office&for=6h");
  await put("feed", ADDRESS, IN_SHADOW);
  const said = async (actuator: typeof block, list: string) => {
    const applied = await actuator.apply(aLease({ options: { list } }), reachOf(policy));
    return applied.ok ? "applied" : applied.error.detail;
  };
  expect(await said(block, "friends")).toMatch(/there is no list friends that blocks/);
  expect(await said(allow, "feed")).toMatch(/there is no list feed that allows/);
  expect(await isolate()(ADDRESS)).toBe(200);
});
