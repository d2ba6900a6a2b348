import { describe, it } from "vitest";
import type { GuardDeps } from "../../../src/guard/guard.ts";
import { loadPolicy, type LoadedPolicy, type Snapshot } from "../../../src/guard/loaded-policy.ts";
import {
  BYPASS_COOKIE,
  BYPASS_HEADER,
  mintToken,
  PROBE_HEADER,
} from "../../../src/guard/signed.ts";
import { POLICY_HEADER, VERDICT_HEADER } from "../../../src/guard/verdict.ts";
import type { PolicyEntry } from "../../../src/policy/policy.ts";
import { aPolicy, aSettings } from "../../support/policy.ts";
import { forAMinute, guarded, KEY, token } from "./guarded.ts";

describe("the pipeline", () => {
  it("serves a clean request and counts how production answered", async ({ expect }) => {
    const { ask, calls, counted } = guarded([]);
    expect(await (await ask("/cart")).text()).toBe("production");
    expect(calls).toHaveLength(1);
    expect(counted).toMatchObject([
      { outcome: { kind: "served" }, policySeq: "1.1", isFault: false, shadowedIds: [] },
    ]);
  });

  it("answers in production's place while in maintenance, and counts the reason", async ({
    expect,
  }) => {
    const { ask, calls, counted } = guarded([forAMinute()]);
    expect((await ask("/cart")).status).toBe(503);
    expect(calls).toHaveLength(0);
    expect(counted).toMatchObject([{ outcome: { kind: "refused", reason: "maintenance" } }]);
  });

  it("answers a blocked client 403 and nobody else, and counts the reason", async ({ expect }) => {
    const match = { networks: ["192.0.2.0/24"] };
    const { ask, calls, counted } = guarded([forAMinute({ kind: "block-networks", match })]);
    const asks = (address: string) => ask("/", { headers: { "cf-connecting-ip": address } });
    expect((await asks("192.0.2.7")).status).toBe(403);
    expect(await (await asks("198.51.100.7")).text()).toBe("production");
    expect(calls).toHaveLength(1);
    expect(counted).toMatchObject([
      { outcome: { kind: "refused", reason: "blocked" } },
      { outcome: { kind: "served" } },
    ]);
  });

  it("answers for a feature that is switched off, and for nothing else", async ({ expect }) => {
    const { ask, calls, counted } = guarded([
      forAMinute({ kind: "disabled-feature", match: { routes: ["/checkout/*"] } }),
    ]);
    const refused = await ask("/checkout/pay", { method: "POST", body: "eggs" });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(await (await ask("/cart")).text()).toBe("production");
    expect(calls).toHaveLength(1);
    expect(counted).toMatchObject([
      { outcome: { kind: "refused", reason: "disabled_feature" } },
      { outcome: { kind: "served" } },
    ]);
  });

  it("counts production's 5xx as failed, and hands it on as it is", async ({ expect }) => {
    const { ask, counted } = guarded([], {
      origin: async () => new Response("broken", { status: 502 }),
    });
    const response = await ask("/cart");
    expect([response.status, await response.text()]).toEqual([502, "broken"]);
    expect(counted).toMatchObject([{ outcome: { kind: "failed" } }]);
  });

  it("lets an exception of production be production's, and counts it as failed", async ({
    expect,
  }) => {
    let calls = 0;
    const { ask, counted, faults } = guarded([], {
      origin: async () => {
        calls += 1;
        throw new Error("production threw");
      },
    });
    await expect(ask("/cart")).rejects.toThrow("production threw");
    expect(calls).toBe(1);
    expect(counted).toMatchObject([{ outcome: { kind: "failed" }, isFault: false }]);
    expect(faults).toEqual([]);
  });

  it("hands its own routes on, in maintenance too, and counts none of them", async ({ expect }) => {
    const { ask, calls, counted } = guarded([forAMinute()]);
    expect(await (await ask("/_firebreak/health")).text()).toBe("own");
    expect([calls.length, counted.length]).toEqual([0, 0]);
  });

  it("never sends its own routes to production, even when nobody answers them", async ({
    expect,
  }) => {
    const { ask, calls } = guarded([], { ownRoutes: () => Promise.reject(new Error("down")) });
    const response = await ask("/_firebreak/health");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      type: "/_firebreak/problems/control-unreachable",
    });
    expect(calls).toHaveLength(0);
  });

  it("looks at nothing when it is switched off", async ({ expect }) => {
    const { ask, calls, counted } = guarded([forAMinute()], { isOff: true });
    await ask("/_firebreak/health", { headers: { [PROBE_HEADER]: "kept" } });
    expect(calls[0]?.headers.get(PROBE_HEADER)).toBe("kept");
    expect(counted).toHaveLength(0);
  });

  it("passes method and body through untouched", async ({ expect }) => {
    const { ask, calls } = guarded([]);
    await ask("/cart?x=1", { method: "PUT", body: "three eggs", headers: { [PROBE_HEADER]: "x" } });
    const [seen] = calls;
    expect([seen?.method, seen?.url, await seen?.text()]).toEqual([
      "PUT",
      "https://shop.example/cart?x=1",
      "three eggs",
    ]);
  });

  it("counts what shadow would have touched, and serves it", async ({ expect }) => {
    const { ask, counted } = guarded([forAMinute({ id: "s", mode: "shadow" })]);
    expect(await (await ask("/cart")).text()).toBe("production");
    expect(counted).toMatchObject([{ outcome: { kind: "served" }, shadowedIds: ["s"] }]);
  });
});

