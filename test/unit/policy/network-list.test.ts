import fc from "fast-check";
import { describe, it } from "vitest";
import { NETWORKS_MAX } from "../../../src/guard/ip/blob.ts";
import { formatCidr, parseCidr } from "../../../src/guard/ip/cidr.ts";
import {
  DIAGNOSTICS_MAX,
  JSON_CHARS_MAX,
  KEYS_MAX,
  LINE_CHARS_MAX,
  LIST_CHARS_MAX,
  NetworkListReader,
  type NetworkList,
} from "../../../src/policy/network-list.ts";
import { REASON_CHARS_MAX } from "../../../src/policy/network-list-line.ts";

function read(...chunks: readonly string[]): NetworkList {
  const reader = new NetworkListReader();
  for (const chunk of chunks) if (!reader.push(chunk)) break;
  return reader.end();
}

const networksOf = (list: NetworkList): string[] =>
  list.networks.map(({ network, reason, expiresAtMs }) =>
    [formatCidr(network), reason, expiresAtMs].filter((part) => part !== null).join(" | "),
  );

const wrongIn = (list: NetworkList): string[] =>
  list.diagnostics.map(({ line, message }) => `${line}: ${message}`);

describe("a list of lines", () => {
  it("has a network on each, with comments as the known feeds write them", ({ expect }) => {
    const list = read(
      [
        "\uFEFF# blocked by hand",
        "; Spamhaus DROP List",
        "192.0.2.1",
        "  198.51.100.0/24 \t",
        "",
        "1.10.16.0/20 ; SBL256894",
        "2001:DB8::/32#documentation",
        "203.0.113.7,scanner, seen twice",
        "203.0.113.8\r",
        "::ffff:10.0.0.0/104 ## mapped",
      ].join("\n"),
    );
    expect(networksOf(list)).toEqual([
      "192.0.2.1/32",
      "198.51.100.0/24",
      "1.10.16.0/20 | SBL256894",
      "2001:db8::/32 | documentation",
      "203.0.113.7/32 | scanner, seen twice",
      "203.0.113.8/32",
      "10.0.0.0/8 | mapped",
    ]);
    expect(list).toMatchObject({ diagnostics: [], wrongLines: 0, stoppedBy: null });
  });

  it("names each wrong line by its number, and reads the others", ({ expect }) => {
    const list = read(
      "10.0.0.0/8\n10.1.2.3/8\n\n# fine\n01.2.3.4\n10.0.0.1 10.0.0.2\n, no network\nexample.com # host\n11.0.0.0/8",
    );
    expect(networksOf(list)).toEqual(["10.0.0.0/8", "11.0.0.0/8"]);
    expect(wrongIn(list)).toEqual([
      '2: "10.1.2.3/8" has bits behind its prefix; the network is 10.0.0.0/8',
      '5: "01.2.3.4" has an octet with a leading zero, which is octal to some programs',
      '6: "10.0.0.1 10.0.0.2" is more than a network; begin a comment with # or ;',
      '7: "" has no address',
      '8: "example.com" is no address',
    ]);
  });

  it("may have an object on each, as newer feeds do", ({ expect }) => {
    const list = read(
      '{"cidr":"1.10.16.0/20","sblid":"SBL256894","rir":"apnic"}\n{"network":"2001:db8::/32","reason":"test","expiresAtMs":1700000000000}\n{"type":"metadata","records":2}\n{"ip":"192.0.2.1"\n',
    );
    expect(networksOf(list)).toEqual(["1.10.16.0/20", "2001:db8::/32 | test | 1700000000000"]);
    expect(wrongIn(list)).toEqual([
      '3: is no item: a text, or {"network": text, "reason"?: text, "expiresAtMs"?: milliseconds}',
      "4: is not JSON",
    ]);
  });

  it("does not depend on where the chunks end", ({ expect }) => {
    const text = "# a\n10.0.0.0/8 # one\r\n\n2001:db8::1\nno network\n192.0.2.1";
    const whole = read(text);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((to, index) => text.slice(places[index], to));
        expect(read(...chunks)).toEqual(whole);
      }),
    );
  });
});

