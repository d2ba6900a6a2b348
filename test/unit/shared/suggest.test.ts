import { describe, it } from "vitest";
import { nearest, suggest } from "../../../src/shared/suggest.ts";

describe("nearest", () => {
  const known = ["for", "clear", "clear_for", "when"];
  const rows = [
    ["fro", "for"],
    ["cler", "clear"],
    ["clear_fro", "clear_for"],
    ["wehn", "when"],
    ["unrelated", null],
    ["", null],
    ["x", null],
  ] as const;

  it.for(rows)("to %j is %j", ([word, expected], { expect }) => {
    expect(nearest(word, known)).toBe(expected);
  });
});

describe("suggest", () => {
  it("lists what is known in order, and says when nothing is", ({ expect }) => {
    expect(suggest("zzz", ["b", "a"])).toBe("known: a, b");
    expect(suggest("zzz", [])).toBe("known: none");
  });

  it("keeps a long list short", ({ expect }) => {
    const many = Array.from({ length: 50 }, (_, n) => `name-${n}`);
    expect(suggest("zzz", many)).toMatch(/ and 10 more$/);
  });
});
