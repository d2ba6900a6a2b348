import { describe, it } from "vitest";
import { kpisBy, kpisOver, PERIODS_MAX } from "../../../src/metrics/breakdown.ts";
import { aView, NOW_MS } from "../../support/metrics.ts";

const DAY_MS = 86_400_000;
const window = { fromMs: NOW_MS - 30 * DAY_MS, toMs: NOW_MS };
const detected = (daysAgo: number) => ({
  ...aView().anchors,
  detectedAtMs: NOW_MS - daysAgo * DAY_MS,
});
const views = [
  aView({ id: "inc_1", anchors: detected(1), playbook: "outage" }),
  aView({ id: "inc_2", anchors: detected(8), playbook: "database", severity: "SEV-2" }),
  aView({ id: "inc_3", anchors: detected(9), playbook: "database", severity: "SEV-3" }),
  aView({ id: "inc_4", anchors: detected(9), playbook: "database", drill: true }),
  aView({ id: "inc_5", anchors: detected(31), playbook: "payments" }),
];

describe("by severity and by playbook", () => {
  it("has each that had an incident in the window, and their own drills", ({ expect }) => {
    const counts = (key: "severity" | "playbook") =>
      kpisBy(views, window, key).map((part) => [part.key, part.kpis.incidents, part.kpis.drills]);
    expect(counts("severity")).toEqual([
      ["SEV-1", 1, 1],
      ["SEV-2", 1, 0],
      ["SEV-3", 1, 0],
    ]);
    expect(counts("playbook")).toEqual([
      ["database", 2, 1],
      ["outage", 1, 0],
    ]);
  });
});

describe("over time", () => {
  it("covers the window without gap or overlap, and ends with it", ({ expect }) => {
    const periods = kpisOver(views, window, 7 * DAY_MS);
    expect(periods.map(({ incidents }) => incidents)).toEqual([0, 0, 0, 2, 1]);
    expect(periods[0]?.fromMs).toBe(window.fromMs);
    expect(periods.at(-1)?.toMs).toBe(window.toMs);
    for (const [index, period] of periods.entries()) {
      expect(period.fromMs).toBe(periods[index - 1]?.toMs ?? window.fromMs);
    }
  });

  it("refuses more periods than anybody reads", ({ expect }) => {
    expect(() => kpisOver(views, window, (30 * DAY_MS) / (PERIODS_MAX + 1))).toThrow("periods");
  });
});
