import fc from "fast-check";
import { describe, it } from "vitest";
import { closedEntry, decide } from "../../../src/guard/decide.ts";
import type { RequestFacts } from "../../../src/guard/facts.ts";
import { loadPolicy, type Snapshot } from "../../../src/guard/loaded-policy.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { factsFrom } from "../../support/isolates.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 100_000;
const STALE_AFTER_MS = 900_000;

const request = (changes: Partial<RequestFacts> = {}): RequestFacts =>
  factsFrom(0, {
    path: "/",
    clientKey: () => "192.0.2.1",
    address: null,
    place: () => ({ asn: null, country: null }),
    header: () => null,
    isGraphqlRead: null,
    ...changes,
  });
const snapshotOf = (
  entries: readonly PolicyEntry[],
  settings: Partial<GuardSettings> = {},
  confirmedAtMs = NOW_MS,
): Snapshot => ({
  loaded: loadPolicy(aPolicy({ entries: [...entries], settings: aSettings(settings) })),
  confirmedAtMs,
});
const decided = (facts: Partial<RequestFacts>, ...snapshot: Parameters<typeof snapshotOf>) => {
  const { verdict } = decide(request(facts), snapshotOf(...snapshot), NOW_MS);
  return `${verdict.action} ${verdict.reason} ${verdict.entryId ?? "-"}`;
};

const everyone = anEntry({ id: "m" });
const writes = anEntry({ id: "r", kind: "read-only" });
const from = (startsAtMs: number) => anEntry({ id: "w", match: { startsAtMs } });
const ASSETS = { staticAssets: ["/assets/*"] };
const ASSET_SERVED = "serve static_asset m";
const WEBHOOKS = { maintenanceExempt: ["/webhooks/*"], readOnlyExempt: ["/login"] };

describe("in order, first match wins", () => {
  it.for([
    ["nothing in force", {}, [], {}, "serve clean -"],
    ["maintenance", {}, [everyone], {}, "maintenance maintenance m"],
    ["an operator, in maintenance", { operator: "ada" }, [everyone], {}, "serve operator_bypass -"],
    [
      "maintenance before read-only",
      { method: "POST" },
      [writes, everyone],
      {},
      "maintenance maintenance m",
    ],
    [
      "an exempt route",
      { path: "/webhooks/pay" },
      [everyone],
      WEBHOOKS,
      "serve maintenance_exempt m",
    ],
    [
      "exempt from one, not the other",
      { path: "/webhooks/pay", method: "POST" },
      [everyone, writes],
      WEBHOOKS,
      "read_only read_only r",
    ],
    ["a write, read-only", { method: "POST" }, [writes], {}, "read_only read_only r"],
    ["a delete, read-only", { method: "DELETE" }, [writes], {}, "read_only read_only r"],
    ["an unheard-of method, read-only", { method: "PURGE" }, [writes], {}, "read_only read_only r"],
    ["a read, read-only", { method: "GET" }, [writes], {}, "serve clean -"],
    ["a HEAD, read-only", { method: "HEAD" }, [writes], {}, "serve clean -"],
    ["a preflight, read-only", { method: "OPTIONS" }, [writes], {}, "serve clean -"],
    [
      "an exempt write",
      { path: "/login", method: "POST" },
      [writes],
      WEBHOOKS,
      "serve read_only_exempt r",
    ],
    [
      "exempt, but routers may differ",
      { path: "/webhooks/pay", isPlainPath: false },
      [everyone],
      WEBHOOKS,
      "maintenance maintenance m",
    ],
    ["exempt, with nothing in force", { path: "/webhooks/pay" }, [], WEBHOOKS, "serve clean -"],
    [
      "an entry for other routes",
      { path: "/about" },
      [anEntry({ match: { routes: ["/shop/*"] } })],
      {},
      "serve clean -",
    ],
    [
      "an entry for this route",
      { path: "/shop/1" },
      [anEntry({ id: "s", match: { routes: ["/shop/*"] } })],
      {},
      "maintenance maintenance s",
    ],
    [
      "an entry for this route, disguised",
      { path: "/shop/1", isPlainPath: false },
      [anEntry({ id: "s", match: { routes: ["/shop/*"] } })],
      {},
      "maintenance maintenance s",
    ],
    ["shadow", {}, [anEntry({ id: "s", mode: "shadow" })], {}, "serve shadowed s"],
    [
      "shadow beside enforced",
      {},
      [anEntry({ id: "s", mode: "shadow" }), everyone],
      {},
      "maintenance maintenance m",
    ],
    ["share none", {}, [anEntry({ share: 0 })], {}, "serve clean -"],
    ["a window before it begins", {}, [from(NOW_MS + 1)], {}, "serve clean -"],
    ["a window as it begins", {}, [from(NOW_MS)], {}, "maintenance maintenance w"],
    ["an asset, in maintenance", { path: "/assets/a.css" }, [everyone], ASSETS, ASSET_SERVED],
    ["its HEAD", { path: "/assets/a.css", method: "HEAD" }, [everyone], ASSETS, ASSET_SERVED],
    [
      "a write among assets",
      { path: "/assets/a.css", method: "POST" },
      [everyone],
      ASSETS,
      "maintenance maintenance m",
    ],
    [
      "an asset that routers may read differently",
      { path: "/assets/a.css", isPlainPath: false },
      [everyone],
      ASSETS,
      "maintenance maintenance m",
    ],
    [
      "an asset of a feature that is off",
      { path: "/assets/a.css" },
      [everyone, anEntry({ id: "f", kind: "disabled-feature", match: { routes: ["/assets/*"] } })],
      ASSETS,
      "disabled_feature disabled_feature f",
    ],
    ["a kind of a later version", {}, [anEntry({ kind: "queue" })], {}, "serve clean -"],
    ["words of a later version", {}, [anEntry({ match: { hosts: ["a"] } })], {}, "serve clean -"],
  ] as const)("%s", ([, facts, entries, settings, expected], { expect }) => {
    expect(decided(facts, [...entries], settings as Partial<GuardSettings>)).toBe(expected);
  });
});

