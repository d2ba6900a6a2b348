import { describe, it } from "vitest";
import { closedEntry, decide } from "../../../src/guard/decide.ts";
import { knowing, readFacts, type RequestFacts } from "../../../src/guard/facts.ts";
import type { LimitEntry } from "../../../src/guard/limits/limit-table.ts";
import type { Meter } from "../../../src/guard/limits/meter.ts";
import type { LimitDecision } from "../../../src/guard/limits/rate-limit.ts";
import { loadPolicy, type Snapshot } from "../../../src/guard/loaded-policy.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 100_000;
const STALE_AFTER_MS = 900_000;

const request = (changes: Partial<RequestFacts> = {}, address = "192.0.2.7"): RequestFacts =>
  knowing(
    readFacts(
      new Request("https://shop.example/", { headers: { "cf-connecting-ip": address } }),
      { clientAddress: "cloudflare" },
      null,
    ),
    changes,
  );
const snapshotOf = (
  entries: readonly PolicyEntry[],
  settings: Partial<GuardSettings> = {},
  confirmedAtMs = NOW_MS,
): Snapshot => ({
  loaded: loadPolicy(aPolicy({ entries: [...entries], settings: aSettings(settings) })),
  confirmedAtMs,
});

const QUOTA = { limit: 50, windowMs: 60_000, by: ["address"] };
const limit = (changes: Partial<PolicyEntry> = {}): PolicyEntry =>
  anEntry({ id: "l", kind: "rate-limit", action: QUOTA, ...changes });

const REFUSAL: LimitDecision = { kind: "refuse", reason: "limited", retryAfterMs: 1_200 };

/** A meter that says the same of every limit, and which entries it was asked about. */
function metering(said: LimitDecision | ((limit: LimitEntry) => LimitDecision) = REFUSAL) {
  const asked: string[] = [];
  const meter: Meter = {
    read: (one) => {
      asked.push(one.entry.id);
      return typeof said === "function" ? said(one) : said;
    },
    left: () => ({ remaining: 0, resetMs: 0 }),
    answered: async () => undefined,
  };
  return { meter, asked };
}

const decided = (facts: RequestFacts, snapshot: Snapshot, { meter } = metering()) => {
  const { verdict } = decide(facts, snapshot, NOW_MS, meter);
  return `${verdict.action} ${verdict.reason} ${verdict.entryId ?? "-"}`;
};

const BLOCK = anEntry({
  id: "b",
  kind: "block-networks",
  match: { networks: ["192.0.2.0/24"] },
});
const everyone = anEntry({ id: "m" });
const ALLOWLIST = { allowlist: ["192.0.2.7"] };
const WEBHOOKS = {
  protectedClasses: { ownMonitors: true, verifiedBots: true, webhookRoutes: ["/hooks/*"] },
};

describe("in order: block, rate limit, maintenance", () => {
  it.for([
    ["over the limit", request(), [limit()], {}, "limit limited l"],
    ["blocked as well", request(), [limit(), BLOCK], {}, "block blocked b"],
    ["in maintenance as well", request(), [everyone, limit()], {}, "limit limited l"],
    ["an operator", request({ operator: "ada" }), [limit()], {}, "serve operator_bypass -"],
    ["on the allowlist", request(), [limit()], ALLOWLIST, "serve clean -"],
    [
      "on the allowlist, in maintenance",
      request(),
      [limit(), everyone],
      ALLOWLIST,
      "maintenance maintenance m",
    ],
    ["a probe of ours", request({ isProbe: true }), [limit()], {}, "serve clean -"],
    ["a verified bot", request({ isVerifiedBot: () => true }), [limit()], {}, "serve clean -"],
    ["a webhook's delivery", request({ path: "/hooks/pay" }), [limit()], WEBHOOKS, "serve clean -"],
    [
      "a path that routers may read as a webhook's",
      request({ path: "/hooks/pay", isPlainPath: false }),
      [limit()],
      WEBHOOKS,
      "limit limited l",
    ],
    [
      "a route, written otherwise",
      request({ path: "/Sign-In/" }),
      [limit({ match: { routes: ["/sign-in"] } })],
      {},
      "limit limited l",
    ],
    [
      "a route, to some routers",
      request({ path: "/", otherPaths: ["/api/a%2f..%2f.."], isPlainPath: false }),
      [limit({ match: { routes: ["/api/*"] } })],
      {},
      "limit limited l",
    ],
    [
      "a route that is switched off, to some routers",
      request({ path: "/", otherPaths: ["/pay/a%2f..%2f.."], isPlainPath: false }),
      [anEntry({ id: "f", kind: "disabled-feature", match: { routes: ["/pay/*"] } })],
      {},
      "disabled_feature disabled_feature f",
    ],
  ] as const)("%s", ([, facts, entries, settings, expected], { expect }) => {
    expect(decided(facts, snapshotOf([...entries], settings))).toBe(expected);
  });
});

