import { it } from "vitest";
import { kpisBy, kpisOver } from "../../../src/metrics/breakdown.ts";
import { kpis, type Kpis } from "../../../src/metrics/kpis.ts";
import { kpisText } from "../../../scripts/kpis/text.ts";
import { aView, NOW_MS } from "../../support/metrics.ts";

const WEEK_MS = 7 * 24 * 3_600_000;

const presented = ({ fromMs, toMs, ...found }: Kpis) => ({
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  ...found,
});

it("holds each figure to its target, per severity, playbook and week; drills left out", ({
  expect,
}) => {
  const window = { fromMs: NOW_MS - 2 * WEEK_MS, toMs: NOW_MS };
  const slow = aView().anchors;
  const views = [
    aView(),
    aView({
      id: "inc_2",
      playbook: "payments",
      severity: "SEV-3",
      anchors: { ...slow, resolvedAtMs: slow.detectedAtMs + 90 * 60_000 },
    }),
    aView({ id: "inc_3", drill: true }),
  ];
  const by = (key: "severity" | "playbook") =>
    kpisBy(views, window, key).map(({ key: name, kpis: part }) => ({
      key: name,
      ...presented(part),
    }));
  const report = {
    ...presented(kpis(views, window)),
    by: by("severity"),
    over: kpisOver(views, window, WEEK_MS).map(presented),
  };
  expect(kpisText("https://shop.example", report, by("playbook"))).toBe(
    [
      "https://shop.example: incidents detected from 2026-11-09 to 2026-11-23; drills left out: 1",
      "",
      "                         incidents  MTTD  MTTA   mitigated  MTTR      a week  post-mortems",
      "target                              < 5m  < 15m  –          < 1h      < 1     100 %",
      "all                      2          1m ✓  2m ✓   –          1h 1m ✗   1 ✗     0 % ✗",
      "",
      "SEV-1                    1          1m ✓  2m ✓   –          31m ✓     0.5 ✓   0 % ✗",
      "SEV-3                    1          1m ✓  –      –          1h 31m ✗  0.5 ✓   –",
      "",
      "outage                   1          1m ✓  2m ✓   –          31m ✓     0.5 ✓   0 % ✗",
      "payments                 1          1m ✓  –      –          1h 31m ✗  0.5 ✓   –",
      "",
      "2026-11-09 – 2026-11-16  2          1m ✓  2m ✓   –          1h 1m ✗   2 ✗     0 % ✗",
      "2026-11-16 – 2026-11-23  0          –     –      –          –         0 ✓     –",
      "",
      "Means; ✓ meets its target, ✗ does not. MTTA and post-mortems are of SEV-1 and SEV-2.",
    ].join("\n"),
  );

  const quiet = kpisText("https://shop.example", { ...report, by: [] }, []);
  expect(quiet).not.toContain("\n\n\n");
});
