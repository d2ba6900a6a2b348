import fc from "fast-check";
import { describe, it } from "vitest";
import { closedEntry, decide } from "../../../src/guard/decide.ts";
import { readFacts, type RequestLike } from "../../../src/guard/facts.ts";
import { loadPolicy, type Snapshot } from "../../../src/guard/loaded-policy.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 100_000;
const BLOCKED = "192.0.2.7";

type Sent = {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cf?: unknown;
};
/** As a client at `address` sends it, through Cloudflare. */
const from = (address: string, { path = "/", headers = {}, cf }: Sent = {}): RequestLike => {
  const request = new Request(`https://shop.example${path}`, {
    headers: { ...headers, "cf-connecting-ip": address },
  });
  return { method: "GET", url: request.url, headers: request.headers, cf };
};
const block = (changes: Partial<PolicyEntry> = {}): PolicyEntry =>
  anEntry({
    id: "b",
    kind: "block-networks",
    match: { networks: ["192.0.2.0/24", "2001:db8:bad::/48"] },
    ...changes,
  });
const snapshotOf = (
  entries: readonly PolicyEntry[],
  settings: Partial<GuardSettings> = {},
): Snapshot => ({
  loaded: loadPolicy(aPolicy({ entries: [...entries], settings: aSettings(settings) })),
  confirmedAtMs: NOW_MS,
});
type Bearer = { readonly operator?: string; readonly isProbe?: boolean };
const decided = (
  request: RequestLike,
  entries: readonly PolicyEntry[],
  settings: Partial<GuardSettings> = {},
  { operator, isProbe = false }: Bearer = {},
): string => {
  const snapshot = snapshotOf(entries, settings);
  const facts = readFacts(request, snapshot.loaded.policy.settings, operator ?? null, isProbe);
  const { verdict } = decide(facts, snapshot, NOW_MS);
  return `${verdict.action} ${verdict.reason} ${verdict.entryId ?? "-"}`;
};

const IS_BLOCKED = "block blocked b";
const CLEAN = "serve clean -";
const everyone = anEntry({ id: "m" });
const HOOKS = {
  protectedClasses: { ownMonitors: true, verifiedBots: true, webhookRoutes: ["/hooks/*"] },
};
const UNPROTECTED = {
  protectedClasses: { ownMonitors: false, verifiedBots: false, webhookRoutes: [] },
};
const VERIFIED = { botManagement: { verifiedBot: true } };

