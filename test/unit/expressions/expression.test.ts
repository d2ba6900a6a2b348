import { describe, it } from "vitest";
import { compiled, PARAMS, SCOPE, signals } from "./support.ts";

const WELL = signals({
  "probe.success_ratio": 0.9,
  "probe.latency_ms": 120,
  "postgres.reachable_ratio": 1,
  "alerts.firing_count": 2,
  "feature.checkout_enabled": true,
  "deploy.version_text": "v1",
});

describe("an expression whose signals are all known", () => {
  const rows = [
    ["probe.success_ratio < params.ratio_min", "false"],
    ["probe.success_ratio < 1", "true"],
    ["probe.success_ratio * 2.0 >= 1.8", "true"],
    ["alerts.firing_count >= params.count_max", "false"],
    ["alerts.firing_count + 1 == params.count_max", "true"],
    ["double(alerts.firing_count) * 0.5 < 1.5", "true"],
    ["params.wait == 5000", "true"],
    ["-alerts.firing_count < 0 && -probe.latency_ms < 0.0", "true"],
    ["feature.checkout_enabled && params.strict", "true"],
    ["!feature.checkout_enabled || false", "false"],
    ["deploy.version_text == params.version", "true"],
    ['deploy.version_text != "v2"', "true"],
    ["params.strict ? probe.latency_ms > 100.0 : probe.latency_ms > 500.0", "true"],
    ["alerts.firing_count % 2 == 0 && alerts.firing_count / 2 == 1", "true"],
    ["known(probe.latency_ms)", "true"],
    ["configured(probe.latency_ms)", "true"],
  ] as const;

  it.for(rows)("%s is %s", ([source, truth], { expect }) => {
    expect(compiled(source).evaluate(WELL, PARAMS)).toEqual({ truth, detail: null });
  });
});

describe("an expression whose signal is unknown", () => {
  const UNKNOWN = signals({
    "probe.success_ratio": ["timeout"],
    "postgres.reachable_ratio": 1,
    "alerts.firing_count": ["not_configured"],
    "feature.checkout_enabled": true,
  });
  const rows = [
    ["probe.success_ratio < 0.5", "unknown"],
    ["!(probe.success_ratio < 0.5)", "unknown"],
    ["probe.success_ratio < 0.5 && feature.checkout_enabled", "unknown"],
    ["probe.success_ratio < 0.5 && !feature.checkout_enabled", "false"],
    ["!feature.checkout_enabled && probe.success_ratio < 0.5", "false"],
    ["probe.success_ratio < 0.5 || feature.checkout_enabled", "true"],
    ["feature.checkout_enabled || probe.success_ratio < 0.5", "true"],
    ["probe.success_ratio < 0.5 || !feature.checkout_enabled", "unknown"],
    ["probe.success_ratio < 0.5 ? false : true", "unknown"],
    ["probe.success_ratio < 0.5 ? true : true", "unknown"],
    ["feature.checkout_enabled ? true : probe.success_ratio < 0.5", "true"],
    ["(probe.success_ratio < 0.5 ? 1.0 : 2.0) < 1.5", "unknown"],
    ["(probe.success_ratio < 0.5) == false", "unknown"],
    ["probe.success_ratio * 0.0 < 1.0", "unknown"],
    ["known(probe.success_ratio)", "false"],
    ["!known(probe.success_ratio)", "true"],
    ["configured(probe.success_ratio)", "true"],
    ["configured(alerts.firing_count)", "false"],
    ["!configured(alerts.firing_count) || alerts.firing_count == 0", "true"],
    ["!configured(probe.success_ratio) || probe.success_ratio > 0.9", "unknown"],
    ["probe.latency_ms > 1.0", "unknown"],
    ["configured(probe.latency_ms)", "true"],
  ] as const;

  it.for(rows)("%s is %s", ([source, truth], { expect }) => {
    expect(compiled(source).evaluate(UNKNOWN, PARAMS).truth).toBe(truth);
  });

  it("says which signal and why, and only those that stood in the way", ({ expect }) => {
    const source =
      "probe.success_ratio < 0.5 || (feature.checkout_enabled && probe.latency_ms > 1.0)";

    expect(compiled(source).evaluate(UNKNOWN, PARAMS).detail).toBe(
      "probe.success_ratio is unknown: timeout; probe.latency_ms is unknown: no_data (never collected)",
    );
  });

  it("treats a value of another type as unknown, never as healthy", ({ expect }) => {
    const odd = signals({ "alerts.firing_count": 0.5, "probe.success_ratio": "all" });

    expect(compiled("alerts.firing_count == 0").evaluate(odd, PARAMS).truth).toBe("unknown");
    expect(compiled("probe.success_ratio < 0.5").evaluate(odd, PARAMS)).toEqual({
      truth: "unknown",
      detail: 'probe.success_ratio is unknown: malformed ("all")',
    });
  });
});

