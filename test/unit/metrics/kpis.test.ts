import { describe, it } from "vitest";
import type { IncidentView, LeaseView } from "../../../src/incidents/view.ts";
import { kpis } from "../../../src/metrics/kpis.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const fromMs = Date.UTC(2026, 10, 1);
/** Four weeks. */
const toMs = fromMs + 28 * DAY_MS;

/** Minutes after the onset, but `ack` after detection; a dash in the table is null here. */
type Row = {
  readonly sev: 1 | 2 | 3 | 4;
  readonly detect: number;
  readonly ack: number | null;
  readonly mitigate: number | null;
  readonly enforce: number | null;
  readonly resolve: number | null;
  readonly status?: IncidentView["status"];
  readonly postmortem?: IncidentView["postmortem"];
  readonly drill?: boolean;
  readonly detectedAtMs?: number;
};

function view(row: Row, index = 0): IncidentView {
  const detectedAtMs = row.detectedAtMs ?? fromMs + (index + 1) * DAY_MS;
  const onsetAtMs = detectedAtMs - row.detect * MINUTE_MS;
  const after = (startMs: number, minutes: number | null) =>
    minutes === null ? null : startMs + minutes * MINUTE_MS;
  return {
    id: `inc_${index}`,
    instance: "shop.test",
    playbook: "outage",
    scope: "site",
    title: "An incident",
    severity: `SEV-${row.sev}`,
    status: row.status ?? "resolved",
    lead: null,
    acknowledgedBy: null,
    drill: row.drill ?? false,
    firingRules: [],
    leases: [],
    acts: [],
    anchors: {
      onsetAtMs,
      detectedAtMs,
      respondedAtMs: null,
      acknowledgedAtMs: after(detectedAtMs, row.ack),
      mitigatedAtMs: after(onsetAtMs, row.mitigate),
      enforcedAtMs: after(onsetAtMs, row.enforce),
      recoveredAtMs: null,
      releasedAtMs: null,
      resolvedAtMs: after(onsetAtMs, row.resolve),
    },
    postmortem: row.postmortem ?? "none",
    nextWakeAtMs: null,
    seq: 1,
    statusPage: null,
  };
}

const nothing = { ack: null, mitigate: null, enforce: null, resolve: null } as const;

/** The golden dozen. Nine count: one is a drill, and two were detected outside the window. */
const DOZEN: readonly Row[] = [
  { sev: 1, detect: 1, ack: 4, mitigate: 2, enforce: 3, resolve: 30, postmortem: "completed" },
  { sev: 1, detect: 2, ack: 10, mitigate: 3, enforce: 4, resolve: 50, postmortem: "completed" },
  { sev: 2, detect: 3, ack: 20, mitigate: 5, enforce: 8, resolve: 70, postmortem: "drafted" },
  { sev: 2, detect: 6, ...nothing, resolve: 40, postmortem: "saved" },
  // A SEV-3's acknowledgement is nobody's measure.
  { sev: 3, detect: 10, ...nothing, ack: 60, resolve: 200 },
  { sev: 4, detect: 0, ...nothing, resolve: 20 },
  // Still open: neither resolved nor due a post-mortem.
  { sev: 1, detect: 4, ...nothing, ack: 2, mitigate: 6, status: "mitigating" },
  // Reopened after a resolution: not resolved.
  { sev: 2, detect: 2, ack: 6, mitigate: 4, enforce: 5, resolve: 9, status: "reopened" },
  { sev: 1, detect: 99, ack: 99, mitigate: 99, enforce: 99, resolve: 99, drill: true },
  { sev: 2, detect: 99, ...nothing, detectedAtMs: fromMs - 1 },
  { sev: 3, detect: 99, ...nothing, detectedAtMs: toMs },
  // Detected as the window opens; the vendor's clock puts the onset a minute later than we saw it.
  {
    sev: 2,
    detect: -1,
    ...nothing,
    ack: 0,
    resolve: 10,
    postmortem: "completed",
    detectedAtMs: fromMs,
  },
];

