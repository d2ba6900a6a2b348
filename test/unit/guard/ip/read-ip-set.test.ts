import fc from "fast-check";
import { describe, it } from "vitest";
import { BLOB_BYTES_MAX, checksum, HEADER, HEADER_BYTES } from "../../../../src/guard/ip/blob.ts";
import { lookup, liveFrom, nextOf, ruleOf } from "../../../../src/guard/ip/ip-set.ts";
import { readIpSet } from "../../../../src/guard/ip/read-ip-set.ts";
import { compileNetworks } from "../../../../src/policy/networks.ts";
import { addresses, anEntry, networkEntries, wordsOf } from "../../policy/network-oracle.ts";

const ENTRIES = [
  anEntry("10.0.0.0/8", { entryId: "wide" }),
  anEntry("10.1.2.3", { entryId: "one", action: "challenge" }),
  anEntry("2001:db8::/32", { entryId: "office", action: "allow" }),
  anEntry("2001:db8::1"),
];

function aBlob(entries = ENTRIES): ArrayBuffer {
  const blob = compileNetworks({ entries, nowMs: 0, force: true });
  if (!blob.ok) throw new Error(blob.error);
  return blob.value;
}

const refusal = (blob: ArrayBuffer): string => {
  const read = readIpSet(blob);
  return read.ok ? "taken" : read.error;
};

/** The blob with changed words, and a checksum that is right again. */
function signed(change: (words: Uint32Array) => void): ArrayBuffer {
  const blob = aBlob();
  const words = new Uint32Array(blob);
  change(words);
  words[HEADER.checksum] = checksum(blob);
  return blob;
}

