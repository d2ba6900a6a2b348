import fc from "fast-check";
import { describe, it } from "vitest";
import { decodeRows, encodeRows } from "../../../src/sdk/cached-rows.ts";
import { keyOf } from "../../../src/sdk/query-cache.ts";

class Interval {
  readonly days = 3;
}

describe("rows", () => {
  it("come back exactly as they were", ({ expect }) => {
    const value = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
      fc.date({ noInvalidDate: true }),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.record({ j: fc.integer(), t: fc.string() }, { noNullPrototype: true }),
    );
    const rows = fc.array(fc.record({ id: value, t: value, j: value }, { noNullPrototype: true }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(rows, (given) => {
        const encoded = encodeRows(given);
        expect(encoded).not.toBeNull();
        expect(decodeRows(encoded ?? "")).toEqual(given);
      }),
    );
  });

  it.for([
    ["bytes", Buffer.from([1])],
    ["an interval", new Interval()],
    ["a bigint", 1n],
    ["what is not a number", Number.NaN],
    ["no time", new Date(Number.NaN)],
    ["nothing at all", undefined],
    ["bytes inside of a list", [new Uint8Array(1)]],
  ])("with %s are not kept", ([, value], { expect }) => {
    expect(encodeRows([{ value: "fine" }, { value }])).toBeNull();
  });

  it.for(["", "null", "{}", '{"columns":["a"],"rows":[[7]]}', "[["])(
    "of another age are none: %s",
    (text, { expect }) => {
      expect(decodeRows(text)).toBeNull();
    },
  );
});

describe("the key", () => {
  it("is the same for the same question only, and shows no value", ({ expect }) => {
    const key = keyOf("shop", "SELECT * FROM t WHERE a = $1", ["hunter2"]);
    expect(key).toMatch(/^firebreak:query:[0-9a-f]{64}$/);
    expect(keyOf("shop", "SELECT *\n  FROM t /* x */ WHERE a = $1", ["hunter2"])).toBe(key);
    const others = [
      keyOf("other", "SELECT * FROM t WHERE a = $1", ["hunter2"]),
      keyOf("shop", "SELECT * FROM t WHERE b = $1", ["hunter2"]),
      keyOf("shop", "SELECT * FROM t WHERE a = $1", ["hunter3"]),
      keyOf("shop", "SELECT * FROM t WHERE a = $1", [1]),
      keyOf("shop", "SELECT * FROM t WHERE a = $1", ["1"]),
      keyOf("shop", "SELECT * FROM t WHERE a = '  x'", []),
      keyOf("shop", "SELECT * FROM t WHERE a = ' x'", []),
    ];
    expect(new Set([key, ...others]).size).toBe(others.length + 1);
    expect(keyOf("shop", "SELECT $1", [Buffer.from([1])])).toBeNull();
  });
});