const checkoutOff = (changes: Partial<PolicyEntry> = {}) =>
  anEntry({
    id: "f",
    kind: "disabled-feature",
    match: { routes: ["/checkout/*", "/pay"] },
    ...changes,
  });
const saying = (value: string) => (): string => value;
const OFF = "disabled_feature disabled_feature f";
const byHeader = (header: object) => checkoutOff({ match: { routes: ["/pay"], header } });
const FEATURES: GuardSettings["features"] = [
  { id: "checkout", routes: ["/checkout/*"], header: null },
  { id: "latest", routes: [], header: null },
  { id: "beta", routes: ["/a"], header: { name: "x-beta", value: "1" } },
];
const named = (feature: string) => checkoutOff({ match: { feature } });

describe("a disabled feature", () => {
  it.for([
    ["on its prefix", { path: "/checkout/pay" }, [checkoutOff()], OFF],
    ["on its path", { path: "/pay", method: "POST" }, [checkoutOff()], OFF],
    ["on its path, disguised", { path: "/pay", isPlainPath: false }, [checkoutOff()], OFF],
    ["on its path, in capitals", { path: "/PAY/" }, [checkoutOff()], OFF],
    ["elsewhere", { path: "/cart" }, [checkoutOff()], "serve clean -"],
    ["with its header", { path: "/pay", header: saying("3") }, [byHeader({ name: "x-app" })], OFF],
    ["without its header", { path: "/pay" }, [byHeader({ name: "x-app" })], "serve clean -"],
    [
      "its value",
      { path: "/pay", header: saying("3") },
      [byHeader({ name: "x", value: "3" })],
      OFF,
    ],
    [
      "another value",
      { path: "/pay", header: saying("31") },
      [byHeader({ name: "x", value: "3" })],
      "serve clean -",
    ],
    ["by name", { path: "/checkout/pay" }, [named("checkout")], OFF],
    ["by name, elsewhere", { path: "/cart" }, [named("checkout")], "serve clean -"],
    ["by name, with a header", { path: "/a", header: saying("1") }, [named("beta")], OFF],
    ["by name, without", { path: "/a" }, [named("beta")], "serve clean -"],
    ["by a name that only production knows", { path: "/a" }, [named("latest")], "serve clean -"],
    ["a name the site lacks", { path: "/checkout/pay" }, [named("gone")], "serve clean -"],
    [
      "all of the site",
      { path: "/a" },
      [checkoutOff({ match: { routes: ["/*"] } })],
      "serve clean -",
    ],
    ["no route at all", { path: "/a" }, [checkoutOff({ match: {} })], "serve clean -"],
    [
      "to an operator",
      { path: "/pay", operator: "ada" },
      [checkoutOff()],
      "serve operator_bypass -",
    ],
    ["in shadow", { path: "/pay" }, [checkoutOff({ mode: "shadow" })], "serve shadowed f"],
    ["after maintenance", { path: "/pay" }, [checkoutOff(), everyone], "maintenance maintenance m"],
    [
      "after read-only",
      { path: "/pay", method: "POST" },
      [checkoutOff(), writes],
      "read_only read_only r",
    ],
    [
      "where maintenance is exempt",
      { path: "/webhooks/pay" },
      [everyone, checkoutOff({ match: { routes: ["/webhooks/*"] } })],
      OFF,
    ],
  ] as const)("%s", ([, facts, entries, expected], { expect }) => {
    expect(decided(facts, [...entries], { ...WEBHOOKS, features: FEATURES })).toBe(expected);
  });

  it("asks for the header that the entry names", ({ expect }) => {
    const asked: string[] = [];
    const header = (name: string): null => {
      asked.push(name);
      return null;
    };
    decided({ path: "/pay", header }, [byHeader({ name: "x-app" })]);
    expect(asked).toEqual(["x-app"]);
  });
});