describe("a blocked network", () => {
  it.for([
    ["inside", from(BLOCKED), [block()], {}, IS_BLOCKED],
    ["its last address", from("192.0.2.255"), [block()], {}, IS_BLOCKED],
    ["next door", from("192.0.3.0"), [block()], {}, CLEAN],
    ["IPv6 inside", from("2001:db8:bad:1::9"), [block()], {}, IS_BLOCKED],
    ["IPv6 outside", from("2001:db8:bae::9"), [block()], {}, CLEAN],
    ["before maintenance", from(BLOCKED), [everyone, block()], {}, IS_BLOCKED],
    [
      "maintenance for others",
      from("1.1.1.1"),
      [everyone, block()],
      {},
      "maintenance maintenance m",
    ],
    ["in shadow", from(BLOCKED), [block({ mode: "shadow" })], {}, "serve shadowed b"],
    [
      "in shadow inside, enforced around it",
      from(BLOCKED),
      [block({ id: "s", mode: "shadow", match: { networks: [BLOCKED] } }), block()],
      {},
      IS_BLOCKED,
    ],
    ["expired", from(BLOCKED), [block({ expiresAtMs: NOW_MS })], {}, CLEAN],
    [
      "expired inside, in force around it",
      from(BLOCKED),
      [block({ id: "e", expiresAtMs: NOW_MS, match: { networks: [BLOCKED] } }), block()],
      {},
      IS_BLOCKED,
    ],
    ["a share of nobody", from(BLOCKED), [block({ share: 0 })], {}, CLEAN],
    [
      "other routes",
      from(BLOCKED),
      [block({ match: { networks: [BLOCKED], routes: ["/login"] } })],
      {},
      CLEAN,
    ],
    [
      "allowlisted",
      from(BLOCKED),
      [block()],
      { allowlist: ["192.0.2.0/25"] },
      "serve allowlisted b",
    ],
    [
      "allowlisted around a more specific block",
      from(BLOCKED),
      [block({ match: { networks: [BLOCKED] } })],
      { allowlist: ["192.0.0.0/16"] },
      "serve allowlisted b",
    ],
    [
      "beside what is allowlisted",
      from(BLOCKED),
      [block()],
      { allowlist: ["192.0.2.8"] },
      IS_BLOCKED,
    ],
    [
      "allowlisted, in maintenance",
      from(BLOCKED),
      [block(), everyone],
      { allowlist: [BLOCKED] },
      "maintenance maintenance m",
    ],
    [
      "a webhook route",
      from(BLOCKED, { path: "/hooks/pay" }),
      [block()],
      HOOKS,
      "serve protected b",
    ],
    [
      "a webhook route, disguised",
      from(BLOCKED, { path: "//hooks/pay" }),
      [block()],
      HOOKS,
      IS_BLOCKED,
    ],
    ["a verified bot", from(BLOCKED, { cf: VERIFIED }), [block()], {}, "serve protected b"],
    ["a bot, unprotected", from(BLOCKED, { cf: VERIFIED }), [block()], UNPROTECTED, IS_BLOCKED],
    [
      "a claimed bot",
      from(BLOCKED, { cf: {}, headers: { "user-agent": "Googlebot/2.1" } }),
      [block()],
      {},
      IS_BLOCKED,
    ],
    [
      "an allowlist that cannot be read",
      from(BLOCKED),
      [block()],
      { allowlist: ["10.1.2.3/8"] },
      CLEAN,
    ],
  ] satisfies [string, RequestLike, PolicyEntry[], Partial<GuardSettings>, string][])(
    "%s",
    ([, request, entries, settings, expected], { expect }) => {
      expect(decided(request, entries, settings)).toBe(expected);
    },
  );

  it("stops neither operators nor probes of ours, unless the site says so", ({ expect }) => {
    const as = (bearer: Bearer, settings = {}) =>
      decided(from(BLOCKED), [block()], settings, bearer);
    expect(as({ operator: "ada" })).toBe("serve operator_bypass -");
    expect(as({ isProbe: true })).toBe("serve protected b");
    expect(as({ isProbe: true }, UNPROTECTED)).toBe(IS_BLOCKED);
  });

  it("names nobody after a fault, although it says that it fails closed", ({ expect }) => {
    const closed = snapshotOf([block({ fail: "closed" })]);
    expect(closedEntry({ method: "GET", path: "/" }, closed, NOW_MS)).toBeNull();
  });

  it("counts what it cannot enforce", ({ expect }) => {
    const { loaded } = snapshotOf([block(), everyone], { allowlist: ["10.1.2.3/8"] });
    expect(loaded.unknownEntries).toBe(1);
  });
});

describe("by operator of the network, and by country", () => {
  const place = block({ match: { asns: [64_496], countries: ["XX", "T1"] } });
  const behind = { clientAddress: { header: "x-real-ip" } } as const;
  it.for([
    ["its ASN", { asn: 64_496, country: "DE" }, {}, IS_BLOCKED],
    ["its country", { asn: 1, country: "XX" }, {}, IS_BLOCKED],
    ["Tor", { country: "T1" }, {}, IS_BLOCKED],
    ["neither", { asn: 1, country: "DE" }, {}, CLEAN],
    ["an ASN as text", { asn: "64496" }, {}, CLEAN],
    ["an empty cf", {}, {}, CLEAN],
    ["no cf", undefined, {}, CLEAN],
    ["the proxy's place", { asn: 64_496, country: "XX" }, behind, CLEAN],
    ["allowlisted by address", { asn: 64_496 }, { allowlist: [BLOCKED] }, "serve allowlisted b"],
  ] satisfies [string, unknown, Partial<GuardSettings>, string][])(
    "%s",
    ([, cf, settings, expected], { expect }) => {
      expect(decided(from(BLOCKED, { cf }), [place], settings)).toBe(expected);
    },
  );
});

