import fc from "fast-check";
import { BlockList } from "node:net";
import ipaddr from "ipaddr.js";
import { describe, it } from "vitest";
import { NETWORKS_MAX, RULES_MAX } from "../../../src/guard/ip/blob.ts";
import { formatCidr } from "../../../src/guard/ip/cidr.ts";
import { networksAndProbes } from "../../../bench/networks.ts";
import { addressWords, parseAddress } from "../../../src/guard/ip/address.ts";
import { readIpSet } from "../../../src/guard/ip/read-ip-set.ts";
import { CHAIN_LENGTH_MAX } from "../../../src/policy/network-chains.ts";
import {
  compileNetworks,
  NEVER_ENDS_AT_MS,
  type NetworkEntry,
} from "../../../src/policy/networks.ts";
import {
  addresses,
  anEntry,
  firstOf,
  fromTable,
  naive,
  networkEntries,
  probesOf,
  tableOf,
  textOf,
} from "./network-oracle.ts";

/** What the table says of an address in text, at a moment. */
function asked(entries: readonly NetworkEntry[], text: string, nowMs = 0): string[] {
  const words = addressWords();
  const family = parseAddress(text, words);
  if (family === 0) throw new Error(`${text} is no address`);
  const value = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return fromTable(tableOf(entries), { family, value: family === 4 ? value >> 96n : value }, nowMs);
}

