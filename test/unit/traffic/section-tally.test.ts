import { describe, it } from "vitest";
import {
  OTHERS,
  SECTION_CHARS_MAX,
  sectionOf,
  SECTIONS_MAX,
  SectionTally,
} from "../../../src/traffic/section-tally.ts";

const countsOf = (tally: SectionTally) =>
  Object.fromEntries(tally.cut().map(({ section, requests }) => [section, requests]));

describe("a tally of sections", () => {
  it.for([
    ["/", "/"],
    ["/shop", "/shop"],
    ["/Shop/", "/shop"],
    ["/shop/17/reviews", "/shop"],
    [`/${"x".repeat(SECTION_CHARS_MAX)}/17`, OTHERS],
  ] as const)("has %s in %s", ([path, section], { expect }) => {
    expect(sectionOf(path)).toBe(section);
  });

  it("adds up what isolates counted, and begins anew", ({ expect }) => {
    const [one, both] = [new SectionTally(), new SectionTally()];
    for (const section of ["/", "/shop", "/shop"]) one.count(section);
    both.add(one.cut());
    both.add([{ section: "/shop", requests: 40 }]);
    expect(countsOf(both)).toEqual({ "/": 1, "/shop": 42 });
    both.clear();
    expect(both.cut()).toEqual([]);
  });

  it("counts what has no room among the others, and loses none", ({ expect }) => {
    const tally = new SectionTally();
    for (let n = 0; n < 10 * SECTIONS_MAX; n += 1) tally.count(`/${n}`);
    const cut = tally.cut();
    expect(cut.length).toBeLessThanOrEqual(SECTIONS_MAX + 1);
    expect(countsOf(tally)[OTHERS]).toBe(9 * SECTIONS_MAX);
    expect(cut.reduce((sum, { requests }) => sum + requests, 0)).toBe(10 * SECTIONS_MAX);
  });
});