describe("the emergency cache", () => {
  const cache = anEntry({ id: "c", kind: "emergency-cache" });
  const scopeFor = (facts: Partial<RequestFacts>, entries: readonly PolicyEntry[]) => {
    const decision = decide(request(facts), snapshotOf(entries, WEBHOOKS), NOW_MS);
    return `${decision.cache?.entry.id ?? "-"} ${decision.verdict.reason} ${decision.shadowedIds.join()}`;
  };

  it.for([
    ["a read", {}, [cache], "c clean "],
    ["a HEAD", { method: "HEAD" }, [cache], "c clean "],
    ["a write", { method: "POST" }, [cache], "- clean "],
    ["a preflight", { method: "OPTIONS" }, [cache], "- clean "],
    ["a read with a cookie", { headerNames: () => ["cookie"] }, [cache], "- clean "],
    ["a path that routers may differ on", { isPlainPath: false }, [cache], "- clean "],
    ["a client certificate", { hasClientCertificate: () => true }, [cache], "- clean "],
    ["an operator", { operator: "ada" }, [cache], "- operator_bypass "],
    ["maintenance", {}, [cache, everyone], "- maintenance "],
    ["read-only", {}, [cache, writes], "c clean "],
    [
      "exempt from maintenance",
      { path: "/webhooks/a" },
      [cache, everyone],
      "c maintenance_exempt ",
    ],
    ["in shadow", {}, [{ ...cache, mode: "shadow" }], "- shadowed c"],
    ["in shadow, for a write", { method: "POST" }, [{ ...cache, mode: "shadow" }], "- clean "],
    ["another route", { path: "/a" }, [{ ...cache, match: { routes: ["/b"] } }], "- clean "],
    ["expired", {}, [{ ...cache, expiresAtMs: NOW_MS }], "- clean "],
  ] satisfies [string, Partial<RequestFacts>, PolicyEntry[], string][])(
    "%s",
    ([, facts, entries, expected], { expect }) => {
      expect(scopeFor(facts, entries)).toBe(expected);
    },
  );

  it("refuses nobody after a fault, although it says that it fails closed", ({ expect }) => {
    const closed = snapshotOf([{ ...cache, fail: "closed" }]);
    expect(closedEntry({ method: "GET", path: "/" }, closed, NOW_MS)).toBeNull();
  });
});

const GRAPHQL = { graphqlRoutes: ["/graphql", "/api/*"] };

describe("in read-only, a GraphQL body is asked for only where it decides", () => {
  const shadow = anEntry({ id: "s", kind: "read-only", mode: "shadow" });
  const post = { method: "POST", path: "/graphql" };
  it.for([
    ["a POST, read-only", post, [writes], "body"],
    ["a POST below a prefix", { ...post, path: "/api/graphql" }, [writes], "body"],
    ["a POST, read-only in shadow", post, [shadow], "body"],
    ["nothing in force", post, [], null],
    ["maintenance", post, [everyone, writes], null],
    ["another route", { ...post, path: "/cart" }, [writes], null],
    ["another method", { ...post, method: "PUT" }, [writes], null],
    ["a GET", { ...post, method: "GET" }, [writes], null],
    ["a path that routers may differ on", { ...post, isPlainPath: false }, [writes], null],
    ["a body that was read", { ...post, isGraphqlRead: false }, [writes], null],
    ["an operator", { ...post, operator: "ada" }, [writes], null],
  ] as const)("%s: %s", ([, facts, inForce, expected], { expect }) => {
    const snapshot = snapshotOf([...inForce], GRAPHQL);
    expect(decide(request(facts), snapshot, NOW_MS).needs).toBe(expected);
  });

  it("serves what only reads, in shadow without counting it", ({ expect }) => {
    const reading = request({ ...post, isGraphqlRead: true });
    for (const inForce of [writes, shadow]) {
      const { verdict, shadowedIds } = decide(reading, snapshotOf([inForce], GRAPHQL), NOW_MS);
      expect([verdict.reason, shadowedIds]).toEqual(["clean", []]);
    }
  });
});

it("serves production in an isolate that has never seen a policy", ({ expect }) => {
  expect(decide(request(), null, NOW_MS).verdict).toEqual({
    action: "serve",
    reason: "no_policy",
    entryId: null,
    policySeq: null,
  });
});

