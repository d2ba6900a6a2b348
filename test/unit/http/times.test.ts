import { it } from "vitest";
import { withIsoTimes } from "../../../src/http/times.ts";

it("rewrites moments wherever they are, and leaves durations alone", ({ expect }) => {
  const data = {
    expiresAtMs: 0,
    leaseMs: 60_000,
    rules: [{ state: { status: "firing", sinceMs: 1_000, firingSinceMs: 2_000 } }],
    readings: [{ signal: "x", atMs: 3_000 }],
    releasedAtMs: null,
  };
  expect(withIsoTimes(data)).toEqual({
    expiresAt: "1970-01-01T00:00:00.000Z",
    leaseMs: 60_000,
    rules: [
      {
        state: {
          status: "firing",
          since: "1970-01-01T00:00:01.000Z",
          firingSince: "1970-01-01T00:00:02.000Z",
        },
      },
    ],
    readings: [{ signal: "x", at: "1970-01-01T00:00:03.000Z" }],
    releasedAtMs: null,
  });
});

it("survives a number that is no time", ({ expect }) => {
  expect(withIsoTimes({ atMs: 1e300 })).toEqual({ atMs: 1e300 });
});