describe("tokens", () => {
  it.for(["header", "cookie"] as const)(
    "lets an operator through, by %s",
    async (where, { expect }) => {
      const { ask, calls } = guarded([forAMinute()]);
      const bypass = await token("bypass");
      const cookie = `cart=7; ${BYPASS_COOKIE}=${bypass}; theme=dark`;
      const response = await ask("/cart", {
        headers: where === "header" ? { [BYPASS_HEADER]: bypass } : { cookie },
      });
      expect(await response.text()).toBe("production");
      const forwarded = JSON.stringify([...(calls[0]?.headers ?? [])]);
      expect(forwarded).not.toContain(bypass);
      expect(calls[0]?.headers.get("cookie")).toBe(
        where === "cookie" ? "cart=7; theme=dark" : null,
      );
    },
  );

  it("refuses a bypass that is forged, for another purpose, or for another instance", async ({
    expect,
  }) => {
    const { ask } = guarded([forAMinute()]);
    const elsewhere = await mintToken(KEY, {
      instance: "shop.staging",
      kind: "bypass",
      sub: "ada",
      exp: Date.now() + 60_000,
    });
    for (const bypass of ["nonsense", await token("probe"), elsewhere]) {
      expect((await ask("/cart", { headers: { [BYPASS_HEADER]: bypass } })).status).toBe(503);
    }
  });

  it("tells a probe what was decided, and keeps it out of the counts", async ({ expect }) => {
    const { ask, calls, counted } = guarded([forAMinute()]);
    const response = await ask("/cart", { headers: { [PROBE_HEADER]: await token("probe") } });
    expect(response.status).toBe(503);
    expect(response.headers.get(POLICY_HEADER)).toBe("1.1");
    expect(response.headers.get(VERDICT_HEADER)).toBe("maintenance");
    expect([calls.length, counted.length]).toEqual([0, 0]);
  });

  describe("while operators ask that answers name the policy", () => {
    const named = { policyHeaderUntilMs: Date.now() + 60_000 };
    const MAINTENANCE = { kind: "maintenance", match: { routes: ["/closed/*"] } };

    it("names it on what production answers and on what the guard does, and nothing more", async ({
      expect,
    }) => {
      const { ask, counted } = guarded([forAMinute(MAINTENANCE)], {}, named);
      for (const [path, status] of [
        ["/cart", 200],
        ["/closed/cart", 503],
      ] as const) {
        const response = await ask(path);
        expect([response.status, response.headers.get(POLICY_HEADER)]).toEqual([status, "1.1"]);
        expect(response.headers.has(VERDICT_HEADER)).toBe(false);
      }
      expect(counted).toHaveLength(2);
    });

    it("names none after a fault of its own", async ({ expect }) => {
      const broken: Partial<GuardDeps> = {
        snapshots: {
          current: () => {
            throw new Error("broken");
          },
          peek: () => ({
            loaded: loadPolicy(aPolicy({ settings: aSettings(named) })),
            confirmedAtMs: Date.now(),
          }),
        },
      };
      const response = await guarded([], broken, named).ask("/cart");
      expect([await response.text(), response.headers.get(POLICY_HEADER)]).toEqual([
        "production",
        "none",
      ]);
    });

    it("stops by the clock, and never begins by what a client sends", async ({ expect }) => {
      const over = guarded([], {}, { policyHeaderUntilMs: Date.now() - 1 });
      const off = guarded([]);
      const forged = { headers: { [POLICY_HEADER]: "1.1" } };
      for (const { ask } of [over, off]) {
        expect((await ask("/cart", forged)).headers.has(POLICY_HEADER)).toBe(false);
      }
    });
  });

  it("tells a visitor nothing, not even one with a forged probe token", async ({ expect }) => {
    const { ask, calls, counted } = guarded([]);
    const response = await ask("/cart", { headers: { [PROBE_HEADER]: "nonsense" } });
    expect([...response.headers.keys()].filter((name) => name.includes("firebreak"))).toEqual([]);
    expect(calls[0]?.headers.has(PROBE_HEADER)).toBe(false);
    expect(counted).toHaveLength(1);
  });
});

