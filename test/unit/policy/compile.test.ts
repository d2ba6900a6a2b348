import fc from "fast-check";
import { it } from "vitest";
import { compilePolicy, ENTRY_LIFE_MS_MAX } from "../../../src/policy/compile.ts";
import { ENTRIES_MAX, type PolicyEntry } from "../../../src/policy/policy.ts";
import { readPolicy } from "../../../src/policy/read.ts";
import { anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 1_000;
const compile = (entries: readonly PolicyEntry[]) =>
  compilePolicy({
    instance: "shop.test",
    previous: { epoch: 7, n: 41 },
    networks: null,
    entries,
    settings: aSettings(),
    nowMs: NOW_MS,
  });
const idsOf = (compiled: ReturnType<typeof compile>) =>
  compiled.ok ? compiled.value.entries.map(({ id }) => id) : compiled.error;

it("numbers the policy one after the previous", ({ expect }) => {
  expect(compile([])).toMatchObject({ ok: true, value: { seq: { epoch: 7, n: 42 } } });
});

it("drops an entry at the exact moment it expires", ({ expect }) => {
  const at = (expiresAtMs: number) => idsOf(compile([anEntry({ id: "lse_1", expiresAtMs })]));
  expect(at(NOW_MS - 1)).toEqual([]);
  expect(at(NOW_MS)).toEqual([]);
  expect(at(NOW_MS + 1)).toEqual(["lse_1"]);
});

it("orders entries so that the widest, then the longest, is met first", ({ expect }) => {
  const entries = [
    anEntry({ id: "half", share: 0.5, expiresAtMs: 90_000 }),
    anEntry({ id: "short", expiresAtMs: 50_000 }),
    anEntry({ id: "long", expiresAtMs: 60_000 }),
    anEntry({ id: "writes", kind: "read-only" }),
  ];
  expect(idsOf(compile(entries))).toEqual(["long", "short", "half", "writes"]);
});

it("does not depend on the order in which entries arrive", ({ expect }) => {
  const entries = fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 5 }),
      share: fc.constantFrom(0.25, 1),
      expiresAtMs: fc.integer({ min: 0, max: 5_000 }),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  );
  fc.assert(
    fc.property(entries, (given) => {
      const built = given.map((changes) => anEntry(changes));
      expect(compile(built.toReversed())).toEqual(compile(built));
    }),
  );
});

it("refuses what must not leave the house, and says why", ({ expect }) => {
  const tooMany = Array.from({ length: ENTRIES_MAX + 1 }, (_, n) => anEntry({ id: `lse_${n}` }));
  const tooBig = Array.from({ length: 2_000 }, (_, n) =>
    anEntry({ id: `lse_${n}`, reason: "x".repeat(400) }),
  );
  expect(idsOf(compile(tooMany))).toContain("5001 entries");
  expect(idsOf(compile(tooBig))).toContain("bytes");
  expect(idsOf(compile([anEntry({ expiresAtMs: NOW_MS + ENTRY_LIFE_MS_MAX + 1 })]))).toContain(
    "longer than 31 days",
  );
  expect(idsOf(compile([anEntry({ match: { hosts: ["a"] } })]))).toContain("no such match");
  const off = (match: object) =>
    idsOf(compile([anEntry({ kind: "disabled-feature", match: { ...match } })]));
  expect(off({})).toContain("no such match");
  for (const whole of ["/*", "/+", "//*", "/./+", "/%2e/*"]) {
    expect(off({ routes: [whole] }), whole).toContain("no such match");
  }
  expect(off({ routes: ["/a"], header: { name: "two words" } })).toContain("no such match");
  expect(off({ feature: "nobody-knows" })).toContain("the site no such feature");
  expect(off({ routes: ["/a"] })).toEqual(["lse_1"]);
  expect(idsOf(compile([anEntry({ action: { message: 5 } })]))).toContain(
    "no such match or action",
  );
});

it("refuses what production's SDK would not understand", ({ expect }) => {
  const cache = (changes: Partial<PolicyEntry>) =>
    idsOf(
      compile([
        anEntry({
          kind: "query-cache",
          action: { ttlMs: 300_000, valueBytesMax: 1_000 },
          ...changes,
        }),
      ]),
    );
  expect(cache({})).toEqual(["lse_1"]);
  expect(cache({ match: { routes: ["/a"] } })).toContain("no such match or action");
  expect(cache({ action: {} })).toContain("no such match or action");
  expect(cache({ action: { ttlMs: 300_000, valueBytesMax: 1_000, more: 1 } })).toContain(
    "no such match or action",
  );
});

it("refuses networks that guards could not enforce, and says why", ({ expect }) => {
  const block = (...matches: PolicyEntry["match"][]) =>
    idsOf(
      compile(
        matches.map((match, n) => anEntry({ id: `lse_${n}`, kind: "block-networks", match })),
      ),
    );
  const hosts = (first: number, count: number) => ({
    networks: Array.from({ length: count }, (_, n) => `10.${first}.${n >> 8}.${n & 255}`),
  });
  expect(block({})).toContain("no such match");
  expect(block({ networks: [] })).toContain("no such match");
  expect(block({ networks: ["10.1.2.3/8"] })).toContain("no such match");
  expect(block({ networks: ["everyone"] })).toContain("no such match");
  expect(block({ countries: ["uk"] })).toContain("no such match");
  expect(block({ asns: [0] })).toContain("no such match");
  expect(block(hosts(0, 1_001))).toContain("no such match");
  expect(block({ networks: ["0.0.0.0/1"] })).toContain("more than 25 % of the internet");
  expect(block(hosts(0, 1_000), hosts(1, 1_000))).toHaveLength(2);
  expect(block(hosts(0, 1_000), hosts(1, 1_000), hosts(2, 1))).toContain(
    "2001 networks are more than the 2000",
  );
});

it("refuses to block at all where the allowlist cannot be read", ({ expect }) => {
  const settings = aSettings({ allowlist: ["10.1.2.3/8"] });
  const match = { networks: ["192.0.2.1"] };
  const of = (entries: readonly PolicyEntry[]) =>
    compilePolicy({
      instance: "shop.test",
      previous: { epoch: 7, n: 41 },
      networks: null,
      entries,
      settings,
      nowMs: NOW_MS,
    });
  expect(of([anEntry({ kind: "block-networks", match })])).toMatchObject({
    ok: false,
    error: expect.stringContaining("the site's allowlist: 10.1.2.3/8"),
  });
  expect(of([anEntry()])).toMatchObject({ ok: true });
});

it("passes kinds of a later version through unread", ({ expect }) => {
  const later = anEntry({ id: "lse_x", kind: "queue", match: { anything: [1] } });
  expect(idsOf(compile([later]))).toEqual(["lse_x"]);
});

it("writes what it reads back", ({ expect }) => {
  const compiled = compile([anEntry(), anEntry({ id: "lse_2", kind: "read-only" })]);
  if (!compiled.ok) throw new Error(compiled.error);
  expect(readPolicy(JSON.parse(JSON.stringify(compiled.value)))).toEqual(compiled);
});
