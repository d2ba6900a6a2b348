import { describe, it } from "vitest";
import { compilePlaybook } from "../../../src/playbooks/compile.ts";
import { compiledWith, VOCABULARY } from "./support.ts";

describe("a compiled playbook", () => {
  it("has its rules, steps and recovery as functions, with ids filled in", ({ expect }) => {
    const { rules, steps, severityRaises, recoverWhen } = compiledWith();

    expect(rules.map(({ spec, clear }) => [spec.id, clear?.source ?? null])).toEqual([
      ["probes", "probe.around_success_ratio >= 0.9"],
      ["errors", null],
    ]);
    expect(steps.map(({ id, spec, mode }) => [id, spec.do, mode])).toEqual([
      ["maintenance-mode", "maintenance-mode", "auto"],
      ["pause-writes", "read-only", "approve"],
    ]);
    expect(steps.map(({ expect: helped }) => helped?.source ?? null)).toEqual([
      "guard.enforced_ratio > 0.9",
      null,
    ]);
    expect(severityRaises.map(({ to, when }) => [to, when.params])).toEqual([["SEV-1", ["share"]]]);
    expect(recoverWhen?.signals).toEqual(["probe.around_success_ratio"]);
  });

  it("asks before an act, unless it says that it is safe", ({ expect }) => {
    const maintenance =
      "  - do: maintenance-mode\n    lease: 15m\n    expect: { that: guard.enforced_ratio > 0.9, within: 30s }\n";
    const modeOf = (mode: string): unknown =>
      compiledWith([[maintenance, `  - do: rollback-deployment\n${mode}`]]).steps[0]?.mode;
    expect(modeOf("")).toBe("approve");
    expect(modeOf("    mode: auto\n")).toBe("auto");
  });

  it("keeps the source and its hash, for the journal", ({ expect }) => {
    const { source, sha256 } = compiledWith();

    expect(source).toContain("id: right");
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("refuses a bundle that the words of this build no longer fit", ({ expect }) => {
    const { spec, source, sha256 } = compiledWith();
    const later = { ...VOCABULARY, actuators: {} };

    const compiled = compilePlaybook({ spec, source, sha256 }, later);

    expect(compiled.ok ? [] : compiled.error.map(({ path }) => path.join("."))).toEqual([
      "mitigate.0.do",
      "mitigate.1.do",
    ]);
  });
});

describe("two kinds of evidence", () => {
  const errors = "when: traffic.error_ratio > params.share\n      why";

  it("may stand in one rule that needs both", ({ expect }) => {
    const both =
      "when: probe.around_latency_ms > 900.0 && traffic.error_ratio > params.share\n      why";
    expect(() => compiledWith([[errors, both]])).not.toThrow();
  });

  it("do not stand in a rule that either could fire", ({ expect }) => {
    const either =
      "when: probe.around_latency_ms > 900.0 || traffic.error_ratio > params.share\n      why";
    expect(() => compiledWith([[errors, either]])).toThrow("they rest on 1");
  });

  it("do not stand in a rule that fires on unknown", ({ expect }) => {
    const blind = "unknown: fire\n      when: traffic.error_ratio > params.share\n      why";
    expect(() => compiledWith([[errors, blind]])).toThrow("they rest on 1");
  });

  it("are not asked of a step that only a person starts", ({ expect }) => {
    const one = "when: probe.around_latency_ms > 900.0\n      why";
    const manual = "- do: maintenance-mode\n    mode: manual";
    expect(() =>
      compiledWith([
        [errors, one],
        ["- do: maintenance-mode", manual],
        ["mode: approve", "mode: manual"],
        ["    on_silence: { after: 5m, then: decline }\n", ""],
      ]),
    ).not.toThrow();
  });

  it("are not asked of a step that touches some visitors only", ({ expect }) => {
    expect(() =>
      compiledWith([
        [errors, "when: probe.around_latency_ms > 900.0\n      why"],
        ["do: maintenance-mode", "do: block-networks"],
        ["do: read-only", "do: block-networks"],
      ]),
    ).not.toThrow();
  });
});
