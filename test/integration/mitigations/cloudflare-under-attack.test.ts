/** Under Attack at Cloudflare, by a rule or by the zone's setting, and taking either back, against a stand-in that refuses what Cloudflare refuses. */
import { describe, it } from "vitest";
import { readMark } from "../../../src/mitigations/mark.ts";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract, type VendorGround } from "../../contract/actuator.ts";
import { reachWith, TOKEN, vendor } from "./cloudflare.ts";
import { ruleGround, zoneWith } from "./cloudflare-rule.ts";

const actuator = actuators["cloudflare-under-attack"];
const PHASE = "http_config_settings";
const ID = "lse_00000000000000000000000007";
const OPTIONS = { except: ["/api/*"] };
const THEIRS = {
  expression: '(http.request.uri.path eq "/status")',
  action: "set_config",
  action_parameters: { security_level: "off" },
} as const;
const EXEMPT =
  'starts_with(http.request.uri.path, "/_firebreak/") or http.request.uri.path eq "/_firebreak" or http.request.uri.path eq "/webhooks/stripe" or starts_with(http.request.uri.path, "/api/") or http.request.uri.path eq "/api" or http.host in {"origin.shop.example"} or cf.client.bot';
const aLease = (changes: Partial<StoredLease> = {}): StoredLease => ({
  id: ID,
  incidentId: "inc_1",
  options: OPTIONS,
  reason: "ddos",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + 3_600_000,
  prior: null,
  ...changes,
});

/** A zone whose plan has no room for another rule of configuration. */
async function fullZone() {
  const rules = Array.from({ length: 10 }, (_, at) => ({
    id: `theirs-${at}`,
    ref: `theirs-${at}`,
    ...THEIRS,
  }));
  const cloudflare = await vendor({
    plan: "free",
    securityLevel: "high",
    rulesets: [{ id: "config", phase: PHASE, rules }],
  });
  let atMs = 0;
  const api = cloudflare.client(undefined, TOKEN, () => (atMs += 60_000));
  const change = async (path: string, method: string, body?: unknown): Promise<void> => {
    const answer = await cloudflare.ask(`/zones/zone${path}`, method, body);
    if (!answer.ok) throw new Error(await answer.text());
  };
  const notes = async () =>
    ((await cloudflare.state()).rulesets ?? [])
      .filter(({ phase }) => phase === "http_request_firewall_custom")
      .flatMap(({ id: ruleset, rules: found = [] }) => found.map((one) => ({ ...one, ruleset })));
  return {
    ...cloudflare,
    reach: cloudflare.reach({ api }),
    level: async () => (await cloudflare.state()).securityLevel,
    setLevel: (value: string) => change("/settings/security_level", "PATCH", { value }),
    notes,
    changeNote: async (method: string, body?: unknown): Promise<void> => {
      for (const { id, ruleset } of await notes()) {
        await change(`/rulesets/${ruleset}/rules/${id}`, method, body);
      }
    },
  };
}

const badOptions = [
  { options: { except: [] }, field: "except" },
  { options: { except: ["api"] }, field: "except" },
  { options: { level: "high" }, field: "level" },
];

describe("by a rule", () => {
  const ground = () => ruleGround(PHASE, THEIRS);
  vendorActuatorContract({ actuator, options: OPTIONS, badOptions, ground }, TOKEN);
});

describe("by the zone's setting", () => {
  const ground = async (): Promise<VendorGround> => {
    const edge = await fullZone();
    return {
      reach: edge.reach,
      unreachable: edge.unreachable,
      version: edge.level,
      standing: async (leaseId) => {
        const note = (await edge.notes()).find(({ ref }) => ref === leaseId);
        const mark = readMark(note?.description ?? "");
        return mark === null ? null : { share: 1, shadow: false, expiresAtMs: mark.expiresAtMs };
      },
      takeOver: () => edge.setLevel("low"),
      remove: async () => {
        await edge.setLevel("high");
        await edge.changeNote("DELETE");
      },
      failNextChange: edge.failNextWrite,
    };
  };
  vendorActuatorContract({ actuator, options: OPTIONS, badOptions, ground }, TOKEN);
});

