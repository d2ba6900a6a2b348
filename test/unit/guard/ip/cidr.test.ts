import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, it } from "vitest";
import { formatCidr, parseCidr } from "../../../../src/guard/ip/cidr.ts";
import { addressText, v4Text, v6Text } from "./arbitraries.ts";

const said = (text: string): string => {
  const parsed = parseCidr(text);
  return parsed.ok ? formatCidr(parsed.value) : parsed.error;
};

const ROWS: readonly (readonly [string, string])[] = [
  ["192.0.2.0/24", "192.0.2.0/24"],
  ["192.0.2.1", "192.0.2.1/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8::/32", "2001:db8::/32"],
  ["2001:db8::1", "2001:db8::1/128"],
  ["::/0", "::/0"],
  // Mapped networks are IPv4 down to the one of all of them; wider ones hold no IPv4.
  ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
  ["::ffff:192.0.2.1/128", "192.0.2.1/32"],
  ["::ffff:0:0/96", "0.0.0.0/0"],
  ["::/95", "::/95"],
  [
    "::ffff:0:0/95",
    "reaches beyond the IPv4-mapped addresses; write /96 or more, or the IPv4 network",
  ],
  [
    "::ffff:1.2.3.4/64",
    "reaches beyond the IPv4-mapped addresses; write /96 or more, or the IPv4 network",
  ],
  [
    "::ffff:1.2.3.4/24",
    "reaches beyond the IPv4-mapped addresses; write /96 or more, or the IPv4 network",
  ],
  ["10.1.2.3/8", "has bits behind its prefix; the network is 10.0.0.0/8"],
  ["2001:db8::1/64", "has bits behind its prefix; the network is 2001:db8::/64"],
  ["::ffff:10.1.2.3/104", "has bits behind its prefix; the network is 10.0.0.0/8"],
  ["10.0.0.0/33", "has no prefix length between 0 and 32 behind the slash"],
  ["::/129", "has no prefix length between 0 and 128 behind the slash"],
  ["10.0.0.0/", "has no prefix length between 0 and 32 behind the slash"],
  ["10.0.0.0/08", "has no prefix length between 0 and 32 behind the slash"],
  ["10.0.0.0/+8", "has no prefix length between 0 and 32 behind the slash"],
  ["10.0.0.0/8/8", "has no prefix length between 0 and 32 behind the slash"],
  ["10.0.0.0/255.0.0.0", "has no prefix length between 0 and 32 behind the slash"],
  ["/8", "has no address"],
  ["010.0.0.0/8", "has an octet with a leading zero, which is octal to some programs"],
  ["10.0.0/8", "is no IPv4 address: four numbers from 0 to 255"],
  ["fe80::1%eth0/64", "has a zone; networks are the same on every link"],
  ["192.0.2.1:443", "has a port or brackets; write the address alone"],
  ["[2001:db8::1]", "has a port or brackets; write the address alone"],
  ["example.com", "is no address"],
  ["*", "is no address"],
  ["1".repeat(60), "is too long for a network"],
];

describe("parseCidr", () => {
  it.for(ROWS)("says of %s: %s", ([text, expected], { expect }) => {
    expect(said(text)).toBe(expected);
  });

  it("agrees with ipaddr.js on the network of an address", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(v4Text, v6Text), fc.nat(128), (address, bits) => {
        const whole = parseCidr(address);
        if (!whole.ok) throw new Error(whole.error);
        const prefix = Math.min(bits, whole.value.family === 4 ? 32 : 128);
        const canonical = formatCidr(whole.value).split("/")[0] ?? "";
        const range = `${canonical}/${prefix}`;
        const network =
          whole.value.family === 4
            ? ipaddr.IPv4.networkAddressFromCIDR(range)
            : ipaddr.IPv6.networkAddressFromCIDR(range);
        const expected = said(`${network.toString()}/${prefix}`);
        expect(expected).toMatch(/\/\d+$/);
        expect([expected, `has bits behind its prefix; the network is ${expected}`]).toContain(
          said(range),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("never throws, and reads back what it accepts", ({ expect }) => {
    const text = fc
      .tuple(addressText, fc.constantFrom("", "/", "/0", "/8", "/32", "/96", "/128", "/999", "/-1"))
      .map(([address, prefix]) => address + prefix);
    fc.assert(
      fc.property(text, (given) => {
        const parsed = parseCidr(given);
        expect(parsed.ok ? parseCidr(formatCidr(parsed.value)) : parsed).toEqual(parsed);
      }),
      { numRuns: 3_000 },
    );
  });
});
