/** Limiting at Cloudflare and taking that back, against a stand-in that refuses what Cloudflare refuses, plan by plan. */
import { describe, it } from "vitest";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract } from "../../contract/actuator.ts";
import { reachWith, TOKEN } from "./cloudflare.ts";
import { leaseMaker, ruleGround, zoneWith } from "./cloudflare-rule.ts";

const actuator = actuators["cloudflare-rate-limit"];
const PHASE = "http_ratelimit";
const ID = "lse_00000000000000000000000007";
const OPTIONS = { limit: 50, window: "60s", routes: ["/search", "/shop/*", "/pitches/+"] };
const THEIRS = {
  expression: '(http.request.uri.path eq "/login")',
  action: "block",
  ratelimit: {
    characteristics: ["cf.colo.id", "ip.src"],
    period: 60,
    requests_per_period: 5,
    mitigation_timeout: 600,
  },
} as const;
const aLease = leaseMaker(ID, OPTIONS);

vendorActuatorContract(
  {
    actuator,
    options: OPTIONS,
    badOptions: [
      { options: { window: "60s", routes: ["/x"] }, field: "limit" },
      { options: { limit: 50, window: "2h", routes: ["/x"] }, field: "window" },
      { options: { limit: 50, window: "60s" }, field: "networks" },
      { options: { ...OPTIONS, networks: ["192.0.2.300"] }, field: "networks" },
      {
        options: {
          ...OPTIONS,
          networks: Array.from({ length: 300 }, (_, at) => `198.51.${at >> 8}.${at & 255}`),
        },
        field: "networks",
      },
      { options: { ...OPTIONS, action: "block" }, field: "action" },
    ],
    ground: () => ruleGround(PHASE, THEIRS),
  },
  TOKEN,
);