it.for([
  ["limited", "limited"],
  ["blocked", "limited_for_a_while"],
  ["unavailable", "limit_unavailable"],
] as const)("says which: %s", ([reason, verdict], { expect }) => {
  const said = { kind: "refuse", reason, retryAfterMs: 7 } as const;
  const decision = decide(request(), snapshotOf([limit()]), NOW_MS, metering(said).meter);
  expect([decision.verdict.reason, decision.limited]).toEqual([verdict, said]);
});

it("never counts who is exempt, nor what another stage has refused", ({ expect }) => {
  for (const [facts, entries, settings] of [
    [request(), [limit()], ALLOWLIST],
    [request({ isProbe: true }), [limit()], {}],
    [request(), [limit(), BLOCK], {}],
    [request({ operator: "ada" }), [limit()], {}],
  ] as const) {
    const { meter, asked } = metering();
    decide(facts, snapshotOf([...entries], settings), NOW_MS, meter);
    expect(asked).toEqual([]);
  }
});

describe("counts a request only where the entry says", () => {
  it.for([
    ["every route and method", {}, { path: "/any", method: "PATCH" }, true],
    ["its path", { routes: ["/sign-in"] }, { path: "/sign-in" }, true],
    ["another path", { routes: ["/sign-in"] }, { path: "/sign-in/help" }, false],
    ["below its prefix", { routes: ["/api/*"] }, { path: "/api/v1/cart" }, true],
    ["beside its prefix", { routes: ["/api/*"] }, { path: "/apis" }, false],
    ["its method", { methods: ["POST"] }, { method: "POST" }, true],
    ["another method", { methods: ["POST"] }, { method: "GET" }, false],
    ["a HEAD, which is a GET without its body", { methods: ["GET"] }, { method: "HEAD" }, true],
    ["a HEAD, where writes are counted", { methods: ["POST"] }, { method: "HEAD" }, false],
    ["its network", { networks: ["192.0.2.0/24"] }, {}, true],
    ["another network", { networks: ["198.51.100.0/24"] }, {}, false],
    ["its operator", { asns: [64_496] }, { place: () => ({ asn: 64_496, country: null }) }, true],
    ["another operator", { asns: [64_496] }, { place: () => ({ asn: 1, country: null }) }, false],
    [
      "no operator known",
      { asns: [64_496] },
      { place: () => ({ asn: null, country: null }) },
      false,
    ],
    ["its country", { countries: ["NL"] }, { place: () => ({ asn: null, country: "NL" }) }, true],
    [
      "its network, on another route",
      { networks: ["192.0.2.0/24"], routes: ["/sign-in"] },
      { path: "/" },
      false,
    ],
    [
      "its network and route",
      { networks: ["192.0.2.0/24"], routes: ["/sign-in"] },
      { path: "/sign-in" },
      true,
    ],
  ] as const)("%s: %s", ([, match, facts, isCounted], { expect }) => {
    const { meter, asked } = metering();
    decide(request(facts), snapshotOf([limit({ match })]), NOW_MS, meter);
    expect(asked).toEqual(isCounted ? ["l"] : []);
  });
});