describe("a JSON array", () => {
  it("has texts and objects, and its wrong items are named by their lines", ({ expect }) => {
    const list = read(`
[
  "192.0.2.1", "10.1.2.3/8",
  { "network": "198.51.100.0/24", "reason": "a \\"quoted, ] {reason" },
  ["192.0.2.2"],
  { "network": "192.0.2.300",
    "reason": null },
  7, { "network": "192.0.2.3", "expiresAtMs": "tomorrow" }
]
`);
    expect(networksOf(list)).toEqual(["192.0.2.1/32", '198.51.100.0/24 | a "quoted, ] {reason']);
    const shape =
      'is no item: a text, or {"network": text, "reason"?: text, "expiresAtMs"?: milliseconds}';
    expect(wrongIn(list)).toEqual([
      '3: "10.1.2.3/8" has bits behind its prefix; the network is 10.0.0.0/8',
      `5: ${shape}`,
      '6: "192.0.2.300" is no IPv4 address: four numbers from 0 to 255',
      `8: ${shape}`,
      `8: ${shape}`,
    ]);
  });

  it("may be empty, in one line, or in chunks", ({ expect }) => {
    expect(read("[]")).toEqual({
      networks: [],
      keys: [],
      diagnostics: [],
      wrongLines: 0,
      stoppedBy: null,
    });
    expect(networksOf(read(" \n", '["192.0', '.2.1"', "]"))).toEqual(["192.0.2.1/32"]);
    expect(read("")).toEqual(read("[]"));
  });

  it("that is none is one diagnostic", ({ expect }) => {
    const list = read('\n[\n"192.0.2.1",\n"192.0.2.2"\n"192.0.2.3"]');
    expect(list.networks).toEqual([]);
    expect(wrongIn(list)).toHaveLength(1);
    expect(wrongIn(list)[0]).toMatch(/^\d+: the list is not JSON: /);
  });
});

describe("what is no network", () => {
  const JA4 = "t13d1516h2_8daaf6152771_b0da82dd1658";

  it("is an operator, a country or a TLS hello", ({ expect }) => {
    const list = read(
      `AS64500 # one\nas1\nDE\nT1\n${JA4}\n{"asn":64501,"country":"NL"}\n{"country":"FR","reason":"two"}\n{"ja4":"${JA4}"}\n{"ip":"192.0.2.1","asn":64502,"country":"DE"}`,
    );
    expect(list.keys).toEqual([
      { kind: "asn", key: 64_500, reason: "one" },
      { kind: "asn", key: 1, reason: null },
      { kind: "country", key: "DE", reason: null },
      { kind: "country", key: "T1", reason: null },
      { kind: "ja4", key: JA4, reason: null },
      { kind: "asn", key: 64_501, reason: null },
      { kind: "country", key: "FR", reason: "two" },
      { kind: "ja4", key: JA4, reason: null },
    ]);
    expect(networksOf(list)).toEqual(["192.0.2.1/32"]);
    expect(list.wrongLines).toBe(0);
  });

  it("is written in one way, and ends with its list", ({ expect }) => {
    const list = read(
      `AS0\nAS4294967296\nde\nGermany\n${JA4.toUpperCase()}\n{"asn":1,"expiresAtMs":1700000000000}`,
    );
    expect(list.keys).toEqual([]);
    expect(wrongIn(list)).toEqual([
      '1: "AS0" is no address',
      '2: "AS4294967296" is no address',
      '3: "de" is no address',
      '4: "Germany" is no address',
      `5: "${JA4.toUpperCase()}" is no address`,
      '6: "AS1" cannot expire before its list; make a list of its own for it',
    ]);
  });

  it("is bounded", ({ expect }) => {
    const asns = (count: number) =>
      Array.from({ length: count }, (_, n) => `AS${n + 1}`).join("\n");
    expect(read(asns(KEYS_MAX)).stoppedBy).toBeNull();
    expect(read(asns(KEYS_MAX + 1)).stoppedBy).toBe(
      "a list has at most 256 ASNs, countries and JA4s",
    );
  });
});