describe("under attack at Cloudflare", () => {
  it("asks everybody but ourselves, who delivers, and what the step excepts", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS, { securityLevel: "high" });
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({ ok: true });
    expect(await edge.rules()).toMatchObject([
      { ref: "theirs" },
      {
        ref: ID,
        expression: `not (${EXEMPT})`,
        action: "set_config",
        action_parameters: { security_level: "under_attack" },
      },
    ]);
    expect((await edge.state()).securityLevel).toBe("high");
  });

  it("lets them past first where it has to be the whole zone, and keeps what the setting was", async ({
    expect,
  }) => {
    const edge = await fullZone();
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({
      ok: true,
      value: { receipt: { was: "high" } },
    });
    expect(await edge.notes()).toMatchObject([
      {
        ref: ID,
        expression: `(${EXEMPT})`,
        action: "skip",
        action_parameters: { products: ["securityLevel"] },
        description: expect.stringContaining(" was high before, "),
      },
    ]);
    expect(await edge.level()).toBe("under_attack");
    const changes = (await edge.calls()).filter(
      ({ method, status }) => method !== "GET" && status === 200,
    );
    expect(changes.map(({ path }) => path)).toEqual([
      "/zones/zone/rulesets",
      "/zones/zone/settings/security_level",
    ]);
  });

  it("is finished by the next attempt when it died between the two, or taken back", async ({
    expect,
  }) => {
    for (const next of ["apply", "revert"] as const) {
      const edge = await fullZone();
      await edge.failNext("5xx", "PATCH");
      expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({
        error: { class: "unknown_outcome" },
      });
      expect([await edge.level(), (await edge.notes()).length]).toEqual(["high", 1]);
      expect(await actuator.inspect(aLease(), edge.reach)).toBe("ours");
      expect(await actuator[next](aLease(), edge.reach)).toMatchObject({ ok: true });
      const ended = next === "apply" ? ["under_attack", 1] : ["high", 0];
      expect([await edge.level(), (await edge.notes()).length]).toEqual(ended);
    }
  });

  it("leaves a zone alone that somebody has put under attack", async ({ expect }) => {
    const edge = await fullZone();
    await edge.setLevel("under_attack");
    expect(await actuator.apply(aLease(), edge.reach)).toMatchObject({
      error: { class: "refuse", detail: "the zone is under attack already" },
    });
    expect(await edge.notes()).toEqual([]);
    expect(await actuator.revert(aLease(), edge.reach)).toEqual({ ok: true, value: "gone" });
    expect(await edge.level()).toBe("under_attack");
  });

  it("puts the setting back although somebody let more past it", async ({ expect }) => {
    const edge = await fullZone();
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    const [note] = await edge.notes();
    await edge.changeNote("PATCH", {
      action: "skip",
      action_parameters: note?.action_parameters,
      description: note?.description,
      expression: '(http.request.uri.path eq "/partner")',
    });
    expect(await reap(markings, edge.reach, lease.expiresAtMs + REAP_AFTER_MS)).toEqual([
      { actuator: "cloudflare-under-attack", leaseId: ID, outcome: "restored", detail: null },
    ]);
    expect([await edge.level(), await edge.notes()]).toEqual(["high", []]);
  });

  it("is undone by the reaper when incident and monitor are gone, and once: by a rule", async ({
    expect,
  }) => {
    const edge = await zoneWith(PHASE, THEIRS);
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
    expect(await reap(markings, edge.reach, lateMs - 1)).toEqual([]);
    expect(await reap(markings, edge.reach, lateMs)).toMatchObject([{ outcome: "restored" }]);
    expect(await edge.rules()).toHaveLength(1);
    expect(await reap(markings, edge.reach, lateMs)).toEqual([]);
  });

  it("is left alone by the reaper where somebody has set something else, and the note goes", async ({
    expect,
  }) => {
    const edge = await fullZone();
    const lease = aLease();
    await actuator.apply(lease, edge.reach);
    await edge.setLevel("low");
    const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
    expect(await reap(markings, edge.reach, lateMs)).toMatchObject([{ outcome: "changed" }]);
    expect([await edge.level(), await edge.notes()]).toEqual(["low", []]);
    expect(await reap(markings, edge.reach, lateMs)).toEqual([]);
  });

  it("costs nothing where no zone is configured, and says what is missing", async ({ expect }) => {
    expect(await reap(markings, reachWith(null), Date.now())).toEqual([]);
    expect(actuator.missing(reachWith(null))).toContain("CLOUDFLARE_API_TOKEN");
  });
});
