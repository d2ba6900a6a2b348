/** Turning clients away at Cloudflare and taking that back, against a stand-in that refuses what Cloudflare refuses. */
import { describe, it } from "vitest";
import type { CloudflareState } from "../../../dev/vendors/cloudflare-api.ts";
import { readMark } from "../../../src/mitigations/mark.ts";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract, type VendorGround } from "../../contract/actuator.ts";
import { reachWith, TOKEN, vendor } from "./cloudflare.ts";

const actuator = actuators["cloudflare-block-list"];
const HOUR_MS = 3_600_000;
const ID = "lse_00000000000000000000000007";
const LIST = /^firebreak_shop_test_[0-9a-f]{8}$/;
const MANY = ["192.0.2.1", "198.51.100.0/24", "2001:db8:1:2:3:4:5:6"];
const aLease = (networks: readonly string[], changes: Partial<StoredLease> = {}): StoredLease => ({
  id: ID,
  incidentId: "inc_1",
  options: { networks },
  reason: "ddos",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + HOUR_MS,
  prior: null,
  ...changes,
});

/** A rule that a person wrote, as most zones have one. */
const PEOPLE: CloudflareState = {
  rulesets: [
    {
      id: "custom",
      phase: "http_request_firewall_custom",
      rules: [
        {
          id: "theirs",
          ref: "theirs",
          expression: '(http.request.uri.path eq "/x")',
          action: "log",
        },
      ],
    },
  ],
};

/** The zone, and what of it stands under which mark. */
async function zone(initial: CloudflareState = PEOPLE, given: { readonly bulkMs?: number } = {}) {
  const cloudflare = await vendor(initial, given);
  // Time enough between two calls, so that neither our own limit nor a 429 is felt.
  let atMs = 0;
  const api = cloudflare.client(undefined, TOKEN, () => (atMs += 60_000));
  const change = async (path: string, method: string, body?: unknown): Promise<void> => {
    const answer = await cloudflare.ask(path, method, body);
    if (!answer.ok) throw new Error(await answer.text());
  };
  const standing = async () => {
    const { lists = [], accessRules = [], rulesets = [] } = await cloudflare.state();
    const items = lists.flatMap(({ id, items: on = [] }) =>
      on.map((one) => ({ list: id, id: one.id, network: one.ip, note: one.comment ?? "" })),
    );
    const single = accessRules.map(({ id, configuration: { value }, notes = "" }) => ({
      list: null,
      id,
      network: value,
      note: notes,
    }));
    return {
      lists,
      rules: rulesets.flatMap(({ rules = [] }) => rules),
      blocked: [...items, ...single],
    };
  };
  const ofLease = async (leaseId: string) =>
    (await standing()).blocked.filter(({ note }) => readMark(note)?.leaseId === leaseId);
  return {
    ...cloudflare,
    reach: cloudflare.reach({ api }),
    change,
    standing,
    ofLease,
    networks: async () => (await standing()).blocked.map(({ network }) => network).toSorted(),
  };
}

/** What the contract asks of one lease on these networks. */
const groundOf = async (): Promise<VendorGround> => {
  const edge = await zone();
  const rename = async (leaseId: string, note: string): Promise<void> => {
    for (const { list, id, network } of await edge.ofLease(leaseId)) {
      if (list === null) {
        await edge.change(`/zones/zone/firewall/access_rules/rules/${id}`, "PATCH", {
          notes: note,
        });
      } else {
        await edge.change(`/accounts/acc/rules/lists/${list}/items`, "POST", [
          { ip: network, comment: note },
        ]);
      }
    }
  };
  return {
    reach: edge.reach,
    unreachable: edge.unreachable,
    version: async () => edge.standing(),
    standing: async (leaseId) => {
      const marks = (await edge.ofLease(leaseId)).map(({ note }) => readMark(note));
      const [first] = marks;
      if (first == null) return null;
      if (marks.some((mark) => mark?.expiresAtMs !== first.expiresAtMs)) throw new Error("mixed");
      return { share: 1, shadow: false, expiresAtMs: first.expiresAtMs };
    },
    takeOver: (leaseId) => rename(leaseId, "ada keeps this one"),
    remove: async (leaseId) => {
      for (const { list, id } of await edge.ofLease(leaseId)) {
        await (list === null
          ? edge.change(`/zones/zone/firewall/access_rules/rules/${id}`, "DELETE")
          : edge.change(`/accounts/acc/rules/lists/${list}/items`, "DELETE", { items: [{ id }] }));
      }
    },
    failNextChange: edge.failNextWrite,
  };
};