describe("limits", () => {
  it("of a line", ({ expect }) => {
    const long = (length: number) => `192.0.2.1 #${"x".repeat(length - 11)}`;
    expect(read(long(LINE_CHARS_MAX)).wrongLines).toBe(0);
    expect(wrongIn(read(long(LINE_CHARS_MAX + 1)))).toEqual(["1: is longer than 2000 characters"]);
    const inPieces = read(
      "192.0.2.1\n",
      ...("x".repeat(5_000).match(/.{1,7}/g) ?? []),
      "\n10.0.0.0/8\n",
    );
    expect(wrongIn(inPieces)).toEqual(["2: is longer than 2000 characters"]);
    expect(networksOf(inPieces)).toEqual(["192.0.2.1/32", "10.0.0.0/8"]);
  });

  it("of a reason", ({ expect }) => {
    const { networks } = read(`192.0.2.1 #${"x".repeat(REASON_CHARS_MAX + 1)}`);
    expect(networks[0]?.reason).toHaveLength(REASON_CHARS_MAX);
  });

  it("of what is told about wrong lines", ({ expect }) => {
    const list = read("x\n".repeat(DIAGNOSTICS_MAX + 5));
    expect(list.diagnostics).toHaveLength(DIAGNOSTICS_MAX);
    expect(list.wrongLines).toBe(DIAGNOSTICS_MAX + 5);
  });

  it("of characters: a compressed list cannot fill the memory", ({ expect }) => {
    const pushes = (first: string, charsMax: number): number => {
      const reader = new NetworkListReader();
      const chunk = "#".repeat(1024 * 1024);
      let count = 0;
      for (let more = reader.push(first); more; more = reader.push(chunk)) count++;
      expect(reader.push(chunk)).toBe(false);
      expect(reader.end().stoppedBy).toBe(`a list has at most ${charsMax} characters`);
      return count;
    };
    expect(pushes("#", LIST_CHARS_MAX)).toBe(64);
    expect(pushes("[", JSON_CHARS_MAX)).toBe(16);
  });

  it("of networks", ({ expect }) => {
    const reader = new NetworkListReader();
    const chunk = "1.1.1.1\n".repeat(50_000);
    for (let sent = 0; sent < NETWORKS_MAX; sent += 50_000) expect(reader.push(chunk)).toBe(true);
    expect(reader.push("1.1.1.1\n")).toBe(false);
    const list = reader.end();
    expect(list.networks).toHaveLength(NETWORKS_MAX);
    expect(list.stoppedBy).toBe("a list has at most 1000000 networks");
  });
});

it("never throws, and reads no network that is not there", ({ expect }) => {
  const noise = fc.array(
    fc.oneof(
      fc.constantFrom("[", "]", "{", "}", '"', ",", "\n", "#", ";", "\\", ":", "\uFEFF", '{"ip":"'),
      fc.constantFrom("192.0.2.1", "::1/128", "10.0.0.0/8"),
      fc.string({ unit: "binary" }),
    ),
  );
  fc.assert(
    fc.property(noise, (pieces) => {
      // Pieces may meet to form a network of their own, such as `:` and `:`.
      const written = pieces.join("").split(/[\s,"[\]{}#;\\\uFEFF]+/u);
      const there = written.flatMap((text) => {
        const parsed = parseCidr(text);
        return parsed.ok ? [formatCidr(parsed.value)] : [];
      });
      for (const { network } of read(...pieces).networks)
        expect(there).toContain(formatCidr(network));
    }),
    { numRuns: 2_000 },
  );
});
