import fc from "fast-check";
import { it } from "vitest";
import { parseAddress, addressWords } from "../../../../src/guard/ip/address.ts";
import { quotaOf } from "../../../../src/guard/limits/gcra.ts";
import { LimitKeys, type LimitSubject } from "../../../../src/guard/limits/key.ts";
import type { RuleWords } from "../../../../src/guard/limits/rule.ts";
import { KEY_PARTS, type KeyPart, type SessionSource } from "../../../../src/policy/limits.ts";
import { aRule } from "../../../support/limits.ts";

const COOKIE: SessionSource = { cookie: "sid" };
const API_KEY: SessionSource = { header: "x-api-key" };
const TOKEN: SessionSource = { header: "Authorization" };
const SENT: Readonly<Record<string, string>> = { cookie: "a=1; sid=s-1", "x-api-key": "k-1" };

function aSubject(address: string, overrides: Partial<LimitSubject> = {}): LimitSubject {
  const words = addressWords();
  const family = parseAddress(address, words);
  return {
    address: family === 0 ? null : { family, words },
    place: () => ({ asn: 64_500, country: "NL" }),
    ja4: () => "t13d1516h2_8daaf6152771_b0da82dd1658",
    header: (name) => SENT[name] ?? null,
    ...overrides,
  };
}

const sending = (headers: Readonly<Record<string, string>>): Partial<LimitSubject> => ({
  header: (name) => headers[name.toLowerCase()] ?? null,
});

/** Null when there is nothing to count by. */
function keyOf(
  parts: readonly KeyPart[],
  subject: LimitSubject,
  words: Partial<RuleWords> = {},
): string | null {
  const keys = new LimitKeys();
  keys.begin(subject, [COOKIE, API_KEY]);
  return keys.read(aRule({ parts, ...words })) ? keys.key.join(":") : null;
}

it.for([
  ["address", "192.0.2.1", "192.0.2.2", false],
  ["address", "192.0.2.1", "::ffff:192.0.2.1", true],
  ["address", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true],
  ["address", "2001:db8:1:2::1", "2001:db8:1:3::1", false],
  ["network", "192.0.2.1", "192.0.2.200", true],
  ["network", "192.0.2.1", "192.0.3.1", false],
  ["network", "2001:db8:1:2::1", "2001:db8:1:ffff::1", true],
  ["network", "2001:db8:1:2::1", "2001:db8:2:2::1", false],
] as const)("by %s, %s and %s are one: %s", ([part, one, other, isSame], { expect }) => {
  expect(keyOf([part], aSubject(one)) === keyOf([part], aSubject(other))).toBe(isSame);
});

/** `route` is never missing: the pattern that matched is part of the rule. */
const SUBJECT_PARTS = KEY_PARTS.filter((part) => part !== "route");

it("has nothing to count by when any part is not known", ({ expect }) => {
  for (const part of SUBJECT_PARTS) {
    expect(keyOf([part], aSubject("192.0.2.1")), part).not.toBeNull();
    expect(keyOf([part], aSubject("192.0.2.1", missing(part))), part).toBeNull();
    const others = SUBJECT_PARTS.filter((other) => other !== part);
    expect(keyOf([...others, part], aSubject("192.0.2.1", missing(part))), part).toBeNull();
  }
});

function missing(part: KeyPart): Partial<LimitSubject> {
  if (part === "address" || part === "network") return { address: null };
  if (part === "asn") return { place: () => ({ asn: null, country: "NL" }) };
  if (part === "country") return { place: () => ({ asn: 64_500, country: null }) };
  return part === "ja4" ? { ja4: () => null } : sending({});
}

it("counts sessions by the cookie or header that the rule names", ({ expect }) => {
  const byKey = { sessionSource: 1 };
  const one = aSubject("192.0.2.1");
  const sameCookie = aSubject("198.51.100.1", sending({ cookie: "sid=s-1", "x-api-key": "k-2" }));
  expect(keyOf(["session"], one)).toBe(keyOf(["session"], sameCookie));
  expect(keyOf(["session"], one, byKey)).not.toBe(keyOf(["session"], sameCookie, byKey));
  const sameText = aSubject("192.0.2.1", sending({ cookie: "sid=x", "x-api-key": "x" }));
  const none = aSubject("192.0.2.1", sending({ cookie: "other=s-1; sid=" }));
  expect(keyOf(["session"], sameText)).toBe(keyOf(["session"], sameText, byKey));
  expect(keyOf(["session"], none)).toBeNull();
});

