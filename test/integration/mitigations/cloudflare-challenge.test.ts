/** Operators and countries challenged at Cloudflare, and nobody whom the site spares, against a stand-in that refuses what Cloudflare refuses. */
import { describe, it } from "vitest";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract } from "../../contract/actuator.ts";
import { TOKEN } from "./cloudflare.ts";
import { leaseMaker, ruleGround, zoneWith } from "./cloudflare-rule.ts";

const actuator = actuators["cloudflare-challenge"];
const PHASE = "http_request_firewall_custom";
const ID = "lse_00000000000000000000000008";
const OPTIONS = { asns: [64_496, 64_511], countries: ["NL"] };
const THEIRS = { expression: '(http.request.uri.path eq "/wp-login.php")', action: "block" };
const EXEMPT =
  'not ((starts_with(http.request.uri.path, "/_firebreak/") or http.request.uri.path eq "/_firebreak" or http.request.uri.path eq "/webhooks/stripe" or http.host in {"origin.shop.example"} or cf.client.bot))';
const aLease = leaseMaker(ID, OPTIONS);

vendorActuatorContract(
  {
    actuator,
    options: OPTIONS,
    badOptions: [
      { options: {}, field: "asns" },
      { options: { asns: [] }, field: "asns" },
      { options: { asns: [0] }, field: "asns.0" },
      { options: { asns: Array.from({ length: 21 }, (_, at) => at + 1) }, field: "asns" },
      { options: { countries: ["Netherlands"] }, field: "countries.0" },
      { options: { countries: ["AA", "BB", "CC", "DD", "EE", "FF"] }, field: "countries" },
      { options: { networks: ["192.0.2.0/24"] }, field: "networks" },
    ],
    ground: () => ruleGround(PHASE, THEIRS),
  },
  TOKEN,
);

describe("operators and countries at Cloudflare", () => {
  it("are challenged, but for whom the site spares, who delivers, and ourselves", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS, { plan: "free" });
    const lease = aLease();
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ ok: true });
    expect(await edge.rules()).toMatchObject([
      { ref: "theirs" },
      {
        ref: ID,
        action: "managed_challenge",
        expression: [
          '(ip.src.asnum in {64496 64511} or ip.src.country in {"NL"})',
          `(${EXEMPT})`,
          "(not ((ip.src in {203.0.113.7/32})))",
        ].join(" and "),
      },
    ]);
    expect(await actuator.verify(lease, edge.reach)).toEqual({ ok: true, value: true });
  });

  it.for([
    ["an operator", { asns: [64_496] }, "(ip.src.asnum in {64496})"],
    ["countries", { countries: ["NL", "T1"] }, '(ip.src.country in {"NL" "T1"})'],
  ] as const)("may be %s alone", async ([, options, begins], { expect }) => {
    const edge = await zoneWith(PHASE, null);
    expect(await actuator.apply(aLease(options), edge.reach)).toMatchObject({ ok: true });
    const [rule] = await edge.rules();
    expect(rule?.expression.startsWith(`${begins} and `)).toBe(true);
  });

  it("are not, where more are spared than a rule can say", async ({ expect }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    const { cloudflare } = edge.reach;
    if (cloudflare === null) throw new Error("no Cloudflare");
    const spared = Array.from({ length: 300 }, (_, at) => `192.0.${at % 250}.${at % 200}/32`);
    const applied = await actuator.apply(aLease(), {
      ...edge.reach,
      cloudflare: { ...cloudflare, spared },
    });
    expect(applied).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("4096 are allowed") },
    });
    expect(await edge.rules()).toHaveLength(1);
  });

  it("are left to whoever changed the rule since", async ({ expect }) => {
    const edge = await zoneWith(PHASE, null);
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
    await edge.rewrite(ID, { action: "block" });
    expect(await actuator.inspect(aLease(), edge.reach)).toBe("changed");
    expect(await actuator.revert(aLease(), edge.reach)).toEqual({ ok: true, value: "changed" });
    expect(await edge.rules()).toHaveLength(1);
  });

  it("are let in by the reaper when nobody is left to", async ({ expect }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
    await reap(markings, edge.reach, Date.now() + 3_600_000 + REAP_AFTER_MS + 1);
    expect((await edge.rules()).map(({ ref }) => ref)).toEqual(["theirs"]);
  });
});