describe("which rule is asked first", () => {
  it("the most specific network's, then those around it", ({ expect }) => {
    const entries = [
      anEntry("10.0.0.0/8", { entryId: "wide" }),
      anEntry("10.1.0.0/16", { entryId: "middle", action: "challenge" }),
      anEntry("10.1.2.3", { entryId: "one" }),
    ];
    expect(asked(entries, "10.1.2.3")).toEqual(["one/block", "middle/challenge", "wide/block"]);
    expect(asked(entries, "10.1.2.4")).toEqual(["middle/challenge", "wide/block"]);
    expect(asked(entries, "10.2.0.0")).toEqual(["wide/block"]);
    expect(asked(entries, "11.0.0.0")).toEqual([]);
  });

  it("an allowed network's, however specific the block in it", ({ expect }) => {
    const entries = [
      anEntry("198.51.100.0/24", { entryId: "office", action: "allow" }),
      anEntry("198.51.100.7", { entryId: "attack" }),
      anEntry("198.51.0.0/16", { entryId: "list" }),
    ];
    expect(asked(entries, "198.51.100.7")).toEqual(["office/allow", "attack/block", "list/block"]);
  });

  it("the one around it from the millisecond on at which it ends", ({ expect }) => {
    const entries = [
      anEntry("10.0.0.0/8", { entryId: "wide", expiresAtMs: 900 }),
      anEntry("10.1.2.3", { entryId: "one", expiresAtMs: 500 }),
      anEntry("10.1.0.0/16", { entryId: "office", action: "allow", expiresAtMs: 300 }),
    ];
    expect(asked(entries, "10.1.2.3", 299)).toEqual(["office/allow", "one/block", "wide/block"]);
    expect(asked(entries, "10.1.2.3", 300)).toEqual(["one/block", "wide/block"]);
    expect(asked(entries, "10.1.2.3", 499)).toEqual(["one/block", "wide/block"]);
    expect(asked(entries, "10.1.2.3", 500)).toEqual(["wide/block"]);
    expect(asked(entries, "10.1.2.3", 899)).toEqual(["wide/block"]);
    expect(asked(entries, "10.1.2.3", 900)).toEqual([]);
  });

  it("of one network, the rule that lasts longest", ({ expect }) => {
    const entries = [
      anEntry("10.0.0.0/8", { entryId: "short", expiresAtMs: 100 }),
      anEntry("10.0.0.0/8", { entryId: "long", expiresAtMs: 200 }),
      anEntry("10.0.0.0/8", { entryId: "long", expiresAtMs: 150 }),
    ];
    expect(asked(entries, "10.0.0.1")).toEqual(["long/block", "short/block"]);
  });

  it("also where an IPv6 network longer than /64 lies in a shorter one", ({ expect }) => {
    const entries = [
      anEntry("2001:db8::/32", { entryId: "wide" }),
      anEntry("2001:db8::/64", { entryId: "site", action: "allow" }),
      anEntry("2001:db8::1", { entryId: "one" }),
      anEntry("2001:db8::/96", { entryId: "rack", action: "challenge" }),
    ];
    expect(asked(entries, "2001:db8::1")).toEqual([
      "site/allow",
      "one/block",
      "rack/challenge",
      "wide/block",
    ]);
    expect(asked(entries, "2001:db8::2")).toEqual(["site/allow", "rack/challenge", "wide/block"]);
    expect(asked(entries, "2001:db8:0:0:1::")).toEqual(["site/allow", "wide/block"]);
    expect(asked(entries, "2001:db8:0:1::")).toEqual(["wide/block"]);
  });

  it("by family: a network of all IPv6 holds no IPv4 address in IPv6 clothes", ({ expect }) => {
    const entries = [
      anEntry("::/0", { entryId: "six" }),
      anEntry("10.0.0.0/8", { entryId: "four" }),
    ];
    expect(asked(entries, "::ffff:10.0.0.1")).toEqual(["four/block"]);
    expect(asked(entries, "::ffff:11.0.0.1")).toEqual([]);
    expect(asked(entries, "::10.0.0.1")).toEqual(["six/block"]);
  });

  it("at the ends of the address space", ({ expect }) => {
    const all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const entries = ["0.0.0.0", "255.255.255.255", "128.0.0.0/1", "::", all, "8000::/1"].map(
      (network) => anEntry(network, { entryId: network }),
    );
    expect(asked(entries, "0.0.0.0")).toEqual(["0.0.0.0/block"]);
    expect(asked(entries, "0.0.0.1")).toEqual([]);
    expect(asked(entries, "127.255.255.255")).toEqual([]);
    expect(asked(entries, "128.0.0.0")).toEqual(["128.0.0.0/1/block"]);
    expect(asked(entries, "255.255.255.255")).toEqual([
      "255.255.255.255/block",
      "128.0.0.0/1/block",
    ]);
    expect(asked(entries, "::")).toEqual(["::/block"]);
    expect(asked(entries, "7fff::")).toEqual([]);
    expect(asked(entries, all)).toEqual([`${all}/block`, "8000::/1/block"]);
  });

  it("is what looking at every network says, on both sides of every edge, at any time", ({
    expect,
  }) => {
    fc.assert(
      fc.property(networkEntries, addresses, (entries, more) => {
        const set = tableOf(entries);
        for (const probe of probesOf(entries, more)) {
          for (const nowMs of [0, 10, 19, 20, 39, 40]) {
            expect(fromTable(set, probe, nowMs), `${textOf(probe)} at ${nowMs}`).toEqual(
              naive(entries, probe, nowMs),
            );
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it.for([4, 6] as const)("is the same for a list of thousands, IPv%i", (family, { expect }) => {
    const { networks, probes } = networksAndProbes(family, 4_000);
    const entries = networks.map((network) => anEntry(network));
    const set = tableOf(entries);
    for (const text of probes.slice(0, 400)) {
      const probe = { family, value: firstOf(anEntry(text).network) };
      expect(fromTable(set, probe, 0), text).toEqual(naive(entries, probe, 0));
    }
  });

  it("is a match exactly where ipaddr.js and net.BlockList have one", ({ expect }) => {
    fc.assert(
      fc.property(networkEntries, addresses, (entries, more) => {
        const set = tableOf(entries);
        // Two lists: Node takes an IPv4 address for one of the IPv6 networks around its mapped form.
        const lists = { 4: new BlockList(), 6: new BlockList() };
        const ranges = entries.map(({ network }) => {
          const [address = "", prefix = ""] = formatCidr(network).split("/");
          lists[network.family].addSubnet(
            address,
            Number(prefix),
            network.family === 4 ? "ipv4" : "ipv6",
          );
          return {
            family: network.family,
            range: [ipaddr.parse(address), network.prefix] as const,
          };
        });
        for (const probe of probesOf(entries, more)) {
          const text = textOf(probe);
          const parsed = ipaddr.parse(text);
          const isIn = ranges.some(
            ({ family, range: [address, prefix] }) =>
              family === probe.family && parsed.match(address, prefix),
          );
          const isListed = lists[probe.family].check(text, probe.family === 4 ? "ipv4" : "ipv6");
          expect({ text, isIn: fromTable(set, probe, 0).length > 0 }).toEqual({ text, isIn });
          expect({ text, isListed }).toEqual({ text, isListed: isIn });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("compileNetworks", () => {
  it("gives the same bytes in whatever order the networks come", ({ expect }) => {
    fc.assert(
      fc.property(networkEntries, (entries) => {
        const compiled = compileNetworks({ entries, nowMs: 0, force: true });
        const reversed = compileNetworks({ entries: entries.toReversed(), nowMs: 0, force: true });
        if (!compiled.ok || !reversed.ok) throw new Error("forced, and few");
        expect(Buffer.from(reversed.value).equals(Buffer.from(compiled.value))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves out what has ended", ({ expect }) => {
    const entries = [anEntry("10.0.0.0/8", { expiresAtMs: 500 }), anEntry("11.0.0.0/8")];
    expect(tableOf(entries, 499).networks).toBe(2);
    expect(tableOf(entries, 500).networks).toBe(1);
    expect(tableOf([anEntry("10.0.0.0/8", { expiresAtMs: NEVER_ENDS_AT_MS })]).networks).toBe(1);
  });

  it("keeps a table of a few addresses small", ({ expect }) => {
    const entries = Array.from({ length: 20 }, (_, n) => anEntry(`192.0.2.${n}`));
    const blob = compileNetworks({ entries, nowMs: 0 });
    expect(blob.ok && blob.value.byteLength).toBeLessThan(1_000);
    const none = compileNetworks({ entries: [], nowMs: 0 });
    expect(none.ok && none.value.byteLength).toBeLessThan(200);
  });

  it("holds a hundred thousand networks that all end at another time", ({ expect }) => {
    const entries = Array.from({ length: 100_000 }, (_, n) =>
      anEntry(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, { expiresAtMs: 1_000 + n }),
    );
    const set = tableOf(entries);
    for (const n of [0, 1, 65_534, 65_535, 65_536, 99_999]) {
      const probe = { family: 4, value: 0x0a00_0000n + BigInt(n) } as const;
      expect(fromTable(set, probe, 1_000 + n - 1)).toEqual(["lse_1/block"]);
      expect(fromTable(set, probe, 1_000 + n)).toEqual([]);
    }
    expect(firstOf(anEntry("10.0.0.0").network)).toBe(0x0a00_0000n);
  });

  it("refuses to block more than a quarter of the internet, unless forced", ({ expect }) => {
    const refused = (
      networks: readonly string[],
      action: "allow" | "block" | "challenge" = "block",
    ) => {
      const entries = networks.map((network) => anEntry(network, { action }));
      return !compileNetworks({ entries, nowMs: 0 }).ok;
    };
    expect(refused(["0.0.0.0/2"])).toBe(false);
    expect(refused(["0.0.0.0/2", "64.0.0.0"])).toBe(true);
    expect(refused(["0.0.0.0/0"])).toBe(true);
    expect(refused(Array.from({ length: 64 }, (_, n) => `${n}.0.0.0/8`))).toBe(false);
    expect(refused(Array.from({ length: 65 }, (_, n) => `${n}.0.0.0/8`))).toBe(true);
    expect(refused(["::/0"])).toBe(true);
    expect(refused(["2000::/4"])).toBe(true);
    expect(refused(["2000::/5"])).toBe(false);
    expect(refused(["8000::/1"])).toBe(false);
    expect(refused(["0.0.0.0/0", "::/0"], "allow")).toBe(false);
    expect(refused(["0.0.0.0/0", "::/0"], "challenge")).toBe(false);
    // What is blocked inside of something else counts once, what is allowed inside of it counts still.
    const nested = ["0.0.0.0/2", "1.0.0.0/8", "1.2.3.4", "2000::/5", "2001::/16", "2001:db8::/32"];
    const owned = nested.map((network) => anEntry(network, { entryId: network }));
    expect(compileNetworks({ entries: owned, nowMs: 0 }).ok).toBe(true);
    const allowed = [anEntry("0.0.0.0/0"), anEntry("0.0.0.0/1", { action: "allow" })];
    expect(compileNetworks({ entries: allowed, nowMs: 0 })).toMatchObject({
      ok: false,
      error: "the networks block more than 25 % of the internet; force it if that is meant",
    });
    const forced = compileNetworks({ entries: allowed, nowMs: 0, force: true });
    expect(forced.ok && readIpSet(forced.value).ok).toBe(true);
  });

  it("refuses more than guards hold, and says how much that is", ({ expect }) => {
    const error = (entries: readonly NetworkEntry[]) => {
      const compiled = compileNetworks({ entries, nowMs: 0 });
      return compiled.ok ? null : compiled.error;
    };
    const one = anEntry("192.0.2.1");
    const times = (length: number, changed: (n: number) => Partial<NetworkEntry>) =>
      Array.from({ length }, (_, n) => ({ ...one, ...changed(n) }));
    expect(error(times(NETWORKS_MAX + 1, () => ({})))).toBe(
      "1000001 networks are more than the 1000000 a guard holds",
    );
    expect(error(times(RULES_MAX + 1, (n) => ({ entryId: `lse_${n}` })))).toBe(
      "65536 entries with networks are more than the 65535 a guard holds",
    );
    expect(error(times(CHAIN_LENGTH_MAX, (n) => ({ entryId: `lse_${n}` })))).toBeNull();
    expect(error(times(CHAIN_LENGTH_MAX + 1, (n) => ({ entryId: `lse_${n}` })))).toBe(
      "one address is in 257 networks, more than the 256 a guard asks",
    );
  });
});