const badOptions = [
  { options: {}, field: "networks" },
  { options: { networks: [] }, field: "networks" },
  { options: { networks: ["192.0.2.300"] }, field: "networks" },
  { options: { networks: ["10.0.0.0/8"] }, field: "networks" },
  { options: { networks: ["192.0.2.1"], list: "mine" }, field: "list" },
];

describe("many, on the list", () => {
  vendorActuatorContract(
    { actuator, options: { networks: MANY }, badOptions, ground: groundOf },
    TOKEN,
  );
});
describe("one, by a rule of its own", () => {
  const options = { networks: ["192.0.2.1"] };
  vendorActuatorContract({ actuator, options, badOptions, ground: groundOf }, TOKEN);
});

describe("turning clients away at Cloudflare", () => {
  it("puts many on one list, in one operation, that one rule behind people's own names", async ({
    expect,
  }) => {
    const { reach, standing, calls } = await zone();
    expect(await actuator.apply(aLease(MANY), reach)).toMatchObject({
      ok: true,
      value: { receipt: { networks: 3 } },
    });
    const { lists, rules, blocked } = await standing();
    expect(lists).toMatchObject([{ name: expect.stringMatching(LIST), kind: "ip" }]);
    expect(rules).toMatchObject([
      { ref: "theirs" },
      { action: "block", expression: `(ip.src in $${lists[0]?.name ?? ""})`, enabled: true },
    ]);
    expect(blocked.map(({ network }) => network)).toEqual([
      "192.0.2.1",
      "198.51.100.0/24",
      "2001:db8:1:2::/64",
    ]);
    const puts = (await calls()).filter(
      ({ method, path }) => method === "POST" && path.endsWith("/items"),
    );
    expect(puts).toHaveLength(1);
  });

  it("goes from a rule of its own to the list when more are named, and leaves nothing behind", async ({
    expect,
  }) => {
    const { reach, standing, networks } = await zone();
    await actuator.apply(aLease(["192.0.2.1"]), reach);
    expect(await standing()).toMatchObject({ lists: [], blocked: [{ list: null }] });
    const wide = aLease(["192.0.2.1", "192.0.2.2"]);
    expect(await actuator.apply(wide, reach)).toMatchObject({ ok: true });
    expect(await networks()).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(await actuator.verify(wide, reach)).toEqual({ ok: true, value: true });
    expect(await actuator.revert(wide, reach)).toEqual({ ok: true, value: "restored" });
    expect(await standing()).toMatchObject({ lists: [], blocked: [], rules: [{ ref: "theirs" }] });
  });

  it("takes back only what is its own from a list that people use, too", async ({ expect }) => {
    const edge = await zone();
    const lease = aLease(MANY);
    await actuator.apply(lease, edge.reach);
    const [list] = (await edge.standing()).lists;
    await edge.change(`/accounts/acc/rules/lists/${list?.id ?? ""}/items`, "POST", [
      { ip: "192.0.2.99", comment: "ada" },
    ]);
    expect(await actuator.revert(lease, edge.reach)).toEqual({ ok: true, value: "restored" });
    expect(await edge.networks()).toEqual(["192.0.2.99"]);
    expect((await edge.standing()).rules).toHaveLength(2);
  });

  it("leaves a block that was there theirs, and does not overrule who lets somebody through", async ({
    expect,
  }) => {
    const rule = {
      id: "r",
      configuration: { target: "ip", value: "192.0.2.1" },
      notes: "ada",
    } as const;
    const blocking = await zone({ accessRules: [{ ...rule, mode: "block" }] });
    const lease = aLease(["192.0.2.1"]);
    const applied = await actuator.apply(lease, blocking.reach);
    expect(applied).toMatchObject({ ok: true, value: { prior: { networks: [] } } });
    expect(await actuator.verify(lease, blocking.reach)).toEqual({ ok: true, value: true });
    const prior = { networks: [] };
    expect(await actuator.revert({ ...lease, prior }, blocking.reach)).toMatchObject({
      value: "gone",
    });
    expect(await blocking.networks()).toEqual(["192.0.2.1"]);

    const allowing = await zone({ accessRules: [{ ...rule, mode: "whitelist" }] });
    expect(await actuator.apply(lease, allowing.reach)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("does not block") },
    });
  });

  it("never turns away whom the site spares", async ({ expect }) => {
    const { reach, standing } = await zone();
    expect(await actuator.apply(aLease(["203.0.113.0/24", "192.0.2.1"]), reach)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("allowlist") },
    });
    expect(await standing()).toMatchObject({ lists: [], blocked: [] });
  });

  it("waits for its turn while another bulk operation of the account is at work", async ({
    expect,
  }) => {
    const edge = await zone({ ...PEOPLE, bulkUntilMs: Date.now() + HOUR_MS });
    const lease = aLease(MANY);
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ error: { class: "retry" } });
    // Only that has to wait: what else is asked of Cloudflare is asked.
    expect(await actuator.inspect(lease, edge.reach)).toBe("gone");
    await edge.set({ ...(await edge.state()), bulkUntilMs: 0 });
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ ok: true });
  });

  it("counts what it asked for as done once Cloudflare has done it", async ({ expect }) => {
    const edge = await zone(PEOPLE, { bulkMs: 700 });
    expect(await actuator.apply(aLease(MANY), edge.reach)).toMatchObject({ ok: true });
    expect(await edge.networks()).toHaveLength(3);
  });

  it("reads a list of more than one page", async ({ expect }) => {
    const edge = await zone();
    const networks = Array.from({ length: 1_000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    const lease = aLease(networks);
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ ok: true });
    expect(await actuator.verify(lease, edge.reach)).toEqual({ ok: true, value: true });
    expect(await actuator.revert(lease, edge.reach)).toEqual({ ok: true, value: "restored" });
    expect(await edge.networks()).toEqual([]);
  });

  it("is refused where the plan has no room, and says in whose words", async ({ expect }) => {
    const rules = ["a", "b", "c", "d", "e"].map((id) => ({
      id,
      ref: id,
      expression: "(ip.src eq 192.0.2.9)",
      action: "log",
    }));
    const edge = await zone({
      plan: "free",
      rulesets: [{ id: "custom", phase: "http_request_firewall_custom", rules }],
    });
    const lease = aLease(MANY);
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("6 out of 5") },
    });
    // What was begun is found by its mark and taken back.
    expect(await actuator.inspect(lease, edge.reach)).toBe("ours");
    expect(await actuator.revert(lease, edge.reach)).toEqual({ ok: true, value: "restored" });
    expect(await edge.standing()).toMatchObject({ lists: [], blocked: [] });
  });

  it("leaves the rule alone once somebody has changed it", async ({ expect }) => {
    const edge = await zone();
    const lease = aLease(MANY);
    await actuator.apply(lease, edge.reach);
    const rule = (await edge.standing()).rules[1];
    await edge.change(`/zones/zone/rulesets/custom/rules/${rule?.id ?? ""}`, "PATCH", {
      ref: rule?.ref,
      expression: rule?.expression,
      action: "managed_challenge",
    });
    expect(await actuator.verify(lease, edge.reach)).toEqual({ ok: true, value: false });
    expect(await actuator.inspect(lease, edge.reach)).toBe("changed");
    expect(await actuator.apply(lease, edge.reach)).toMatchObject({ error: { class: "refuse" } });
    expect(await actuator.revert(lease, edge.reach)).toEqual({ ok: true, value: "changed" });
    expect(await edge.standing()).toMatchObject({
      blocked: [],
      rules: [{}, { action: "managed_challenge" }],
    });
  });

  it.for([[MANY], [["192.0.2.1"]]] as const)(
    "is undone by the reaper when incident and monitor are gone, and once: %s",
    async ([networks], { expect }) => {
      const edge = await zone();
      const lease = aLease(networks);
      await actuator.apply(lease, edge.reach);
      const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
      expect(await reap(markings, edge.reach, lateMs - 1)).toEqual([]);
      expect(await reap(markings, edge.reach, lateMs)).toEqual([
        { actuator: "cloudflare-block-list", leaseId: ID, outcome: "restored", detail: null },
      ]);
      expect(await edge.standing()).toMatchObject({ lists: [], blocked: [] });
      expect(await reap(markings, edge.reach, lateMs)).toEqual([]);
    },
  );

  it("costs nothing where no zone is configured, and says what is missing", async ({ expect }) => {
    expect(await reap(markings, reachWith(null), Date.now())).toEqual([]);
    expect(actuator.missing(reachWith(null))).toContain("CLOUDFLARE_API_TOKEN");
    const edge = await vendor({});
    expect(actuator.missing(edge.reach({ zoneId: null }))).toBe("CLOUDFLARE_ZONE_ID is not set");
    expect(await actuator.apply(aLease(MANY), edge.strangers)).toMatchObject({
      error: { class: "refuse" },
    });
  });
});
