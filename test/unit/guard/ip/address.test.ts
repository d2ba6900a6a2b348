import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { isIPv4, isIPv6 } from "node:net";
import { describe, it } from "vitest";
import {
  ADDRESS_CHARS_MAX,
  addressWords,
  formatAddress,
  parseAddress,
} from "../../../../src/guard/ip/address.ts";
import { addressText, v6Text } from "./arbitraries.ts";

/** The canonical spelling, or null for what is no address. */
function canonical(text: string): string | null {
  const words = addressWords();
  const family = parseAddress(text, words);
  return family === 0 ? null : `${family} ${formatAddress(family, words)}`;
}

const READ: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "4 0.0.0.0"],
  ["1.2.3.4", "4 1.2.3.4"],
  ["255.255.255.255", "4 255.255.255.255"],
  ["::", "6 ::"],
  ["::1", "6 ::1"],
  ["1::", "6 1::"],
  ["2001:DB8::A", "6 2001:db8::a"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "6 2001:db8::1"],
  ["1:2:3:4:5:6:7:8", "6 1:2:3:4:5:6:7:8"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  // RFC 5952: the longest run of zeros, the first among equals, and never a single group.
  ["2001:db8:0:1:1:1:1:1", "6 2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "6 2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "6 2001:db8::1:0:0:1"],
  ["1:2:3:4:5:6:7::", "6 1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "6 0:2:3:4:5:6:7:8"],
  // One address, two families: mapped is IPv4 in every spelling.
  ["::ffff:1.2.3.4", "4 1.2.3.4"],
  ["::FFFF:102:304", "4 1.2.3.4"],
  ["0:0:0:0:0:ffff:1.2.3.4", "4 1.2.3.4"],
  ["0000:0000:0000:0000:0000:ffff:255.255.255.255", "4 255.255.255.255"],
  ["::ffff:0:0", "4 0.0.0.0"],
  // Next to the mapped ones, and the other ways to embed IPv4, which are not.
  ["::fffe:ffff:ffff", "6 ::fffe:ffff:ffff"],
  ["::1:0:0:0", "6 ::1:0:0:0"],
  ["::1.2.3.4", "6 ::102:304"],
  ["64:ff9b::1.2.3.4", "6 64:ff9b::102:304"],
  ["2002:102:304::", "6 2002:102:304::"],
  ["1:2:3:4:5:6:1.2.3.4", "6 1:2:3:4:5:6:102:304"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "no address": ["", " ", ".", ":", "1", "a", "localhost", "unknown", "null", "-1.2.3.4"],
  "not four octets": [
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    ".1.2.3.4",
    "1..2.3",
    "1.2.3.256",
    "1.2.3.1000",
  ],
  "octal or hexadecimal elsewhere": [
    "01.2.3.4",
    "1.2.3.04",
    "00.0.0.0",
    "1.2.3.00",
    "0x1.2.3.4",
    "1.2.3.4a",
    "16909060",
  ],
  "other characters": [
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4\n",
    "1.2.3.4\0",
    "1,2,3,4",
    "١.2.3.4",
    "１.2.3.4",
  ],
  "a port": ["1.2.3.4:80", "[::1]:80", "::ffff:1.2.3.4:80", "[::1]"],
  "a zone": ["fe80::1%eth0", "::1%", "1.2.3.4%1"],
  "a prefix": ["1.2.3.4/32", "::1/128"],
  "colons alone or too many": [
    ":::",
    "::::",
    "1::2::3",
    ":1",
    "1:",
    "1:2",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:",
    "::1:",
    "1:::2",
  ],
  "not eight groups": [
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
  ],
  "no group": ["12345::", "::12345", "00001::", "::g", "::-1"],
  "a dotted part that is not whole, not last, or too much": [
    "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:1.2.3.4",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "::ffff:01.2.3.4",
    "::ffff:1.2.3.256",
    "::.1.2.3.4",
    "::1.2.3.4.5",
    "::ffff:a.2.3.4",
    "::1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:6::1.2.3.4.",
    "::1234567.2.3.4",
  ],
  "too long": [`0${"0".repeat(ADDRESS_CHARS_MAX)}::1`],
};

describe("parseAddress", () => {
  it.for(READ)("reads %s as %s", ([text, expected], { expect }) => {
    expect(canonical(text)).toBe(expected);
  });

  it.for(Object.entries(REFUSED))("refuses %s", ([, texts], { expect }) => {
    for (const text of texts) expect(canonical(text), text).toBeNull();
  });

  it("leaves nothing of the address before in the one after", ({ expect }) => {
    const words = addressWords();
    parseAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", words);
    parseAddress("::1", words);
    expect([...words]).toEqual([0, 0, 0, 1]);
    parseAddress("1:2:3:4:5:6:7:8", words);
    parseAddress("192.0.2.1", words);
    expect([...words]).toEqual([0xc000_0201, 0, 0, 0]);
  });

  it("agrees with Node on what is an address, whatever is thrown at it", ({ expect }) => {
    fc.assert(
      fc.property(addressText, (text) => {
        const isAddress = isIPv4(text) || (isIPv6(text) && !text.includes("%"));
        expect(canonical(text) !== null, text).toBe(isAddress);
      }),
      { numRuns: 5_000 },
    );
  });

  it("agrees with ipaddr.js on which address it is", ({ expect }) => {
    fc.assert(
      fc.property(v6Text, (text) => {
        const words = addressWords();
        const family = parseAddress(text, words);
        // ipaddr.js takes the dotted `::a.b.c.d` for a mapped address; Node and we do not.
        const bytes = ipaddr.parse(text.replace(/^::(?=\d+\.)/, "0:0:0:0:0:0:")).toByteArray();
        const own = family === 4 ? [0, 0, 0xffff, words[0] ?? 0] : [...words];
        expect(
          own.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]),
        ).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it("reads back what it writes", ({ expect }) => {
    const word = fc.oneof(
      fc.constantFrom(0, 1, 0xffff, 0x1_0000, 0xffff_ffff),
      fc.nat(0xffff_ffff),
    );
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (given) => {
        const text = formatAddress(6, Uint32Array.from(given));
        const words = addressWords();
        const family = parseAddress(text, words);
        const isMapped = given[0] === 0 && given[1] === 0 && given[2] === 0xffff;
        expect([family, ...words]).toEqual(isMapped ? [4, given[3], 0, 0, 0] : [6, ...given]);
      }),
      { numRuns: 2_000 },
    );
  });
});