it("counts once where several routes of a limit match, and on each where it counts by route", ({
  expect,
}) => {
  const match = { routes: ["/a/*", "/a/b", "/*"] };
  const facts = request({ path: "/a/b" });
  const together = metering();
  decide(facts, snapshotOf([limit({ match })]), NOW_MS, together.meter);
  expect(together.asked).toEqual(["l"]);

  const seeds = new Set<string>();
  const apart = metering(({ rule }) => {
    seeds.add(rule.seeds.join());
    return { kind: "admit" };
  });
  const byRoute = limit({ match, action: { ...QUOTA, by: ["address", "route"] } });
  decide(facts, snapshotOf([byRoute]), NOW_MS, apart.meter);
  expect([apart.asked.length, seeds.size]).toEqual([3, 3]);
});

describe("in shadow", () => {
  const shadow = limit({ id: "s", mode: "shadow" });

  it("refuses nobody, and says whom it would have refused", ({ expect }) => {
    const decision = decide(request(), snapshotOf([shadow]), NOW_MS, metering().meter);
    expect([decision.verdict.action, decision.verdict.reason, decision.shadowedIds]).toEqual([
      "serve",
      "shadowed",
      ["s"],
    ]);
  });

  it("says nothing of whom it would have admitted", ({ expect }) => {
    const { meter } = metering({ kind: "admit" });
    expect(decide(request(), snapshotOf([shadow]), NOW_MS, meter)).toMatchObject({
      verdict: { reason: "clean" },
      shadowedIds: [],
    });
  });

  it("counts apart from what is enforced, and is never so exact that it keeps anyone waiting", ({
    expect,
  }) => {
    const strict = { ...QUOTA, accuracy: "strict" };
    const laid = (mode: PolicyEntry["mode"]) =>
      snapshotOf([limit({ mode, action: strict })]).loaded.limits?.all[0]?.rule;
    expect(laid("enforce")?.accuracy).toBe("strict");
    expect(laid("shadow")?.accuracy).toBe("shared");
    expect(laid("shadow")?.seeds).not.toEqual(laid("enforce")?.seeds);
  });
});

describe("what only a shard knows", () => {
  const ask: LimitDecision = { kind: "ask" };

  it("is needed, from all limits at once, before the decision stands", ({ expect }) => {
    const { meter, asked } = metering(ask);
    const entries = [limit({ id: "l1" }), limit({ id: "l2" })];
    const decision = decide(request(), snapshotOf(entries), NOW_MS, meter);
    expect([decision.needs, asked]).toEqual(["limit", ["l1", "l2"]]);
  });

  it("is asked last, after limits that memory decides", ({ expect }) => {
    const { meter, asked } = metering();
    const entries = (["strict", "shared", "isolate"] as const).map((accuracy) =>
      limit({ id: accuracy, action: { ...QUOTA, accuracy } }),
    );
    decide(request(), snapshotOf(entries), NOW_MS, meter);
    expect(asked).toEqual(["isolate"]);
  });
});

describe("a limit of the site's own", () => {
  const settings = {
    limits: [
      {
        id: "sign-in",
        match: { routes: ["/sign-in"] },
        action: QUOTA,
        mode: "enforce",
        fail: "open",
      },
    ],
  } as const satisfies Partial<GuardSettings>;
  const facts = request({ path: "/sign-in" });

  it("is enforced without any lease", ({ expect }) => {
    expect(decided(facts, snapshotOf([], { limits: [...settings.limits] }))).toBe(
      "limit limited site:sign-in",
    );
  });

  it("stands however long nobody has confirmed the policy, unlike a lease", ({ expect }) => {
    const old = NOW_MS - STALE_AFTER_MS - 1;
    expect(decided(facts, snapshotOf([], { limits: [...settings.limits] }, old))).toBe(
      "limit limited site:sign-in",
    );
    expect(decided(facts, snapshotOf([limit()], {}, old))).toBe("serve no_policy -");
    expect(decided(facts, snapshotOf([limit({ fail: "closed" })], {}, old))).toBe(
      "limit limited l",
    );
  });
});

