import { describe, it } from "vitest";
import type { IntegrityCheck } from "../../../src/integrity/check.ts";
import {
  forgetting,
  HISTORY_MAX,
  integrityNote,
  isHeld,
  judge,
  NOTHING_REMEMBERED,
  type Found,
  type IntegrityNote,
} from "../../../src/integrity/judge.ts";

const MINUTE_MS = 60_000;
const rowCount: IntegrityCheck = {
  kind: "row-count",
  id: "users-stay",
  table: "users",
  drop_max: 0.05,
  within: "1h",
};
const checksum: IntegrityCheck = { kind: "checksum", id: "plans", table: "plans", within: "1h" };
const NOTHING: Found = { broken: null, rows: null, digest: null };

/** Looks again and again; what is remembered goes through JSON, as the monitor keeps it. */
function looking(check: IntegrityCheck) {
  let note: IntegrityNote = NOTHING_REMEMBERED;
  return (found: Partial<Found>, atMs: number, accepted: readonly string[] = []) => {
    const verdict = judge(check, { ...NOTHING, ...found }, forgetting(note, accepted), atMs);
    const checks = { [check.id]: verdict.remembered };
    note = integrityNote.parse(JSON.parse(JSON.stringify({ checks, cleanAtMs: null })));
    return verdict;
  };
}

describe("a table that is counted", () => {
  it.for([
    [1_000, false],
    [951, false],
    [950, false],
    [949, true],
    [0, true],
  ] as const)("of 1000 rows and then %i is broken: %s", ([rows, isBroken], { expect }) => {
    const look = looking(rowCount);
    expect(look({ rows: 1_000 }, 0).isBroken).toBe(false);
    expect(look({ rows }, MINUTE_MS).isBroken).toBe(isBroken);
  });

  it("is compared with the most of its window, so that a slow loss is seen", ({ expect }) => {
    const look = looking(rowCount);
    const verdicts = Array.from({ length: 60 }, (_, minute) =>
      look({ rows: 1_000 - minute }, minute * MINUTE_MS),
    );
    expect(verdicts.findIndex(({ isBroken }) => isBroken)).toBe(51);
  });

  it("goes on being broken long after its window, until the rows are back", ({ expect }) => {
    const look = looking(rowCount);
    look({ rows: 1_000 }, 0);
    for (let hour = 1; hour <= 48; hour += 1) {
      const { isBroken, drop, remembered } = look({ rows: 100 }, hour * 60 * MINUTE_MS);
      expect([isBroken, drop, isHeld(remembered)]).toEqual([true, 0.9, true]);
    }
    const back = look({ rows: 990 }, 49 * 60 * MINUTE_MS);
    expect([back.isBroken, isHeld(back.remembered)]).toEqual([false, false]);
  });

  it("goes on being broken until a person accepts that the rows are gone", ({ expect }) => {
    const look = looking(rowCount);
    look({ rows: 1_000 }, 0);
    look({ rows: 100 }, MINUTE_MS);
    expect(look({ rows: 100 }, 2 * MINUTE_MS, ["another"]).isBroken).toBe(true);
    expect(look({ rows: 100 }, 3 * MINUTE_MS, ["users-stay"]).isBroken).toBe(false);
    // From there on it is compared with what was accepted.
    expect(look({ rows: 90 }, 4 * MINUTE_MS).isBroken).toBe(true);
  });

  it("that grew and was cut again between two counts is broken", ({ expect }) => {
    const look = looking(rowCount);
    look({ rows: 100 }, 0);
    look({ rows: 200 }, 10_000);
    expect(look({ rows: 110 }, 20_000).isBroken).toBe(true);
  });

  it("forgets what is older than its window, and remembers a bounded number", ({ expect }) => {
    const look = looking(rowCount);
    look({ rows: 1_000 }, 0);
    expect(look({ rows: 100 }, 61 * MINUTE_MS).isBroken).toBe(false);
    for (let second = 0; second < 10_000; second += 1) {
      const { remembered } = look({ rows: 100 }, 61 * MINUTE_MS + second * 1_000);
      expect(remembered.counts.length).toBeLessThanOrEqual(HISTORY_MAX);
    }
  });

  it("that was always empty has lost nothing", ({ expect }) => {
    const look = looking(rowCount);
    expect(look({ rows: 0 }, 0)).toMatchObject({ isBroken: false, drop: 0 });
  });
});

describe("a table that must stay as it is", () => {
  it("is broken after a change until it is undone", ({ expect }) => {
    const look = looking(checksum);
    expect(look({ digest: "a" }, 0).isBroken).toBe(false);
    for (const hour of [1, 2, 100]) {
      expect(look({ digest: "b" }, hour * 60 * MINUTE_MS)).toMatchObject({
        isBroken: true,
        remembered: { changedAtMs: 60 * MINUTE_MS },
      });
    }
    const back = look({ digest: "a" }, 101 * 60 * MINUTE_MS);
    expect([back.isBroken, isHeld(back.remembered)]).toEqual([false, false]);
  });

  it("is broken after a change until a person accepts it, and then it is the new state", ({
    expect,
  }) => {
    const look = looking(checksum);
    look({ digest: "a" }, 0);
    expect(look({ digest: "b" }, MINUTE_MS).isBroken).toBe(true);
    expect(look({ digest: "b" }, 2 * MINUTE_MS, ["plans"]).isBroken).toBe(false);
    expect(look({ digest: "a" }, 3 * MINUTE_MS).isBroken).toBe(true);
  });
});
