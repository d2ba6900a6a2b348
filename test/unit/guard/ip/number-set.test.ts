import fc from "fast-check";
import { describe, it } from "vitest";
import {
  ASN_MAX,
  asnSet,
  countrySet,
  isAsn,
  isCountry,
  isJa4,
  ja4Set,
} from "../../../../src/guard/ip/number-set.ts";

const CHROME = "t13d1516h2_8daaf6152771_b186095e22b6";
const QUIC = "q13d0312h3_55b375c5d22e_06cda9e17597";

describe("asnSet", () => {
  it("finds every number that was put in, and no other", ({ expect }) => {
    const number = fc.oneof(fc.constantFrom(1, 2, 0x7fff_ffff, 0x8000_0000, ASN_MAX), fc.nat(50));
    fc.assert(
      fc.property(fc.array(number), fc.array(number), (keys, probes) => {
        const set = asnSet(keys.map((key, value) => ({ key, value })));
        for (const probe of [...keys, ...probes]) {
          const expected = keys.flatMap((key, value) => (key === probe && key > 0 ? [value] : []));
          expect(set(probe)).toEqual(expected);
        }
      }),
    );
  });

  it("has nothing for what is no number of a network", ({ expect }) => {
    const keys = [0, -1, 1.5, Number.NaN, ASN_MAX + 1, 64_496];
    const set = asnSet(keys.map((key) => ({ key, value: key })));
    for (const key of [0, -1, 1.5, 64_496.5, Number.NaN, Infinity, ASN_MAX + 1]) {
      expect(set(key), String(key)).toEqual([]);
      expect(isAsn(key), String(key)).toBe(false);
    }
    expect(set(64_496)).toEqual([64_496]);
    expect(asnSet([])(1)).toEqual([]);
  });
});

describe("countrySet", () => {
  const set = countrySet([
    { key: "DE", value: "lse_1" },
    { key: "T1", value: "tor" },
    { key: "AA", value: "first" },
    { key: "ZZ", value: "last" },
    { key: "DE", value: "lse_2" },
    { key: "xx", value: "not a country" },
  ]);

  it("finds countries, and Tor", ({ expect }) => {
    expect(set("DE")).toEqual(["lse_1", "lse_2"]);
    expect(set("T1")).toEqual(["tor"]);
    expect(set("AA")).toEqual(["first"]);
    expect(set("ZZ")).toEqual(["last"]);
    expect(set("FR")).toEqual([]);
  });

  it.for(["", "D", "DEU", "de", "dE", "xx", "T2", "1T", "D\0", "Ä", "@A", "A[", "[A"])(
    "has nothing for %j",
    (text, { expect }) => {
      expect(set(text)).toEqual([]);
      expect(isCountry(text)).toBe(false);
    },
  );

  it("keeps all countries apart", ({ expect }) => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");
    const all = ["T1", ...letters.flatMap((one) => letters.map((other) => one + other))];
    const every = countrySet(all.map((key) => ({ key, value: key })));
    for (const country of all) expect(every(country)).toEqual([country]);
  });
});

describe("ja4Set", () => {
  it("finds fingerprints as they are written", ({ expect }) => {
    const set = ja4Set([
      { key: CHROME, value: 1 },
      { key: "anything", value: 2 },
    ]);
    expect(set(CHROME)).toEqual([1]);
    expect(set(QUIC)).toEqual([]);
    expect(set("anything")).toEqual([]);
    expect(set("__proto__")).toEqual([]);
  });

  it("knows a fingerprint from other text", ({ expect }) => {
    expect([CHROME, QUIC, "t00i000000_000000000000_000000000000"].every(isJa4)).toBe(true);
    for (const text of ["", CHROME.toUpperCase(), CHROME.slice(1), `${CHROME}0`, `${CHROME}\n`]) {
      expect(isJa4(text), text).toBe(false);
    }
  });
});
