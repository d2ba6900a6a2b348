import { describe, it } from "vitest";
import { REPORT_KINDS, REPORTS } from "../../../src/traffic/report-kinds.ts";
import { ReportMemory, REPORTS_KEPT_SECONDS } from "../../../src/traffic/report-memory.ts";

const NOW = 10_000;
const NOW_MS = NOW * 1_000;
const aFlush = (n: number, counts: Readonly<Record<string, number>>, second = NOW) => ({
  isolate: "isolate",
  n,
  seconds: [{ second, counts }],
});

describe("what production reported", () => {
  it("adds up, once for each flush, and forgets what is old", ({ expect }) => {
    const memory = new ReportMemory(0);
    memory.add(aFlush(1, { "query.failed": 2 }), NOW_MS);
    memory.add(aFlush(1, { "query.failed": 2 }), NOW_MS);
    memory.add(aFlush(2, { "query.failed": 1 }, NOW - 30), NOW_MS);
    expect(memory.window(20, NOW).counts).toEqual({ "query.failed": 2 });
    expect(memory.window(60, NOW).counts).toEqual({ "query.failed": 3 });
    expect(memory.window(60, NOW + REPORTS_KEPT_SECONDS).counts).toEqual({});
  });

  it("is urgent by its kind alone, and kinds of a later version cost it nothing", ({ expect }) => {
    const memory = new ReportMemory(0);
    for (const [index, kind] of REPORT_KINDS.entries()) {
      expect(memory.add(aFlush(index + 1, { [kind]: 1 }), NOW_MS)).toBe(REPORTS[kind].isUrgent);
    }
    expect(memory.add(aFlush(100, { "moon.full": 1, "query.failed": 1 }), NOW_MS)).toBe(false);
    expect(memory.window(60, NOW).counts).not.toHaveProperty("moon.full");
  });

  it("is not urgent again when it is repeated", ({ expect }) => {
    const memory = new ReportMemory(0);
    expect(memory.add(aFlush(1, { "pool.exhausted": 1 }), NOW_MS)).toBe(true);
    expect(memory.add(aFlush(1, { "pool.exhausted": 1 }), NOW_MS)).toBe(false);
  });

  it("says what is missing: numbers that never came, and the time before it began", ({
    expect,
  }) => {
    const memory = new ReportMemory(NOW_MS - 5_000);
    memory.add(aFlush(1, {}), NOW_MS);
    memory.add(aFlush(4, {}), NOW_MS);
    expect(memory.window(60, NOW)).toMatchObject({ fromSecond: NOW - 5, lostFlushes: 2 });
  });
});
