import fc from "fast-check";
import { it } from "vitest";
import { templateHash, templateOf } from "../../../src/guard/path-template.ts";

it.for([
  ["/", "/"],
  ["/pitches", "/pitches"],
  ["/pitches/", "/pitches/"],
  ["/pitches/17/reviews", "/pitches/:id/reviews"],
  ["/v2/oauth2/mp3", "/v2/oauth2/mp3"],
  ["/orders/0190c5a2-9d3e-7b1c-8f00-6f2d0a1b2c3d", "/orders/:id"],
  ["/assets/app.3f9a1c2b.js", "/assets/:id"],
  ["/cafés/été", "/cafés/été"],
  [`/reset/${"a".repeat(33)}`, "/reset/:id"],
  ["/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/*"],
  [`/a${"/b".repeat(7)}`, `/a${"/b".repeat(7)}`],
] as const)("takes %s for %s", ([path, template], { expect }) => {
  expect(templateOf(path)).toBe(template);
});

it("has one hash for each template, and never two", ({ expect }) => {
  const segment = fc.oneof(
    fc.constantFrom("", "a", "b", "17", "18", "shop", "order-2026-11", "order-2026-12"),
    // A path that spells out `:id` or `*` looks like a template, and may be counted as another one.
    fc.string({ maxLength: 40 }).map((text) => text.replaceAll(/[/:*]/g, "")),
  );
  const path = fc
    .array(segment, { minLength: 1, maxLength: 12 })
    .map((segments) => `/${segments.join("/")}`);
  const hashes = new Map<string, number>();
  fc.assert(
    fc.property(path, (given) => {
      const template = templateOf(given);
      const hash = templateHash(given);
      expect(hashes.get(template) ?? hash).toBe(hash);
      hashes.set(template, hash);
    }),
    { numRuns: 5_000 },
  );
  expect(new Set(hashes.values()).size).toBeGreaterThan(hashes.size * 0.999);
});

it("reads no more of a path than a name holds", ({ expect }) => {
  const long = `/${"x/".repeat(3)}${"y".repeat(100_000)}`;
  expect(templateOf(long).length).toBeLessThan(210);
  expect(templateHash(long)).toBe(templateHash(`${long}z`));
});
