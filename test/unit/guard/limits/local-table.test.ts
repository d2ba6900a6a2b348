import fc from "fast-check";
import { it } from "vitest";
import { ELAPSED_MS_MAX } from "../../../../src/guard/limits/gcra.ts";
import {
  LocalTable,
  OWN_WORDS_FROM,
  SLOTS,
  TOUCHED_AT,
} from "../../../../src/guard/limits/local-table.ts";
import { mix32 } from "../../../../src/sketches/hash.ts";

const WORDS = OWN_WORDS_FROM + 1;

/** Claims a key at a time, and leaves a mark in its own word. */
function visit(table: LocalTable, low: number, at: number, mark: number): void {
  const slot = table.claim(Uint32Array.of(1, low));
  table.words[slot + TOUCHED_AT] = at;
  table.words[slot + OWN_WORDS_FROM] = mark;
}

const markOf = (table: LocalTable, low: number): number | null => {
  const slot = table.find(Uint32Array.of(1, low));
  return slot === -1 ? null : (table.words[slot + OWN_WORDS_FROM] ?? null);
};

it("finds again what it holds, and makes room by forgetting the oldest of eight", ({ expect }) => {
  fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 200 }), (lows) => {
      const table = new LocalTable(16, WORDS);
      for (const [index, low] of lows.entries()) {
        visit(table, low, index + 1, low);
        expect(markOf(table, low)).toBe(low);
      }
      // The eight places of a key are in reach of at most fifteen homes.
      const latest = [...new Set(lows.toReversed())].slice(0, 1);
      for (const low of latest) expect(markOf(table, low)).toBe(low);
    }),
  );
});

it("keeps eight keys of one home, and then forgets the one touched longest ago", ({ expect }) => {
  const table = new LocalTable(64, WORDS);
  const lows = Array.from({ length: 8 }, (_, index) => 5 + 64 * index);
  for (const [index, low] of lows.entries()) visit(table, low, 100 + index, low);
  for (const low of lows) expect(markOf(table, low)).toBe(low);
  visit(table, 5, 200, 5);
  visit(table, 5 + 64 * 8, 201, 1);
  expect(markOf(table, 5)).toBe(5);
  expect(markOf(table, 5 + 64)).toBeNull();
});

it("hands out a slot with nothing of its last owner in it", ({ expect }) => {
  const table = new LocalTable(8, WORDS);
  for (let low = 0; low < 8; low += 1) visit(table, low, 1 + low, 77);
  const slot = table.claim(Uint32Array.of(2, 99));
  expect(table.words[slot + TOUCHED_AT]).toBe(0);
  expect(table.words[slot + OWN_WORDS_FROM]).toBe(0);
  expect(table.ticks[slot >> 1]).toBe(0);
});

it("tells keys apart by both words", ({ expect }) => {
  const table = new LocalTable(64, WORDS);
  visit(table, 7, 1, 7);
  expect(table.find(Uint32Array.of(2, 7))).toBe(-1);
  expect(table.claim(Uint32Array.of(2, 7))).not.toBe(table.claim(Uint32Array.of(1, 7)));
});

it("counts time from its first use, stands still before it, and begins anew after 24 days", ({
  expect,
}) => {
  const table = new LocalTable(8, WORDS);
  const startMs = 1_700_000_000_000;
  expect(table.elapsedMs(startMs)).toBe(1);
  expect(table.elapsedMs(startMs + 500)).toBe(501);
  expect(table.elapsedMs(startMs - 500)).toBe(1);
  visit(table, 3, 1, 3);
  expect(table.elapsedMs(startMs + ELAPSED_MS_MAX)).toBe(1);
  expect(markOf(table, 3)).toBeNull();
});

it("is as large after ten million keys as before the first", ({ expect }) => {
  const table = new LocalTable(SLOTS, 10);
  const before = table.byteLength;
  const words = new Uint32Array(2);
  for (let key = 1; key <= 10_000_000; key += 1) {
    words[0] = mix32(key);
    words[1] = mix32(key + 1);
    const slot = table.claim(words);
    table.words[slot + TOUCHED_AT] = 1 + (key >>> 10);
  }
  expect([before, table.byteLength]).toEqual([SLOTS * 40, SLOTS * 40]);
});