it("ends an entry at the exact moment it expires", ({ expect }) => {
  const at = (expiresAtMs: number) => decided({}, [anEntry({ id: "m", expiresAtMs })]);
  expect(at(NOW_MS - 1)).toBe("serve clean -");
  expect(at(NOW_MS)).toBe("serve clean -");
  expect(at(NOW_MS + 1)).toBe("maintenance maintenance m");
});

it("fails open or closed, as each entry says, once nobody has confirmed it for too long", ({
  expect,
}) => {
  const open = anEntry({ id: "o", expiresAtMs: NOW_MS * 100 });
  const closed = anEntry({ id: "c", fail: "closed", expiresAtMs: NOW_MS * 100 });
  const at = (entry: PolicyEntry, ageMs: number) => decided({}, [entry], {}, NOW_MS - ageMs);
  expect(at(open, STALE_AFTER_MS)).toBe("maintenance maintenance o");
  expect(at(open, STALE_AFTER_MS + 1)).toBe("serve no_policy -");
  expect(at(closed, STALE_AFTER_MS + 1)).toBe("maintenance maintenance c");
});

it("counts what shadow would have touched, and what this version does not know", ({ expect }) => {
  const entries = [
    anEntry({ id: "s1", mode: "shadow" }),
    anEntry({ id: "s2", mode: "shadow", kind: "read-only" }),
    anEntry({ id: "x", kind: "queue" }),
  ];
  const snapshot = snapshotOf(entries);
  expect(decide(request({ method: "POST" }), snapshot, NOW_MS).shadowedIds).toEqual(["s1", "s2"]);
  expect(decide(request(), snapshot, NOW_MS).shadowedIds).toEqual(["s1"]);
  expect(snapshot.loaded.unknownEntries).toBe(1);
});

it("answers a fault of its own with refusal only where an entry in force said so", ({ expect }) => {
  const closed = anEntry({ id: "c", kind: "read-only", fail: "closed" });
  const idFor = (method: string, entry: PolicyEntry, nowMs = NOW_MS) =>
    closedEntry({ method, path: "/" }, snapshotOf([entry]), nowMs)?.entry.id ?? null;
  expect(idFor("POST", closed)).toBe("c");
  expect(idFor("GET", closed)).toBeNull();
  expect(idFor("POST", closed, closed.expiresAtMs)).toBeNull();
  expect(idFor("POST", { ...closed, mode: "shadow" })).toBeNull();
  expect(idFor("POST", { ...closed, fail: "open" })).toBeNull();
  expect(closedEntry({ method: "POST", path: "/" }, null, NOW_MS)).toBeNull();
});

it("after a fault refuses on the closed entry's routes only, and everywhere if the path is unknown", ({
  expect,
}) => {
  const closed = checkoutOff({ fail: "closed" });
  const at = (path: string | null) =>
    closedEntry({ method: "GET", path }, snapshotOf([closed]), NOW_MS)?.entry.id ?? null;
  expect([at("/checkout/pay"), at("/cart"), at(null)]).toEqual(["f", null, "f"]);
});

const entries = fc.array(
  fc
    .record({
      id: fc.string({ minLength: 1, maxLength: 6 }),
      kind: fc.constantFrom("maintenance", "read-only", "queue"),
      mode: fc.constantFrom("enforce" as const, "shadow" as const),
      fail: fc.constantFrom("open" as const, "closed" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      salt: fc.string({ maxLength: 4 }),
      expiresAtMs: fc.integer({ min: 0, max: 2 * NOW_MS }),
    })
    .map((changes) => anEntry(changes)),
  { maxLength: 10 },
);
const requests = fc
  .record({
    method: fc.constantFrom("GET", "POST"),
    clientKey: fc.ipV4().map((key) => () => key),
    path: fc.constantFrom("/", "/login", "/webhooks/a"),
  })
  .map((changes) => request(changes));

it("never enforces an entry that has expired, is in shadow, or is of an unknown kind", ({
  expect,
}) => {
  fc.assert(
    fc.property(entries, requests, fc.nat(2 * NOW_MS), (given, facts, nowMs) => {
      const snapshot = snapshotOf(given, WEBHOOKS, nowMs);
      const { enforced } = decide(facts, snapshot, nowMs);
      if (enforced === null) return;
      expect(enforced.entry.expiresAtMs).toBeGreaterThan(nowMs);
      expect(enforced.entry.mode).toBe("enforce");
      expect(["maintenance", "read-only"]).toContain(enforced.entry.kind);
    }),
  );
});

it("lets nobody back into an entry whose share shrinks", ({ expect }) => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(requests, share, share, (facts, a, b) => {
      const isIn = (of: number) =>
        decide(facts, snapshotOf([anEntry({ share: of })]), NOW_MS).enforced !== null;
      expect(isIn(Math.max(a, b)) || !isIn(Math.min(a, b))).toBe(true);
    }),
  );
});
