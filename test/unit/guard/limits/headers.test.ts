import fc from "fast-check";
import { it } from "vitest";
import {
  limitField,
  policyField,
  refusalFields,
  retryAfterSecondsOf,
} from "../../../../src/guard/limits/headers.ts";

it("writes the draft's own examples", ({ expect }) => {
  expect(
    policyField([
      { name: "burst", quota: { limit: 100, windowMs: 60_000 } },
      { name: "daily", quota: { limit: 1_000, windowMs: 86_400_000 } },
    ]),
  ).toBe('"burst";q=100;w=60, "daily";q=1000;w=86400');
  expect(
    policyField([
      {
        name: "peruser",
        quota: { limit: 65_535, windowMs: 10_000 },
        unit: "content-bytes",
        partition: Uint8Array.from([0xb1, 0xd7]),
      },
    ]),
  ).toBe('"peruser";q=65535;qu="content-bytes";w=10;pk=:sdc=:');
  expect(limitField([{ name: "default", remaining: 50, resetMs: 30_000 }])).toBe(
    '"default";r=50;t=30',
  );
  expect(
    limitField([
      {
        name: "default",
        remaining: 999,
        resetMs: null,
        partition: new TextEncoder().encode("trial121323"),
      },
    ]),
  ).toBe('"default";r=999;pk=:dHJpYWwxMjEzMjM=:');
});

it("says seconds rounded up, and never asks to come back at once", ({ expect }) => {
  const policy = { name: "login", quota: { limit: 5, windowMs: 1_500 } };
  expect(refusalFields(policy, 1)).toEqual({
    "RateLimit-Policy": '"login";q=5;w=2',
    RateLimit: '"login";r=0;t=1',
  });
  expect(refusalFields({ ...policy, quota: { limit: 5, windowMs: 200 } }, 61_001)).toEqual({
    "RateLimit-Policy": '"login";q=5;w=1',
    RateLimit: '"login";r=0;t=62',
  });
  expect([0, 1, 1_000, 1_001].map(retryAfterSecondsOf)).toEqual([1, 1, 1, 2]);
});

it("makes a valid header of any name", ({ expect }) => {
  const shape = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*";q=5;w=1$/;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      const field = policyField([{ name, quota: { limit: 5, windowMs: 1_000 } }]);
      expect(field).toMatch(shape);
      expect(new Headers({ "RateLimit-Policy": field }).get("ratelimit-policy")).toBe(field);
    }),
  );
});
