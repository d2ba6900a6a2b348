import fc from "fast-check";
import { it } from "vitest";
import { limitsOn, limitTable } from "../../../../src/guard/limits/limit-table.ts";
import { foldRoute, mayMatchRoute, readPath } from "../../../../src/guard/routes.ts";
import { knownEntry } from "../../../../src/policy/kinds.ts";
import { anEntry } from "../../../support/policy.ts";

const QUOTA = { limit: 50, windowMs: 60_000, by: ["address"] };
const segment = fc.constantFrom("a", "A", "b", "ab", "sign-in");
const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join("/")}`);
const asked = fc.tuple(path, fc.constantFrom("", "/")).map((parts) => parts.join(""));
const pattern = fc.tuple(path, fc.constantFrom("", "*", "+")).map(([text, below]) => {
  if (below === "") return text;
  return text === "/" ? `/${below}` : `${text}/${below}`;
});
/** As paths are read, whatever was written: no two slashes follow each other. */
const readAs = fc
  .oneof(
    asked,
    fc.string().map((text) => `/${text}`),
  )
  .map((text) => readPath(text).path);
const patterns = fc.uniqueArray(pattern, { minLength: 1, maxLength: 4 });

const at = (asked: string) => ({ path: asked, otherPaths: [] });

const tableOf = (limits: readonly (readonly string[] | null)[]) => {
  const entries = limits.flatMap((routes, index) => {
    const match = routes === null ? {} : { routes };
    const entry = anEntry({ id: `l${index}`, kind: "rate-limit", match, action: QUOTA });
    return knownEntry(entry, []) ?? [];
  });
  const table = limitTable(entries, "shop.test");
  if (!table.ok) throw new Error(table.error);
  return table.value;
};

it("finds exactly the limits whose routes match, each once", ({ expect }) => {
  const limits = fc.array(fc.oneof(patterns, fc.constant(null)), { maxLength: 12 });
  fc.assert(
    fc.property(limits, readAs, (written, wanted) => {
      const found = limitsOn(tableOf(written), at(wanted)).map(({ entry }) => entry.id);
      const expected = written.flatMap((routes, index) =>
        (routes?.some((one) => mayMatchRoute(wanted, foldRoute(one))) ?? true) ? [`l${index}`] : [],
      );
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 500 },
  );
});

it("looks no deeper than the longest prefix, however many slashes a client sends", ({ expect }) => {
  const table = tableOf([["/a/b/*"]]);
  expect(table.prefixSlashesMax).toBe(3);
  expect(limitsOn(table, at(`/a/b${"/c".repeat(10_000)}`))).toHaveLength(1);
  expect(limitsOn(table, at("/".repeat(10_000)))).toEqual([]);
});
