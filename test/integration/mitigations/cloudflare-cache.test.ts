/** Copies at Cloudflare and taking them back, against a stand-in that refuses what Cloudflare refuses, plan by plan. */
import { describe, it } from "vitest";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract } from "../../contract/actuator.ts";
import { TOKEN } from "./cloudflare.ts";
import { leaseMaker, ruleGround, zoneWith } from "./cloudflare-rule.ts";

const actuator = actuators["cloudflare-cache"];
const PHASE = "http_request_cache_settings";
const ID = "lse_00000000000000000000000007";
const OPTIONS = { routes: ["/search", "/shop/*", "/pitches/+"], fresh: "2h" };
const THEIRS = {
  expression: '(http.request.uri.path eq "/logo.svg")',
  action: "set_cache_settings",
  action_parameters: { cache: true, edge_ttl: { mode: "override_origin", default: 86_400 } },
} as const;
const aLease = leaseMaker(ID, OPTIONS);

vendorActuatorContract(
  {
    actuator,
    options: OPTIONS,
    badOptions: [
      { options: { fresh: "5m" }, field: "routes" },
      { options: { routes: [], fresh: "5m" }, field: "routes" },
      { options: { routes: ["shop"], fresh: "5m" }, field: "routes.0" },
      { options: { routes: ["/shop"], fresh: "2d" }, field: "fresh" },
      { options: { routes: ["/shop"], fresh: "0s" }, field: "fresh" },
      { options: { ...OPTIONS, cookies: "all" }, field: "cookies" },
      {
        options: { routes: Array.from({ length: 12 }, (_, at) => `/${at}${"x".repeat(190)}`) },
        field: "routes",
      },
    ],
    ground: () => ruleGround(PHASE, THEIRS),
  },
  TOKEN,
);

describe("copies at Cloudflare", () => {
  it("are of reads without a cookie or credentials, of these pages, and of none of ours", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS, { plan: "business" });
    const lease = aLease({ ...OPTIONS, fresh: "5m" });
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ ok: true });
    expect(await edge.ofLease(ID)).toMatchObject({
      action: "set_cache_settings",
      action_parameters: {
        cache: true,
        edge_ttl: {
          mode: "override_origin",
          default: 300,
          status_code_ttl: [{ status_code_range: { from: 300, to: 599 }, value: -1 }],
        },
        browser_ttl: { mode: "respect_origin" },
      },
      expression: [
        '(http.request.uri.path eq "/search" or starts_with(http.request.uri.path, "/shop/") or http.request.uri.path eq "/shop" or starts_with(http.request.uri.path, "/pitches/") and http.request.uri.path ne "/pitches/")',
        '(http.request.method in {"GET" "HEAD"})',
        '(http.cookie eq "" and not any(http.request.headers.names[*] eq "authorization"))',
        '(not ((starts_with(http.request.uri.path, "/_firebreak/") or http.request.uri.path eq "/_firebreak" or http.request.uri.path eq "/webhooks/stripe")))',
      ].join(" and "),
    });
    expect(await actuator.verify(lease, edge.reach)).toEqual({ ok: true, value: true });
    expect(await edge.rules()).toContainEqual(expect.objectContaining({ ref: "theirs" }));
  });

  it.for([
    ["free", "2h", null],
    ["free", "119m", "(free) keeps a copy for 2h at the least, longer than 119m"],
    ["pro", "1h", null],
    ["pro", "5m", "(pro) keeps a copy for 1h at the least, longer than 5m"],
    ["business", "1s", null],
    ["enterprise", "1s", null],
  ] as const)(
    "of a zone on %s answer for %s, or there are none",
    async ([plan, fresh, refused], { expect }) => {
      const edge = await zoneWith(PHASE, null, { plan });
      const applied = await actuator.apply(aLease({ ...OPTIONS, fresh }), edge.reach);
      expect(applied).toMatchObject(
        refused === null
          ? { ok: true }
          : { ok: false, error: { class: "refuse", detail: expect.stringContaining(refused) } },
      );
      expect(await edge.rules()).toHaveLength(refused === null ? 1 : 0);
    },
  );

  it("that somebody keeps for longer since are theirs, and stay", async ({ expect }) => {
    const edge = await zoneWith(PHASE, null);
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
    const longer = { cache: true, edge_ttl: { mode: "override_origin", default: 9_000 } };
    await edge.rewrite(ID, { action_parameters: longer });
    expect(await actuator.inspect(aLease(), edge.reach)).toBe("changed");
    expect(await actuator.revert(aLease(), edge.reach)).toEqual({ ok: true, value: "changed" });
    expect(await edge.rules()).toHaveLength(1);
  });

  it("are taken away by the reaper when nobody is left to", async ({ expect }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
    const atMs = Date.now() + 3_600_000 + REAP_AFTER_MS + 1;
    await reap(markings, edge.reach, atMs);
    expect((await edge.rules()).map(({ ref }) => ref)).toEqual(["theirs"]);
  });
});