describe("after a fault of the guard's own", () => {
  const closed = limit({ fail: "closed", match: { routes: ["/sign-in"], methods: ["POST"] } });
  it.for([
    ["on its route, by its method", closed, { method: "POST", path: "/sign-in" }, "l"],
    ["on another route", closed, { method: "POST", path: "/" }, undefined],
    ["by another method", closed, { method: "GET", path: "/sign-in" }, undefined],
    [
      "one that fails open",
      { ...closed, fail: "open" },
      { method: "POST", path: "/sign-in" },
      undefined,
    ],
    [
      "one in shadow",
      { ...closed, mode: "shadow" },
      { method: "POST", path: "/sign-in" },
      undefined,
    ],
    [
      "one that names clients",
      { ...closed, match: { networks: ["192.0.2.0/24"] } },
      { method: "POST", path: "/sign-in" },
      undefined,
    ],
  ] as const)("%s", ([, entry, asked, expected], { expect }) => {
    expect(closedEntry(asked, snapshotOf([entry]), NOW_MS)?.entry.id).toBe(expected);
  });
});

it("ends at the exact moment it expires", ({ expect }) => {
  const at = (expiresAtMs: number) => decided(request(), snapshotOf([limit({ expiresAtMs })]));
  expect(at(NOW_MS)).toBe("serve clean -");
  expect(at(NOW_MS + 1)).toBe("limit limited l");
});

it("announces only what says so, and only while it admits", ({ expect }) => {
  const snapshot = snapshotOf([
    limit({ id: "quiet" }),
    limit({ id: "loud", action: { ...QUOTA, announce: true } }),
    limit({ id: "rehearsed", mode: "shadow", action: { ...QUOTA, announce: true } }),
  ]);
  const admitted = decide(request(), snapshot, NOW_MS, metering({ kind: "admit" }).meter);
  expect(admitted.announced.map(({ entry }) => entry.id)).toEqual(["loud"]);
  expect(decide(request(), snapshot, NOW_MS, metering().meter).announced).toEqual([]);
});

describe("what this version does not understand is left alone, and counted", () => {
  it.for([
    ["another word in its match", { match: { cookies: ["a"] } }],
    ["a part it does not know", { action: { ...QUOTA, by: ["address", "mood"] } }],
    ["no limit", { action: { windowMs: 1_000, by: ["address"] } }],
    ["sessions from nowhere", { action: { ...QUOTA, by: ["session"] } }],
    [
      "a source of sessions that it does not use",
      { action: { ...QUOTA, session: { cookie: "a" } } },
    ],
    ["routes without routes", { action: { ...QUOTA, by: ["route"] } }],
    [
      "a penalty that is not used",
      { action: { ...QUOTA, penalty: { firstMs: 1, maxMs: 1, forgetMs: 1 } } },
    ],
    ["a method in small letters", { match: { methods: ["post"] } }],
  ] as const)("%s", ([, changes], { expect }) => {
    const { loaded } = snapshotOf([limit(changes)]);
    expect([loaded.unknownEntries, loaded.limits]).toEqual([1, null]);
  });

  it("refuses to enforce any when they count sessions by too many cookies", ({ expect }) => {
    const by = (name: string) =>
      limit({ id: name, action: { ...QUOTA, by: ["session"], session: { cookie: name } } });
    const names = Array.from({ length: 9 }, (_, index) => `c${index}`);
    expect(snapshotOf(names.slice(0, 8).map(by)).loaded.limits?.all).toHaveLength(8);
    const { loaded } = snapshotOf(names.map(by));
    expect([loaded.limits, loaded.unknownEntries]).toEqual([null, 9]);
  });
});

it("knows addresses in every spelling", ({ expect }) => {
  const { meter, asked } = metering();
  const match = { networks: ["192.0.2.7"] };
  decide(request({}, "::ffff:192.0.2.7"), snapshotOf([limit({ match })]), NOW_MS, meter);
  expect(asked).toEqual(["l"]);
});