const golden = kpis(DOZEN.map(view), { fromMs, toMs });

describe("the KPIs of a dozen incidents, computed by hand", () => {
  it("counts what is real, and in the window", ({ expect }) => {
    expect(golden).toMatchObject({ incidents: 9, drills: 1 });
  });

  it.for([
    // (1+2+3+6+10+0+4+2+0) / 9; sorted 0 0 1 2 [2] 3 4 6 10
    ["timeToDetect", 28 / 9, 2, 9, 0, 5, true],
    // (4+10+20+2+6+0) / 6; sorted 0 2 [4 6] 10 20; the seventh was never acknowledged
    ["timeToAcknowledge", 7, 5, 6, 1, 15, true],
    // (2+3+5+6+4) / 5; sorted 2 3 [4] 5 6
    ["timeToMitigate", 4, 4, 5, 4, null, null],
    // (3+4+8+5) / 4; sorted 3 [4 5] 8
    ["timeToEnforce", 5, 4.5, 4, 5, null, null],
    // (30+50+70+40+200+20+10) / 7: at the target, and so not below it; sorted 10 20 30 [40] 50 70 200
    ["timeToResolve", 60, 40, 7, 2, 60, false],
  ] as const)("%s", ([name, mean, median, count, missing, target, isMet], { expect }) => {
    const kpi = golden[name];
    expect(kpi.meanMs).toBeCloseTo(mean * MINUTE_MS, 6);
    expect(kpi).toMatchObject({
      medianMs: median * MINUTE_MS,
      count,
      missing,
      targetMs: target === null ? null : target * MINUTE_MS,
      isMet,
      reason: null,
    });
  });

  it("incident rate: nine in four weeks", ({ expect }) => {
    expect(golden.incidentRate).toEqual({
      perWeek: 2.25,
      count: 9,
      target: 1,
      isMet: false,
      reason: null,
    });
  });

  it("post-mortem completion: three of the five SEV-1 and SEV-2 that were resolved", ({
    expect,
  }) => {
    expect(golden.postmortemCompletion).toEqual({
      ratio: 0.6,
      completed: 3,
      count: 5,
      target: 1,
      isMet: false,
      reason: null,
    });
  });
});

describe("what is not known", () => {
  it("is null with a reason, never zero", ({ expect }) => {
    const none = kpis([], { fromMs, toMs });
    const empty = { meanMs: null, medianMs: null, count: 0, missing: 0, isMet: null };
    for (const kpi of [
      none.timeToDetect,
      none.timeToAcknowledge,
      none.timeToMitigate,
      none.timeToEnforce,
      none.timeToResolve,
    ]) {
      expect(kpi).toMatchObject({
        ...empty,
        reason: "no incidents that it covers in the window",
      });
    }
    expect(none.postmortemCompletion).toMatchObject({
      ratio: null,
      isMet: null,
      reason: "no resolved SEV-1 or SEV-2 incidents in the window",
    });
  });

  it("tells never happened from nothing to measure", ({ expect }) => {
    const open = kpis([view({ sev: 1, detect: 1, ...nothing, status: "investigating" })], {
      fromMs,
      toMs,
    });
    expect(open.timeToMitigate).toMatchObject({
      meanMs: null,
      count: 0,
      missing: 1,
      reason: "has not happened in any of the 1 incidents that it covers",
    });
  });

  it("leaves drills out of everything", ({ expect }) => {
    const drill = view({ sev: 1, detect: 1, ...nothing, resolve: 5, drill: true });
    const measured = kpis([drill], { fromMs, toMs });
    expect(measured).toMatchObject({ incidents: 0, drills: 1 });
    expect(measured.timeToDetect.meanMs).toBeNull();
    expect(measured.incidentRate.perWeek).toBe(0);
  });
});

