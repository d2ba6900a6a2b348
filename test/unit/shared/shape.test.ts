import fc from "fast-check";
import { it } from "vitest";
import {
  anything,
  either,
  fields,
  list,
  nullable,
  number,
  object,
  only,
  oneOf,
  optional,
  sure,
  text,
  textThat,
  that,
  truth,
  whole,
  withDefault,
} from "../../../src/shared/shape.ts";

const lease = object({
  id: text(5, 1),
  count: withDefault(whole(1, 3), 2),
  note: optional(text()),
  until: nullable(whole()),
  by: list(oneOf(["address", "asn"]), 2, 1),
});

it("answers what it knows, in its own order, and drops the rest", ({ expect }) => {
  const read = lease({ later: 1, until: null, by: ["asn"], id: "lse" });
  expect(read).toEqual({ ok: true, value: { id: "lse", count: 2, until: null, by: ["asn"] } });
  expect(read.ok && Object.keys(read.value)).toEqual(["id", "count", "until", "by"]);
});

it("says where it is something else, and never what it was given", ({ expect }) => {
  const good = { id: "lse", until: 1, by: ["asn"] };
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, " is not an object"],
    [[], " is not an object"],
    ["secret", " is not an object"],
    [{ ...good, id: "secret" }, ".id is not a text of 1 to 5 characters"],
    [{ ...good, count: 4 }, ".count is not a whole number from 1 to 3"],
    [{ ...good, count: null }, ".count is not a whole number from 1 to 3"],
    [{ ...good, until: "1" }, ".until is not a whole number"],
    [{ ...good, by: [] }, ".by is not a list of 1 to 2"],
    [{ ...good, by: ["asn", "secret"] }, ".by[1] is not address or asn"],
  ];
  for (const [given, error] of wrong) {
    const read = lease(given);
    expect(read.ok ? "read" : read.error).toContain(error);
    expect(JSON.stringify(read)).not.toContain("secret");
  }
});

it("takes whole and finite numbers for numbers only", ({ expect }) => {
  for (const given of [NaN, Infinity, -Infinity, 2 ** 53, 1.5, "1", null, true]) {
    expect(whole()(given).ok).toBe(false);
  }
  for (const given of [NaN, Infinity, -Infinity, "1", null, true]) {
    expect(number()(given).ok).toBe(false);
  }
  expect([whole()(-1).ok, number()(1.5).ok, number(0, 1)(1.5).ok]).toEqual([true, true, false]);
});

it("asks nobody's ancestors for a field", ({ expect }) => {
  const inherits: unknown = Object.create({ id: "lse", until: 1, by: ["asn"] });
  expect(lease(inherits).ok).toBe(false);
  const polluted: unknown = JSON.parse('{"__proto__": {"id": "lse"}, "until": 1, "by": ["asn"]}');
  expect(lease(polluted).ok).toBe(false);
  expect(sure(object({ toString: optional(text()) }), {})).toEqual({});
});

it("refuses what it does not understand where that may mean something", ({ expect }) => {
  const match = only({ routes: optional(list(text())) });
  expect([match({}).ok, match({ routes: ["/"] }).ok]).toEqual([true, true]);
  expect([match({ routes: ["/"], days: [1] }).ok, match({ toString: 1 }).ok]).toEqual([
    false,
    false,
  ]);
  const polluted: unknown = JSON.parse('{"__proto__": {}}');
  expect(match(polluted).ok).toBe(false);
});

it("takes the first of two that fits, and holds what it reads to a predicate", ({ expect }) => {
  const source = either(only({ cookie: text() }), only({ header: text() }));
  expect([source({ cookie: "a" }).ok, source({ header: "a" }).ok]).toEqual([true, true]);
  expect(source({ cookie: "a", header: "b" }).ok).toBe(false);
  const even = that(whole(), (read) => read % 2 === 0, "even");
  expect([even(2), even(3), even("2")]).toEqual([
    { ok: true, value: 2 },
    { ok: false, error: " is not even" },
    expect.objectContaining({ ok: false }),
  ]);
});

it("throws for what we made ourselves, and says where", ({ expect }) => {
  expect(() => sure(lease, { id: "" })).toThrow(".id is not a text of 1 to 5 characters");
});

it("never throws, whatever comes", ({ expect }) => {
  const deep = object({
    lease: optional(lease),
    any: anything,
    flag: optional(truth),
    match: withDefault(fields, {}),
    kid: optional(textThat(/^[a-z]+$/, "a kid")),
  });
  fc.assert(
    fc.property(
      fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
      (given) => {
        for (const value of [given, { lease: given }, { match: given }, { any: given }]) {
          const read = deep(value);
          expect(typeof (read.ok ? read.value : read.error)).toMatch(/object|string/);
        }
      },
    ),
    { numRuns: 500 },
  );
});
