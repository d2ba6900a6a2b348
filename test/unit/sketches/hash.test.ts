import fc from "fast-check";
import { it } from "vitest";
import { hashText, mix32, mix32Again, mixPair } from "../../../src/sketches/hash.ts";

const isWord = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

it("makes unsigned words out of any text and seed, always the same", ({ expect }) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer(), (text, seed) => {
      expect(isWord(hashText(text, seed))).toBe(true);
      expect(hashText(text, seed)).toBe(hashText(`${text}`, seed));
    }),
  );
});

it("keeps like texts apart: lengths, order, the last letter, the seed", ({ expect }) => {
  const texts = ["", "\0", "\0\0", "a", "b", "ab", "ba", "abc", "abd", "abcd", "abdc", "é", "日本"];
  expect(new Set(texts.map((text) => hashText(text))).size).toBe(texts.length);
  expect(hashText("abc", 1)).not.toBe(hashText("abc", 2));
});

it("collides about as rarely as chance has it", ({ expect }) => {
  const agents = Array.from({ length: 100_000 }, (_, index) => `Mozilla/5.0 (X11) Chrome/${index}`);
  const different = new Set(agents.map((agent) => hashText(agent))).size;
  // The birthday bound for 100 000 of 2^32 is 1.2 collisions.
  expect(agents.length - different).toBeLessThan(8);
});

it("mixes words one to one and pairs in order", ({ expect }) => {
  const words = Array.from({ length: 100_000 }, (_, index) => index);
  expect(new Set(words.map(mix32)).size).toBe(words.length);
  expect(new Set(words.map(mix32Again)).size).toBe(words.length);
  expect(mixPair(1, 2)).not.toBe(mixPair(2, 1));
  expect(isWord(mixPair(0xffff_ffff, 0xffff_ffff))).toBe(true);
});