describe("who is asked about", () => {
  const forged = {
    "x-forwarded-for": BLOCKED,
    "true-client-ip": BLOCKED,
    "x-real-ip": BLOCKED,
    forwarded: `for=${BLOCKED}`,
    "cf-connecting-ipv6": "2001:db8:bad::1",
  };
  const proxy = { clientAddress: { header: "x-forwarded-for" } } as const;
  it.for([
    ["forged headers, of a stranger", from("1.1.1.1", { headers: forged }), {}, CLEAN],
    [
      "forged headers, of the blocked one",
      from(BLOCKED, { headers: { "x-forwarded-for": "1.1.1.1", "true-client-ip": "1.1.1.1" } }),
      {},
      IS_BLOCKED,
    ],
    [
      "Cloudflare's header where the site has a proxy",
      from(BLOCKED, { headers: { "x-forwarded-for": "1.1.1.1" } }),
      proxy,
      CLEAN,
    ],
    [
      "what stands before the proxy's own word",
      from("1.1.1.1", { headers: { "x-forwarded-for": `${BLOCKED}, 1.1.1.1` } }),
      proxy,
      CLEAN,
    ],
    [
      "the proxy's own word",
      from("1.1.1.1", { headers: { "x-forwarded-for": `1.1.1.1, ${BLOCKED}` } }),
      proxy,
      IS_BLOCKED,
    ],
    ["where addresses are not known", from(BLOCKED), { clientAddress: "none" }, CLEAN],
    ["IPv4-mapped", from(`::ffff:${BLOCKED}`), {}, IS_BLOCKED],
    ["IPv4-mapped in hex", from("::FFFF:c000:0207"), {}, IS_BLOCKED],
    ["IPv6 written out", from("2001:0DB8:0BAD:0000:0000:0000:0000:0001"), {}, IS_BLOCKED],
    ["with a port", from(`${BLOCKED}:443`), {}, CLEAN],
    ["with a zone", from("2001:db8:bad::1%eth0"), {}, CLEAN],
    ["octal", from("192.0.02.7"), {}, CLEAN],
    ["two of them", from(`${BLOCKED}, 1.1.1.1`), {}, CLEAN],
    ["nothing", from(""), {}, CLEAN],
  ] satisfies [string, RequestLike, Partial<GuardSettings>, string][])(
    "%s",
    ([, request, settings, expected], { expect }) => {
      expect(decided(request, [block()], settings)).toBe(expected);
    },
  );
});

/** Few enough networks that they overlap: 10.0.a.b/(16 + bits). */
const network = fc
  .record({ bits: fc.integer({ min: 0, max: 16 }), host: fc.nat(0xffff) })
  .map(({ bits, host }) => {
    const low = host & (0xffff << (16 - bits)) & 0x0f0f;
    return { low, bits, text: `10.0.${low >> 8}.${low & 0xff}/${16 + bits}` };
  });
type Network = { readonly low: number; readonly bits: number; readonly text: string };
const holds = ({ low, bits }: Network, host: number): boolean => (low ^ host) >> (16 - bits) === 0;

const leases = fc.array(
  fc.record({
    networks: fc.array(network, { minLength: 1, maxLength: 4 }),
    mode: fc.constantFrom("enforce" as const, "shadow" as const),
    expiresAtMs: fc.integer({ min: NOW_MS - 5, max: NOW_MS + 5 }),
  }),
  { maxLength: 6 },
);

it("blocks exactly whom an enforced entry in force names, and the allowlist does not", ({
  expect,
}) => {
  const host = fc.nat(0xffff).map((any) => any & 0x0f0f);
  fc.assert(
    fc.property(leases, fc.array(network, { maxLength: 3 }), host, (given, allowed, asked) => {
      const entries = given.map(({ networks, ...lease }, n) =>
        block({ ...lease, id: `b${n}`, match: { networks: networks.map(({ text }) => text) } }),
      );
      const settings = aSettings({ allowlist: allowed.map(({ text }) => text) });
      const request = from(`10.0.${asked >> 8}.${asked & 0xff}`);
      const facts = readFacts(request, settings, null);
      const isNamed = given.some(
        ({ networks, mode, expiresAtMs }) =>
          mode === "enforce" && expiresAtMs > NOW_MS && networks.some((one) => holds(one, asked)),
      );
      const isAllowed = allowed.some((one) => holds(one, asked));
      for (const ordered of [entries, entries.toReversed()]) {
        const { enforced } = decide(facts, snapshotOf(ordered, settings), NOW_MS);
        expect(enforced !== null).toBe(isNamed && !isAllowed);
        if (enforced !== null) expect(enforced.entry.expiresAtMs).toBeGreaterThan(NOW_MS);
      }
    }),
    { numRuns: 500 },
  );
});