describe("readIpSet", () => {
  it("takes what the compiler makes", ({ expect }) => {
    expect(refusal(aBlob())).toBe("taken");
    expect(refusal(aBlob([]))).toBe("taken");
  });

  it("refuses a blob with any bit flipped", ({ expect }) => {
    const blob = aBlob();
    const bytes = new Uint8Array(blob);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >>> 3;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      expect(refusal(blob), `bit ${bit}`).not.toBe("taken");
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    }
    expect(refusal(blob)).toBe("taken");
  });

  it("refuses a blob cut or extended anywhere", ({ expect }) => {
    const blob = aBlob();
    for (let length = 0; length < blob.byteLength; length++) {
      expect(refusal(blob.slice(0, length)), `${length} bytes`).toBe("wrong_length");
    }
    for (const more of [1, 3, 4, 64]) {
      const longer = new Uint8Array(blob.byteLength + more);
      longer.set(new Uint8Array(blob));
      expect(refusal(longer.buffer), `${more} more`).toBe("wrong_length");
    }
  });

  it("refuses noise, and noise behind a header", ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, hasHeader) => {
        const bytes = Uint8Array.from(noise);
        if (hasHeader) bytes.set(new Uint8Array(aBlob(), 0, Math.min(HEADER_BYTES, bytes.length)));
        expect(refusal(bytes.buffer)).not.toBe("taken");
      }),
    );
  });

  it("names what is wrong", ({ expect }) => {
    expect(refusal(new ArrayBuffer(BLOB_BYTES_MAX + 4))).toBe("too_large");
    expect(refusal(new ArrayBuffer(HEADER_BYTES))).toBe("not_a_blob");
    expect(refusal(signed((words) => (words[HEADER.magic] = 0)))).toBe("not_a_blob");
    expect(refusal(signed((words) => (words[HEADER.format] = 2)))).toBe("unknown_format");
    expect(refusal(signed((words) => (words[HEADER.byteLength] = 68)))).toBe("wrong_length");
    const unsigned = aBlob();
    new Uint32Array(unsigned)[HEADER.networks] = 3;
    expect(refusal(unsigned)).toBe("wrong_checksum");
    const blocksMuch = (words: Uint32Array): void => {
      words[HEADER.flags] = 0;
      words[HEADER.blockedV6] = 0x4001;
    };
    expect(refusal(signed(blocksMuch))).toBe("blocks_too_much");
  });

  it("refuses counts that cannot be, whatever the checksum says", ({ expect }) => {
    for (let field: number = HEADER.networks; field <= HEADER.v6LongBits; field++) {
      for (const value of [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 2_000_001, 33]) {
        if (field === HEADER.networks && value === 33) continue;
        const blob = signed((words) => (words[field] = value));
        expect(refusal(blob), `word ${field} = ${value}`).toBe("malformed");
      }
    }
    expect(refusal(signed((words) => (words[HEADER.chains] = 0)))).toBe("malformed");
    expect(refusal(signed((words) => (words[HEADER.v4Bits] = 0)))).toBe("malformed");
  });

  it("refuses a chain that does not come to an end, and rules that do not exist", ({ expect }) => {
    const intact = readIpSet(aBlob());
    if (!intact.ok) throw new Error(intact.error);
    const { next, rules } = intact.value;
    const refused = (column: Uint32Array | Uint16Array, chain: number, value: number): string => {
      const blob = aBlob();
      const Column = column === next ? Uint32Array : Uint16Array;
      new Column(blob, column.byteOffset, column.length)[chain] = value;
      new Uint32Array(blob)[HEADER.checksum] = checksum(blob);
      return refusal(blob);
    };
    expect(next.length).toBeGreaterThan(2);
    expect(refused(next, 2, 2)).toBe("malformed");
    expect(refused(next, 1, 2)).toBe("malformed");
    expect(refused(next, 2, 1)).toBe("taken");
    expect(refused(rules, 1, intact.value.ruleList.length)).toBe("malformed");
  });

  it("believes a sha256 that the caller has compared, and nothing else", ({ expect }) => {
    const blob = aBlob();
    new Uint32Array(blob)[HEADER.checksum] = 0;
    expect(refusal(blob)).toBe("wrong_checksum");
    expect(readIpSet(blob, "known").ok).toBe(true);
    new Uint32Array(blob)[HEADER.v4Rows] = 7;
    expect(readIpSet(blob, "known")).toEqual({ ok: false, error: "malformed" });
  });

  it("leaves a rule alone whose action it does not know", ({ expect }) => {
    const blob = aBlob([anEntry("192.0.2.1", { entryId: "lse_of_a_later_version" })]);
    const bytes = new Uint8Array(blob);
    const at = new TextDecoder("latin1").decode(bytes).indexOf('"block"');
    bytes.set(new TextEncoder().encode('"drown"'), at);
    new Uint32Array(blob)[HEADER.checksum] = checksum(blob);
    const read = readIpSet(blob);
    if (!read.ok) throw new Error(read.error);
    const chain = lookup(read.value, 4, Uint32Array.of(0xc000_0201, 0, 0, 0));
    expect(ruleOf(read.value, chain)).toEqual({ entryId: "lse_of_a_later_version", action: null });
  });

  it("ends a search in an index that points anywhere", ({ expect }) => {
    const read = readIpSet(aBlob());
    if (!read.ok) throw new Error(read.error);
    for (const table of [read.value.v4, read.value.v6, read.value.v6Long]) {
      table.index.fill(0xffff_ffff);
      table.index.fill(0xffff_fff0, 0, table.index.length >> 1);
    }
    expect(lookup(read.value, 4, Uint32Array.of(0x7fff_ffff, 0, 0, 0))).toBe(0);
    expect(lookup(read.value, 6, Uint32Array.of(0x2fff_ffff, 0, 0, 0))).toBe(0);
  });

  it("lets no lookup loop or leave its columns, whatever passed", ({ expect }) => {
    fc.assert(
      fc.property(
        networkEntries,
        addresses,
        fc.array(fc.tuple(fc.nat(), fc.nat(0xffff_ffff)), { minLength: 1, maxLength: 4 }),
        (entries, probes, changes) => {
          const blob = aBlob(entries);
          const words = new Uint32Array(blob);
          const body = words.length - HEADER_BYTES / 4;
          for (const [at, value] of changes) words[HEADER_BYTES / 4 + (at % body)] = value;
          words[HEADER.checksum] = checksum(blob);
          const read = readIpSet(blob);
          if (!read.ok) return;
          for (const probe of probes) {
            let steps = 0;
            let chain = lookup(read.value, probe.family, wordsOf(probe));
            for (; chain !== 0; chain = liveFrom(read.value, nextOf(read.value, chain), 0)) {
              expect(typeof ruleOf(read.value, chain).entryId).toBe("string");
              expect(++steps).toBeLessThanOrEqual(read.value.next.length);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