describe("limiting at Cloudflare", () => {
  it.for([
    ["free", 10, 9],
    ["pro", 60, 50],
    ["business", 60, 50],
    ["enterprise", 60, 50],
  ] as const)(
    "says 50 in 60 s as the plan %s lets it",
    async ([plan, period, requests], { expect }) => {
      const edge = await zoneWith(PHASE, null, { plan });
      expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
      expect(await edge.rules()).toMatchObject([
        {
          ref: ID,
          action: "managed_challenge",
          expression:
            '(http.request.uri.path eq "/search" or starts_with(http.request.uri.path, "/shop/") or http.request.uri.path eq "/shop" or starts_with(http.request.uri.path, "/pitches/") and http.request.uri.path ne "/pitches/")',
          ratelimit: {
            characteristics: ["cf.colo.id", "ip.src"],
            period,
            requests_per_period: requests,
            mitigation_timeout: 0,
          },
        },
      ]);
      expect(await actuator.verify(aLease(), edge.reach)).toMatchObject({ ok: true });
    },
  );

  it.for([
    ["1h", "free", 10],
    ["1h", "pro", 60],
    ["1h", "business", 600],
    ["1h", "enterprise", 3_600],
    ["3s", "business", 10],
  ] as const)(
    "refuses over %s on %s for as long as it counts",
    async ([window, plan, period], { expect }) => {
      const edge = await zoneWith(PHASE, null, { plan });
      const given = { limit: 3_600, window, routes: ["/search"], beyond: "refuse" };
      expect(await actuator.apply(aLease(given), edge.reach)).toMatchObject({ ok: true });
      expect(await edge.rules()).toMatchObject([
        { action: "block", ratelimit: { period, mitigation_timeout: period } },
      ]);
    },
  );

  it.for([
    ["free", false],
    ["pro", false],
    ["business", true],
    ["enterprise", true],
  ] as const)(
    "names clients where the plan has a field for them: %s",
    async ([plan, may], { expect }) => {
      const edge = await zoneWith(PHASE, null, { plan });
      const given = { limit: 50, window: "60s", networks: ["192.0.2.0/24", "2001:db8::1"] };
      const applied = await actuator.apply(aLease(given), edge.reach);
      if (may) {
        expect(applied).toMatchObject({ ok: true });
        const [rule] = await edge.rules();
        expect(rule?.expression).toBe("(ip.src in {192.0.2.0/24 2001:db8::/64})");
      } else {
        expect(applied).toMatchObject({
          error: { class: "refuse", detail: expect.stringContaining(plan) },
        });
        expect(await edge.rules()).toEqual([]);
      }
    },
  );

  it("has the rule say whom it is about by now when more are named", async ({ expect }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    const named = { limit: 50, window: "60s", networks: ["192.0.2.0/24"] };
    await actuator.apply(aLease(named), edge.reach);
    const wide = { ...named, networks: ["192.0.2.0/24", "198.51.100.0/24"] };
    expect(await actuator.apply(aLease(wide), edge.reach)).toMatchObject({ ok: true });
    expect((await edge.rules()).map(({ expression }) => expression)).toEqual([
      THEIRS.expression,
      "(ip.src in {192.0.2.0/24 198.51.100.0/24})",
    ]);
    expect(await actuator.revert(aLease(wide), edge.reach)).toEqual({
      ok: true,
      value: "restored",
    });
    expect(await edge.rules()).toHaveLength(1);
  });

  it("leaves a rule alone of which a person changed nothing but how much it lets through", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    const limit = { characteristics: ["cf.colo.id", "ip.src"], period: 60, mitigation_timeout: 0 };
    await edge.rewrite(ID, { ratelimit: { ...limit, requests_per_period: 5 } });
    expect(await actuator.inspect(lease, edge.reach)).toBe("changed");
    expect(await actuator.revert(lease, edge.reach)).toEqual({ ok: true, value: "changed" });
    expect(await edge.rules()).toHaveLength(2);
  });

  it("lets more through when it is to, though nothing else of it changes", async ({ expect }) => {
    const edge = await zoneWith(PHASE, null);
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    const more = { ...lease, options: { ...OPTIONS, limit: 100 } };
    expect(await actuator.apply(more, edge.reach)).toMatchObject({ ok: true });
    expect(await edge.rules()).toMatchObject([{ ratelimit: { requests_per_period: 100 } }]);
  });

  it("is refused where the plan's only rule is somebody's, in Cloudflare's words", async ({
    expect,
  }) => {
    const ratelimit = { ...THEIRS.ratelimit, period: 10, mitigation_timeout: 10 };
    const edge = await zoneWith(PHASE, { ...THEIRS, ratelimit }, { plan: "free" });
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("2 out of 1") },
    });
    expect(await edge.rules()).toHaveLength(1);
  });

  it("writes a path so that it ends where it ends", async ({ expect }) => {
    const edge = await zoneWith(PHASE, null);
    const routes = ['/a" or true or "'];
    expect(await actuator.apply(aLease({ ...OPTIONS, routes }), edge.reach)).toMatchObject({
      ok: true,
    });
    const [rule] = await edge.rules();
    expect(rule?.expression).toBe('(http.request.uri.path eq "/a\\" or true or \\"")');
  });

  it("is undone by the reaper when incident and monitor are gone, and once; not what was changed", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
    expect(await reap(markings, edge.reach, lateMs - 1)).toEqual([]);
    expect(await reap(markings, edge.reach, lateMs)).toEqual([
      { actuator: "cloudflare-rate-limit", leaseId: ID, outcome: "restored", detail: null },
    ]);
    expect(await edge.rules()).toHaveLength(1);
    await actuator.apply(lease, edge.reach);
    await edge.narrow(ID);
    expect(await reap(markings, edge.reach, lateMs)).toEqual([]);
    expect(await edge.rules()).toHaveLength(2);
  });

  it("costs nothing where no zone is configured, and says what is missing", async ({ expect }) => {
    expect(await reap(markings, reachWith(null), Date.now())).toEqual([]);
    expect(actuator.missing(reachWith(null))).toContain("CLOUDFLARE_API_TOKEN");
  });
});