describe("an expression that fails although all is known", () => {
  const rows = [
    ["alerts.firing_count / 0 == 1", "2 / 0"],
    ["alerts.firing_count % 0 == 1", "2 % 0"],
    ["probe.latency_ms / 0.0 > 1.0", "120 / 0 is not a number"],
    ["!((probe.latency_ms - 120.0) / 0.0 >= 0.5)", "0 / 0 is not a number"],
    ["alerts.firing_count * 9223372036854775807 > 0", "a whole number beyond 64 bits"],
  ] as const;

  it.for(rows)("%s is broken", ([source, detail], { expect }) => {
    expect(compiled(source).evaluate(WELL, PARAMS)).toEqual({ truth: "broken", detail });
  });

  it("is broken when a param has no value", ({ expect }) => {
    expect(compiled("probe.latency_ms > params.ratio_min").evaluate(WELL, {})).toEqual({
      truth: "broken",
      detail: "params.ratio_min has no double value",
    });
  });

  it("is not broken when the rest decides alone", ({ expect }) => {
    const source = "alerts.firing_count / 0 == 1 || feature.checkout_enabled";
    expect(compiled(source).evaluate(WELL, PARAMS).truth).toBe("true");
  });

  it("is unknown, not broken, while a signal is missing", ({ expect }) => {
    const source = "alerts.firing_count / 0 == 1 || probe.success_ratio < 0.5";
    const missing = signals({ "alerts.firing_count": 2 });
    expect(compiled(source).evaluate(missing, PARAMS).truth).toBe("unknown");
  });
});

describe("what an expression says about itself", () => {
  it("lists the signals and params it reads, once each", ({ expect }) => {
    const expression = compiled(
      "known(probe.latency_ms) && probe.success_ratio < params.ratio_min && probe.success_ratio > 0.0",
    );

    expect(expression.signals).toEqual(["probe.latency_ms", "probe.success_ratio"]);
    expect(expression.params).toEqual(["ratio_min"]);
  });

  const evidence = [
    ["probe.success_ratio < 0.5", ["probe.success_ratio"]],
    [
      "probe.success_ratio < 0.5 && alerts.firing_count > 0",
      ["probe.success_ratio", "alerts.firing_count"],
    ],
    ["probe.success_ratio < 0.5 || alerts.firing_count > 0", []],
    [
      "!(probe.success_ratio > 0.5 || alerts.firing_count == 0)",
      ["probe.success_ratio", "alerts.firing_count"],
    ],
    [
      "probe.success_ratio < 0.5 || probe.success_ratio < probe.latency_ms",
      ["probe.success_ratio"],
    ],
    [
      "probe.success_ratio < 0.5 ? alerts.firing_count > 0 : probe.latency_ms > 9.0",
      ["probe.success_ratio"],
    ],
    ["known(alerts.firing_count)", []],
    ["(known(probe.success_ratio) ? probe.success_ratio : 0.0) < 0.5", []],
  ] as const;

  it.for(evidence)("%s rests on %j", ([source, names], { expect }) => {
    expect(compiled(source).evidence).toEqual(names);
  });

  const asked = [
    ["probe.success_ratio < 0.5", [], []],
    ["known(probe.success_ratio)", [], ["probe.success_ratio"]],
    ["!known(probe.success_ratio)", ["probe.success_ratio"], []],
    ["!known(probe.success_ratio) || probe.success_ratio > 0.9", ["probe.success_ratio"], []],
    [
      "known(probe.success_ratio) ? probe.success_ratio > 0.9 : true",
      ["probe.success_ratio"],
      ["probe.success_ratio"],
    ],
    ["known(probe.success_ratio) == false", ["probe.success_ratio"], ["probe.success_ratio"]],
    ["configured(probe.success_ratio)", [], []],
  ] as const;

  it.for(asked)(
    "%s is made true by not knowing %j, false by %j",
    ([source, yes, no], { expect }) => {
      expect(compiled(source).unknownMakes).toEqual({ true: yes, false: no });
    },
  );

  it("does not read names that objects inherit", ({ expect }) => {
    const scope = { ...SCOPE, params: {} };
    expect(() => compiled("params.constructor == 1", scope)).toThrow("no param");
  });
});
