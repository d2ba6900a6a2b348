import fc from "fast-check";
import { it } from "vitest";
import { NetworkListReader, type NetworkList } from "../../../src/policy/network-list.ts";
import { PART_CHARS_MAX, partsOf } from "../../../src/policy/network-list-text.ts";

function read(...parts: readonly string[]): NetworkList {
  const reader = new NetworkListReader();
  for (const part of parts) reader.push(part);
  return reader.end();
}

const reason = fc.oneof(fc.string({ unit: "binary", maxLength: 600 }), fc.constant("# ; , \n {"));
const item = fc.oneof(
  fc.constantFrom("192.0.2.1", "10.0.0.0/8", "::ffff:10.0.0.1", "2001:db8::/32"),
  fc.record({
    network: fc.constantFrom("192.0.2.1", "2001:db8::/64"),
    reason: fc.option(reason),
    expiresAtMs: fc.option(fc.integer({ min: 1, max: 2 ** 50 })),
  }),
  fc.constantFrom("AS64500", "DE", "T1", "t13d1516h2_8daaf6152771_b0da82dd1658"),
  fc.record({ asn: fc.integer({ min: 1, max: 0xffff_ffff }), reason }),
);

it("is read as what was written, whatever people say in their reasons", ({ expect }) => {
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const list = read(JSON.stringify(items));
      const again = read(...partsOf(list));
      expect(again.wrongLines).toBe(0);
      expect(again.keys.map(withTrimmedReason)).toEqual(list.keys.map(withTrimmedReason));
      expect(again.networks.map(withTrimmedReason)).toEqual(list.networks.map(withTrimmedReason));
      // From then on it is a fixed point: what is given back can be sent again.
      expect(partsOf(again)).toEqual(partsOf(read(...partsOf(again))));
    }),
  );
});

/** A comment loses the marks and spaces at its beginning, and those at its end. */
const withTrimmedReason = <Item extends { readonly reason: string | null }>(one: Item): Item => {
  const bare = one.reason?.replace(/^[\s#;,]+/, "").trim() ?? "";
  return { ...one, reason: bare === "" ? null : bare };
};

it("comes in parts that a row takes, none of which ends within a line", ({ expect }) => {
  const networks = Array.from(
    { length: 40_000 },
    (_, n) => `10.${n >> 8}.${n & 255}.0/24 # ${"é".repeat(20)}`,
  );
  const parts = partsOf(read(networks.slice(0, 65_536).join("\n")));
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(PART_CHARS_MAX + 1);
    expect(part.endsWith("\n")).toBe(true);
  }
  expect(parts.join("").split("\n")).toHaveLength(networks.length + 1);
  expect(partsOf(read(""))).toEqual([]);
});