const broken = (what: string) => (): never => {
  throw new Error(`${what} broke`);
};
/** The same object, but reading this member throws. */
const trapped = <T extends object>(target: T, name: keyof T & string): T =>
  Object.defineProperty({ ...target }, name, { get: broken(name) });

const inMaintenance = aPolicy({ entries: [forAMinute()], settings: aSettings() });
const loadedNow = (loaded: LoadedPolicy): Snapshot => ({ loaded, confirmedAtMs: Date.now() });
const brokenSettings = (entry: PolicyEntry, name: "emergencyCache" | "messages") => {
  const policy = aPolicy({ entries: [entry] });
  return loadedNow({
    ...loadPolicy(policy),
    policy: { ...policy, settings: trapped(aSettings(), name) },
  });
};
/** A policy that blocks, whose table cannot be read. */
function withBrokenTable(): LoadedPolicy {
  const match = { networks: ["192.0.2.7"] };
  const loaded = loadPolicy(aPolicy({ entries: [forAMinute({ kind: "block-networks", match })] }));
  if (loaded.clients === null) throw new Error("the policy names clients");
  const { clients } = loaded;
  return { ...loaded, clients: { ...clients, networks: trapped(clients.networks, "v4") } };
}
/** Snapshots that break one step of the path each. */
const BROKEN = {
  facts: loadedNow({ ...loadPolicy(inMaintenance), policy: trapped(inMaintenance, "settings") }),
  decide: loadedNow(trapped(loadPolicy(inMaintenance), "entries")),
  answers: brokenSettings(forAMinute(), "messages"),
  feature: brokenSettings(
    forAMinute({ kind: "disabled-feature", match: { routes: ["/cart"] } }),
    "messages",
  ),
  networks: loadedNow(withBrokenTable()),
  cache: brokenSettings(forAMinute({ kind: "emergency-cache" }), "emergencyCache"),
};
const holding = (snapshot: Snapshot): Partial<GuardDeps> => ({
  snapshots: { current: async () => snapshot, peek: () => snapshot },
});

