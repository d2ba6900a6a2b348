import fc from "fast-check";
import { it } from "vitest";
import { parseAddress, addressWords } from "../../../../src/guard/ip/address.ts";
import { quotaOf } from "../../../../src/guard/limits/gcra.ts";
import { LimitKeys, type LimitSubject } from "../../../../src/guard/limits/key.ts";
import { KEY_PARTS, limitRule, type KeyPart } from "../../../../src/guard/limits/rule.ts";
import { aRule } from "../../../support/limits.ts";

function aSubject(address: string, overrides: Partial<LimitSubject> = {}): LimitSubject {
  const words = addressWords();
  const family = parseAddress(address, words);
  return {
    family,
    address: words,
    asn: 64_500,
    country: "NL",
    ja4: "t13d1516h2_8daaf6152771_b0da82dd1658",
    session: "s-1",
    route: "/login",
    ...overrides,
  };
}

/** Null when there is nothing to count by. */
function keyOf(parts: readonly KeyPart[], subject: LimitSubject, rule = aRule({ parts })) {
  const keys = new LimitKeys();
  keys.begin(subject);
  return keys.read(rule) ? keys.key.join(":") : null;
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

it("has nothing to count by when any part is not known", ({ expect }) => {
  const nobody = aSubject("not an address", {
    asn: 0,
    country: "",
    ja4: "",
    session: "",
    route: "",
  });
  for (const part of KEY_PARTS) {
    expect(keyOf([part], nobody), part).toBeNull();
    expect(keyOf([part], aSubject("192.0.2.1")), part).not.toBeNull();
    const others = KEY_PARTS.filter((other) => other !== part);
    expect(
      keyOf([...others, part], { ...aSubject("192.0.2.1"), ...missing(part) }),
      part,
    ).toBeNull();
  }
});

const missing = (part: KeyPart): Partial<LimitSubject> =>
  part === "address" || part === "network" ? { family: 0 } : { [part]: part === "asn" ? 0 : "" };

it("keeps combinations, rules, quotas and instances apart", ({ expect }) => {
  const subject = aSubject("192.0.2.1");
  const keys = [
    keyOf(["address"], subject),
    keyOf(["address", "route"], subject),
    keyOf(["address", "route"], { ...subject, route: "/pay" }),
    keyOf(["session"], subject),
    keyOf(["address"], subject, aRule({ id: "other", parts: ["address"] })),
    keyOf(["address"], subject, aRule({ quota: quotaOf(7, 1_000), parts: ["address"] })),
    keyOf(["address"], subject, limitRule(aRule({ parts: ["address"] }), "shop.staging")),
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
    fc.property(fc.string({ unit: "binary" }), fc.string(), (session, country) => {
      const key = keyOf(["session", "country"], aSubject("192.0.2.1", { session, country }));
      expect(key === null).toBe(session === "" || country === "");
    }),
  );
});

it("keeps nothing of the request before", ({ expect }) => {
  const keys = new LimitKeys();
  const rule = aRule({ parts: ["address", "session"] });
  const requests = [aSubject("192.0.2.1"), aSubject("192.0.2.2", { session: "" }), aSubject("::1")];
  for (const subject of [...requests, ...requests.toReversed()]) {
    keys.begin(subject);
    const isRead = keys.read(rule);
    const alone = keyOf(["address", "session"], subject, rule);
    expect(isRead ? keys.key.join(":") : null).toBe(alone);
  }
});
