import { describe, it } from "vitest";
import type { PublicCopy } from "../../../src/http/public-copy.ts";
import { readiness } from "../../../src/http/readiness.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);

const aCopy = (given: Partial<PublicCopy> = {}): PublicCopy => ({
  takenAtMs: NOW_MS,
  look: {
    lastTickAtMs: NOW_MS - 1_000,
    cadenceMs: 10_000,
    seesProduction: true,
    probesFail: false,
  },
  policy: { seq: { epoch: 1, n: 2 }, confirmedAtMs: NOW_MS, staleAfterMs: 30_000 },
  windows: [],
  incidents: [],
  isListed: true,
  pastSinceMs: 0,
  ...given,
});
const failing = (copy: PublicCopy | null) =>
  readiness(copy, NOW_MS).checks.flatMap((check) => (check.ok ? [] : [check.name]));

describe("readiness", () => {
  it("is ready when all answer and the tick is young", ({ expect }) => {
    expect(readiness(aCopy(), NOW_MS)).toMatchObject({ ready: true });
  });

  it.for([
    [25_000, []],
    [25_001, ["monitor"]],
  ] as const)(
    "draws the line at 2.5 cadences: a tick %d ms ago fails %o",
    ([ageMs, expected], { expect }) => {
      const look = {
        lastTickAtMs: NOW_MS - ageMs,
        cadenceMs: 10_000,
        seesProduction: true,
        probesFail: false,
      };
      expect(failing(aCopy({ look }))).toEqual(expected);
    },
  );

  it.for([
    [
      "before the first tick",
      { look: { lastTickAtMs: null, cadenceMs: 10_000, seesProduction: true, probesFail: false } },
      "monitor",
    ],
    ["without an answer of the monitor", { look: null }, "monitor"],
    ["without a policy", { policy: null }, "policy"],
    [
      "with a policy last confirmed too long ago",
      { policy: { seq: { epoch: 1, n: 2 }, confirmedAtMs: NOW_MS - 30_001, staleAfterMs: 30_000 } },
      "policy",
    ],
    ["without an answer of the desk", { isListed: false }, "desk"],
  ] as const)("is not ready %s", ([, given, check], { expect }) => {
    expect(failing(aCopy(given))).toEqual([check]);
  });

  it("judges an old copy by what it says, not by when it was fine", ({ expect }) => {
    expect(readiness(aCopy(), NOW_MS + 60_000).ready).toBe(false);
  });

  it("is not ready without any copy, and says why", ({ expect }) => {
    const { ready, checks } = readiness(null, NOW_MS);
    expect(ready).toBe(false);
    expect(checks.map((check) => check.detail)).toEqual([
      "the monitor does not answer",
      "the policy object does not answer",
      "the desk does not answer",
    ]);
  });
});