describe("a fault of the guard's own, at every step, still serves production once", () => {
  it.for([
    ["the snapshot throws", { snapshots: { current: broken("snapshot"), peek: () => null } }],
    [
      "the snapshot rejects",
      { snapshots: { current: async () => broken("snapshot")(), peek: () => null } },
    ],
    ["peek throws as well", { snapshots: { current: broken("snapshot"), peek: broken("peek") } }],
    ["facts: the settings throw", holding(BROKEN.facts)],
    ["decide: the entries throw", holding(BROKEN.decide)],
    ["answers: the messages throw", holding(BROKEN.answers)],
    ["a blocked network: the table throws", holding(BROKEN.networks)],
    ["the emergency cache: its settings throw", holding(BROKEN.cache)],
    ["a switched-off feature: its words throw", holding(BROKEN.feature)],
    ["the fault log throws too", { ...holding(BROKEN.decide), onFault: broken("log") }],
  ] satisfies [string, Partial<GuardDeps>][])("%s", async ([, changes], { expect }) => {
    const { ask, calls, counted } = guarded([], changes);
    const response = await ask("/cart", {
      method: "POST",
      body: "three eggs",
      headers: { "cf-connecting-ip": "192.0.2.7" },
    });
    expect(await response.text()).toBe("production");
    expect(calls).toHaveLength(1);
    expect(await calls[0]?.text()).toBe("three eggs");
    expect(counted).toMatchObject([{ outcome: { kind: "served" }, isFault: true }]);
  });

  it("the tokens: a key throws, and the token is still not forwarded", async ({ expect }) => {
    const { ask, calls, counted } = guarded([], { keys: [trapped(KEY, "kid")] });
    const init = { headers: { [BYPASS_HEADER]: await token("bypass") } };
    expect(await (await ask("/cart", init)).text()).toBe("production");
    expect(calls.map(({ headers }) => headers.has(BYPASS_HEADER))).toEqual([false]);
    expect(counted).toMatchObject([{ isFault: true }]);
  });

  it("counts that production is asked before it answers", async ({ expect }) => {
    const never = new Promise<Response>(() => undefined);
    const { ask, asked, counted } = guarded([], { origin: () => never });
    void ask("/cart");
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([asked.length, counted.length]).toEqual([1, 0]);
  });

  it("after the call: the counter throws, and the answer already held is given", async ({
    expect,
  }) => {
    const { ask, calls } = guarded([], {
      telemetry: {
        ask: broken("telemetry"),
        record: broken("telemetry"),
        recordChallenge: broken("telemetry"),
      },
    });
    expect(await (await ask("/cart")).text()).toBe("production");
    expect(calls).toHaveLength(1);
  });

  it("after the call: marking a probe's answer fails, and the answer is given unmarked", async ({
    expect,
  }) => {
    const { ask } = guarded([], {
      // Its body is spent, so no marked copy of it can be made.
      origin: async () => {
        const response = new Response("spent");
        await response.text();
        return response;
      },
    });
    const response = await ask("/cart", { headers: { [PROBE_HEADER]: await token("probe") } });
    expect([response.status, response.headers.get(VERDICT_HEADER)]).toEqual([200, null]);
  });

  it("refuses instead where an entry in force declared that it fails closed", async ({
    expect,
  }) => {
    const closed = forAMinute({ kind: "read-only", fail: "closed" });
    const policy = aPolicy({ entries: [closed] });
    const loaded = { ...loadPolicy(policy), policy: trapped(policy, "settings") };
    const { ask, calls, counted } = guarded([], holding(loadedNow(loaded)));
    const refused = await ask("/cart", { method: "POST" });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ type: "/_firebreak/problems/guard-fault" });
    expect(counted).toMatchObject([{ outcome: { kind: "refused", reason: "guard_fault" } }]);
    expect(await (await ask("/cart")).text()).toBe("production");
    expect(calls).toHaveLength(1);
  });

  it("refuses a closed feature on its own routes, and serves the rest", async ({ expect }) => {
    const match = { routes: ["/checkout/*"] };
    const closed = forAMinute({ kind: "disabled-feature", fail: "closed", match });
    const policy = aPolicy({ entries: [closed] });
    const loaded = { ...loadPolicy(policy), policy: trapped(policy, "settings") };
    const { ask, calls } = guarded([], holding(loadedNow(loaded)));
    expect((await ask("/checkout/pay")).status).toBe(503);
    expect((await ask("/cart")).status).toBe(200);
    expect(calls).toHaveLength(1);
  });
});
