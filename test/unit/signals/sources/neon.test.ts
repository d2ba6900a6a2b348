import { describe, it } from "vitest";
import { countedOn } from "../../../../src/signals/sources/neon.ts";

const MINUTE_MS = 60_000;
const at = (minute: number): number => 1_700_000_000_000 + minute * MINUTE_MS;
/** What was kept after a look each minute. */
const looked = (readings: readonly (number | null)[], branches: readonly string[] = []) =>
  readings.reduce<ReturnType<typeof countedOn>>(
    (before, cpuSeconds, minute) =>
      countedOn(before, { id: branches[minute] ?? "br-main", cpuSeconds }, at(minute)),
    null,
  );

describe("Neon's counter of CPU seconds", () => {
  it("says nothing before it was seen to move twice", ({ expect }) => {
    expect(looked([1_000])).toMatchObject({ usedCu: null, movedAtMs: null });
    // What came before the first look is not known: 600 seconds in one minute would be ten units.
    expect(looked([1_000, 1_600])).toMatchObject({ usedCu: null, movedAtMs: at(1) });
  });

  it("is read between its movements, however seldom it moves", ({ expect }) => {
    const moved = looked([1_000, 1_010, 1_010, 1_010, 1_010, 1_010, 1_610]);
    expect(moved).toMatchObject({ usedCu: 2, movedAtMs: at(6) });
    expect(looked([1_000, 1_010, 1_130, 1_130])).toMatchObject({ usedCu: 2, movedAtMs: at(2) });
  });

  it("begins anew with a billing period, and with another branch", ({ expect }) => {
    const begun = { seconds: 5, usedCu: null, movedAtMs: null };
    expect(looked([1_000, 1_060, 1_120, 5])).toMatchObject(begun);
    expect(looked([1_000, 1_060, 5_005], ["br-1", "br-1", "br-2"])).toMatchObject({
      ...begun,
      seconds: 5_005,
      branchId: "br-2",
    });
  });

  it("is not there where Neon does not count", ({ expect }) => {
    expect(looked([null])).toBeNull();
  });
});