it.for([
  ["escapes", { cookie: "sid=%73-1" }, COOKIE],
  ["quotes", { cookie: 'sid="s-1"' }, COOKIE],
  ["both", { cookie: 'sid="%73%2D1"' }, COOKIE],
  ["a scheme in capitals", { authorization: "BEARER s-1" }, TOKEN],
  ["more spaces", { authorization: "Bearer   s-1" }, TOKEN],
  ["a tab", { authorization: "bearer\ts-1" }, TOKEN],
] as const)("counts a session once, however it is spelt: %s", ([, sent, source], { expect }) => {
  const keys = new LimitKeys();
  const keyOfSent = (headers: Readonly<Record<string, string>>): string => {
    keys.begin(aSubject("192.0.2.1", sending(headers)), [source]);
    expect(keys.read(aRule({ parts: ["session"] }))).toBe(true);
    return keys.key.join(":");
  };
  const plain = keyOfSent({ cookie: "sid=s-1", authorization: "Bearer s-1" });
  expect(keyOfSent(sent)).toBe(plain);
  expect(keyOfSent({ cookie: "sid=S-1", authorization: "Bearer S-1" })).not.toBe(plain);
  expect(keyOfSent({ cookie: "sid=s-1%", authorization: "Bearers-1" })).not.toBe(plain);
});

it("counts whoever sends several sessions as one, whatever they are called", ({ expect }) => {
  const keyOfSent = (cookie: string, address = "192.0.2.1") =>
    keyOf(["session"], aSubject(address, sending({ cookie })));
  const several = keyOfSent("sid=s-1; sid=a");
  expect(several).not.toBeNull();
  for (const cookie of ["sid=b; sid=s-1", "sid=s-1; x=1; sid=c; sid=d", 'sid=; sid="s-1"']) {
    expect(keyOfSent(cookie), cookie).toBe(several);
  }
  expect(keyOfSent("sid=s-1; sid=a", "198.51.100.1")).not.toBe(several);
  expect(keyOfSent("sid=s-1; sid=a", "2001:db8::1")).toBe(keyOfSent("sid=b; sid=c", "2001:db8::2"));
  // The same twice, however it is spelt, is no other.
  expect(keyOfSent('sid=s-1; sid="%73-1"')).toBe(keyOfSent("sid=s-1"));
  expect(keyOfSent("sid=s-1; xsid=a; sid2=b")).toBe(keyOfSent("sid=s-1"));
});

it("keeps combinations, rules, quotas and families apart", ({ expect }) => {
  const subject = aSubject("32.1.13.184");
  const keys = [
    keyOf(["address"], subject),
    keyOf(["address", "session"], subject),
    keyOf(["session"], subject),
    keyOf(["address"], subject, { id: "other" }),
    keyOf(["address"], subject, { quota: quotaOf(7, 1_000) }),
    // Its first 64 bits are those of the IPv4 address, and zeros.
    keyOf(["address"], aSubject("2001:db8::1")),
    keyOf(["route"], subject),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

it("rarely confuses two clients, and always recognises one", ({ expect }) => {
  const keys = new Set<string | null>();
  for (let host = 0; host < 50_000; host += 1) {
    const address = `10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`;
    keys.add(keyOf(["address"], aSubject(address)));
    expect(keyOf(["address"], aSubject(address))).toBe(keyOf(["address"], aSubject(address)));
  }
  expect(keys.size).toBe(50_000);
});

it("throws at no text", ({ expect }) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (key, country) => {
      const subject = aSubject("192.0.2.1", {
        ...sending({ "x-api-key": key, cookie: key }),
        place: () => ({ asn: null, country }),
      });
      const byKey = keyOf(["session", "country"], subject, { sessionSource: 1 });
      expect(byKey === null).toBe(key === "" || country === "");
      keyOf(["session"], subject);
    }),
  );
});

it("keeps nothing of the request before", ({ expect }) => {
  const keys = new LimitKeys();
  const rule = aRule({ parts: ["address", "session"] });
  const requests = [
    aSubject("192.0.2.1"),
    aSubject("192.0.2.2", sending({})),
    aSubject("::1", sending({ cookie: "sid=s-2" })),
  ];
  for (const subject of [...requests, ...requests.toReversed()]) {
    keys.begin(subject, [COOKIE, API_KEY]);
    const isRead = keys.read(rule);
    expect(isRead ? keys.key.join(":") : null).toBe(keyOf(["address", "session"], subject));
  }
});