describe("the incident rate", () => {
  const one = [view({ sev: 1, detect: 1, ...nothing }, 0)];
  const over = (days: number) => kpis(one, { fromMs, toMs: fromMs + days * DAY_MS }).incidentRate;

  it("is a known zero when a watched week had none", ({ expect }) => {
    expect(kpis([], { fromMs, toMs }).incidentRate).toMatchObject({ perWeek: 0, isMet: true });
  });

  it.for([
    [7, 1, false],
    [8, 0.875, true],
    [14, 0.5, true],
  ] as const)("of one incident in %i days", ([days, perWeek, isMet], { expect }) => {
    expect(over(days)).toMatchObject({ perWeek, isMet });
  });

  it("is not known from less than a week", ({ expect }) => {
    const short = kpis(one, { fromMs, toMs: fromMs + 7 * DAY_MS - 1 }).incidentRate;
    expect(short).toMatchObject({
      perWeek: null,
      isMet: null,
      count: 1,
      reason: "the window is shorter than seven days",
    });
  });
});

describe("a target", () => {
  const detectedAfterMs = (ms: number) => {
    const base = view({ sev: 1, detect: 0, ...nothing });
    const anchors = { ...base.anchors, onsetAtMs: base.anchors.detectedAtMs - ms };
    return kpis([{ ...base, anchors }], { fromMs, toMs }).timeToDetect.isMet;
  };

  it.for([
    [5 * MINUTE_MS - 1, true],
    [5 * MINUTE_MS, false],
    [5 * MINUTE_MS + 1, false],
  ] as const)("is to stay below: %i ms to detect", ([ms, isMet], { expect }) => {
    expect(detectedAfterMs(ms)).toBe(isMet);
  });

  it("of completion is met by all and by nothing less", ({ expect }) => {
    const done = view({ sev: 1, detect: 1, ...nothing, resolve: 9, postmortem: "completed" });
    expect(kpis([done], { fromMs, toMs }).postmortemCompletion).toMatchObject({
      ratio: 1,
      isMet: true,
    });
    const saved = { ...done, postmortem: "saved" } as const;
    expect(kpis([done, saved], { fromMs, toMs }).postmortemCompletion.isMet).toBe(false);
  });
});

it("refuses a window that ends before it starts", ({ expect }) => {
  expect(() => kpis([], { fromMs: 1, toMs: 1 })).toThrow("a KPI window ends after it starts");
});

describe("grant to enforcement", () => {
  const lease = (changes: Partial<LeaseView>): LeaseView => ({
    id: "lse_1",
    step: "maintenance",
    actuator: "maintenance-mode",
    status: "effective",
    mode: "auto",
    shadow: false,
    siteWide: true,
    share: 1,
    expiresAtMs: null,
    why: "",
    ...changes,
  });
  const lags = (...leases: readonly LeaseView[]) =>
    kpis([{ ...view({ sev: 1, detect: 1, ...nothing }), leases }], { fromMs, toMs })
      .grantToEnforcement;

  it("is over mitigations that were enforced, with those of which nobody could say", ({
    expect,
  }) => {
    const said = [900, 4_000, 1_100].map((enforcementLagMs) => lease({ enforcementLagMs }));
    const silent = [lease({}), lease({ status: "reverted" })];
    const never = [
      lease({ status: "declined" }),
      lease({ status: "failed" }),
      lease({ shadow: true, enforcementLagMs: 1 }),
    ];
    expect(lags(...said, ...silent, ...never)).toEqual({
      medianMs: 1_100,
      maxMs: 4_000,
      count: 3,
      missing: 2,
      reason: null,
    });
  });

  it("is not known without any", ({ expect }) => {
    expect(lags(lease({}))).toMatchObject({
      medianMs: null,
      maxMs: null,
      missing: 1,
      reason: expect.stringContaining("none of the 1"),
    });
  });
});