it("throws for no header, and blocks nobody for one that is no address", ({ expect }) => {
  const text = fc.oneof(
    fc.string({
      unit: fc.constantFrom("0", "2", "1:", "db8", "bad", "::", ".", "%", "[", "]", ","),
    }),
    fc.string({ unit: "grapheme-ascii" }),
  );
  fc.assert(
    fc.property(text, (address) => {
      const verdict = decided(from(address.trim()), [
        block({ match: { networks: ["2001:db8:bad::/48"] } }),
      ]);
      expect([CLEAN, IS_BLOCKED]).toContain(verdict);
      if (!address.includes(":")) expect(verdict).toBe(CLEAN);
    }),
  );
});

describe("a TLS hello", () => {
  const JA4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
  const byJa4 = block({ match: { ja4s: [JA4] } });
  const hello = (ja4: unknown) => from("198.51.100.7", { cf: { botManagement: { ja4 } } });

  it("is meant where Cloudflare gives its fingerprint, and only in its own letters", ({
    expect,
  }) => {
    expect(decided(hello(JA4), [byJa4])).toBe(IS_BLOCKED);
    for (const other of [JA4.toUpperCase(), `${JA4} `, "", null, 7, [JA4]]) {
      expect(decided(hello(other), [byJa4])).toBe(CLEAN);
    }
    for (const cf of [undefined, null, {}, { botManagement: null }, { ja4: JA4 }]) {
      expect(decided(from("198.51.100.7", { cf }), [byJa4])).toBe(CLEAN);
    }
  });

  it("is not believed of a proxy, of which it would be the hello", ({ expect }) => {
    const settings = { clientAddress: { header: "x-real-ip" } };
    expect(decided(hello(JA4), [byJa4], settings)).toBe(CLEAN);
  });

  it("that is no fingerprint is refused", ({ expect }) => {
    const { loaded } = snapshotOf([block({ match: { ja4s: ["t13"] } })]);
    expect(loaded.unknownEntries).toBe(1);
  });
});

describe("an entry that allows", () => {
  const allow = (changes: Partial<PolicyEntry> = {}): PolicyEntry =>
    anEntry({
      id: "a",
      kind: "allow-networks",
      match: { networks: ["192.0.2.0/28"] },
      ...changes,
    });
  const ALLOWED = "serve allowlisted b";

  it("wins over any block, however specific, until it ends", ({ expect }) => {
    const specific = block({ match: { networks: [BLOCKED] } });
    expect(decided(from(BLOCKED), [specific, allow()])).toBe(ALLOWED);
    expect(decided(from("192.0.2.16"), [block(), allow()])).toBe(IS_BLOCKED);
    expect(decided(from(BLOCKED), [specific, allow({ expiresAtMs: NOW_MS })])).toBe(IS_BLOCKED);
    expect(decided(from(BLOCKED), [specific, allow({ expiresAtMs: NOW_MS + 1 })])).toBe(ALLOWED);
    expect(decided(from(BLOCKED), [specific, allow({ mode: "shadow" })])).toBe(IS_BLOCKED);
  });

  it("allows by operator, country and hello too, and blocks nobody", ({ expect }) => {
    const byAsn = allow({ match: { asns: [64_500] } });
    const here = from(BLOCKED, { cf: { asn: 64_500, country: "DE" } });
    expect(decided(here, [block(), byAsn])).toBe(ALLOWED);
    expect(decided(here, [block(), allow({ match: { countries: ["DE"] } })])).toBe(ALLOWED);
    expect(decided(from(BLOCKED), [block(), byAsn])).toBe(IS_BLOCKED);
    expect(decided(here, [byAsn])).toBe(CLEAN);
  });

  it("exempts from blocks alone", ({ expect }) => {
    const maintenance = anEntry({ id: "m" });
    expect(decided(from(BLOCKED), [maintenance, allow()])).toBe("maintenance maintenance m");
  });

  it("names somebody, and no routes", ({ expect }) => {
    for (const match of [{}, { routes: ["/"] }, { asns: [1], routes: ["/"] }]) {
      expect(snapshotOf([allow({ match })]).loaded.unknownEntries).toBe(1);
    }
  });
});
