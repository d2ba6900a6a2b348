import { describe, it } from "vitest";
import { exposition } from "../../../src/metrics/exposition.ts";
import { NOW_MS, someMetrics } from "../../support/metrics.ts";

const SAMPLE =
  /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** As strict as the format: help, type, then that metric's samples, none of them twice. */
function read(text: string): ReadonlyMap<string, number> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const samples = new Map<string, number>();
  let name = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const [, comment, of = ""] = /^# (HELP|TYPE) ([a-z_]+) \S/.exec(line) ?? [];
    if (comment === "HELP") name = of;
    else if (comment === "TYPE") must(of === name, `${line} follows the help of ${name}`);
    else readSample(line, name, samples);
  }
  return samples;
}

function readSample(line: string, name: string, samples: Map<string, number>): void {
  const [, metric, labels, value] = SAMPLE.exec(line) ?? [];
  must(metric === name, `${line} is no sample of ${name}`);
  const key = labels === undefined ? name : `${name}{${labels}}`;
  must(!samples.has(key), `${key} stands twice`);
  samples.set(key, Number(value));
}

function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}

describe("the exposition", () => {
  it("tells of the KPIs, their targets, and each part of them; drills left out", ({ expect }) => {
    const samples = read(exposition(someMetrics()));
    const told = Object.fromEntries(samples);
    expect(told).toMatchObject({
      firebreak_kpi_incidents: 2,
      'firebreak_kpi_incidents{severity="SEV-1"}': 1,
      'firebreak_kpi_incidents{playbook="outage"}': 1,
      'firebreak_kpi_incidents{playbook="na\\"me\\\\\\nof"}': 1,
      'firebreak_kpi_duration_seconds{kpi="time_to_detect"}': 60,
      'firebreak_kpi_duration_seconds{kpi="time_to_resolve",severity="SEV-3"}': 1_860,
      'firebreak_kpi_target_seconds{kpi="time_to_resolve"}': 3_600,
      firebreak_kpi_postmortem_completion_ratio: 0,
      firebreak_postmortems_overdue: 1,
      firebreak_action_items_overdue: 2,
      'firebreak_incidents_open{severity="SEV-1"}': 1,
      'firebreak_incidents_open{severity="SEV-4"}': 0,
      'firebreak_incidents_unacknowledged{severity="SEV-1"}': 1,
      'firebreak_incidents_unreached{severity="SEV-1"}': 1,
      'firebreak_playbook_incidents_open{playbook="outage"}': 1,
      firebreak_messages_muted: 2,
      'firebreak_mitigations{actuator="maintenance-mode",status="applied"}': 1,
      'firebreak_mitigations{actuator="maintenance-mode",status="proposed"}': 1,
      'firebreak_mitigations_in_force{actuator="maintenance-mode"}': 1,
      'firebreak_alerts_firing{source="alertmanager",severity="SEV-1"}': 2,
      'firebreak_alerts_firing{source="sentry",severity="SEV-3"}': 1,
      firebreak_alerts_last_received_timestamp_seconds: NOW_MS / 1_000 - 90,
      firebreak_policy_version: 42,
      firebreak_policy_compiled_timestamp_seconds: NOW_MS / 1_000 - 30,
      'firebreak_policy_entries{kind="block"}': 2,
      firebreak_guard_reports_missing: 3,
      'firebreak_part_up{part="desk"}': 1,
      firebreak_monitor_cadence_seconds: 10,
    });
  });

  it("has no sample for what is not known, and no metric without one", ({ expect }) => {
    const samples = read(exposition(someMetrics()));
    expect(samples.get('firebreak_signal_known{signal="redis.latency_ms"}')).toBe(0);
    expect(samples.has('firebreak_signal_value{signal="redis.latency_ms"}')).toBe(false);
    expect(samples.get('firebreak_signal_value{signal="traffic.error_ratio"}')).toBe(0.25);
    expect(samples.has('firebreak_kpi_duration_seconds{kpi="time_to_mitigate"}')).toBe(false);
    const nothing = exposition(
      someMetrics({
        parts: { monitor: false, desk: false },
        open: null,
        kpis: null,
        overduePostmortems: null,
        overdueActionItems: null,
        alerts: null,
        lastAlertAtMs: null,
        policy: null,
        reportsMissing: null,
        signals: null,
        lastTickAtMs: null,
        cadenceMs: null,
      }),
    );
    expect([...read(nothing)]).toEqual([
      ['firebreak_part_up{part="monitor"}', 0],
      ['firebreak_part_up{part="desk"}', 0],
    ]);
  });

  it("names nobody and no incident", ({ expect }) => {
    expect(exposition(someMetrics())).not.toMatch(/inc_|ada|An incident/);
  });
});
