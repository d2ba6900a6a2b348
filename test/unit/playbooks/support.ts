/** A small vocabulary and site that playbooks of the tests are checked against, so that the real ones may grow. */
import { readFileSync } from "node:fs";
import { checkPlaybooks, type SourceFile } from "../../../src/playbooks/check.ts";
import { compilePlaybook, type CompiledPlaybook } from "../../../src/playbooks/compile.ts";
import { formatDiagnostic } from "../../../src/playbooks/diagnostics.ts";
import type { Vocabulary } from "../../../src/playbooks/vocabulary.ts";
import type { SignalSpec } from "../../../src/signals/catalogue.ts";

const signal = (
  source: SignalSpec["source"],
  kind: SignalSpec["evidence"]["kind"],
  vantage: string,
): SignalSpec => ({
  type: "double",
  unit: "ratio",
  source,
  evidence: { kind, vantage },
  describes: "For tests.",
});

export const VOCABULARY: Vocabulary = {
  signals: {
    "probe.around_success_ratio": signal("probe", "active", "around"),
    "probe.around_latency_ms": signal("probe", "active", "around"),
    "probe.through_success_ratio": signal("probe", "active", "through"),
    "traffic.error_ratio": signal("traffic", "passive", "visitors"),
    "guard.enforced_ratio": signal("guard", "passive", "guard"),
  },
  actuators: {
    "maintenance-mode": {
      kind: "lease",
      beside: false,
      problemsWith: (options) => (JSON.stringify(options) === "{}" ? [] : ["it takes no options"]),
      masks: ["traffic.error_ratio", "probe.through_success_ratio"],
      release: "staged",
      siteWide: true,
    },
    "read-only": {
      kind: "lease",
      beside: false,
      problemsWith: () => [],
      masks: [],
      release: "at_once",
      siteWide: true,
    },
    "block-networks": {
      kind: "lease",
      beside: false,
      problemsWith: () => [],
      masks: [],
      release: "at_once",
      siteWide: false,
    },
    "rollback-deployment": {
      kind: "act",
      problemsWith: () => [],
      masks: [],
      siteWide: true,
      beside: false,
      approvals: 1,
    },
    "restore-in-place": {
      kind: "act",
      problemsWith: () => [],
      masks: [],
      siteWide: true,
      beside: false,
      approvals: 2,
    },
    "snapshot-branch": {
      kind: "act",
      problemsWith: () => [],
      masks: [],
      siteWide: false,
      beside: true,
      approvals: 1,
    },
  },
  collectors: ["cloudflare-status", "signals-around-onset"],
  selectors: {},
};

export const SITE: SourceFile = {
  name: "site.yaml",
  text: [
    "schema: firebreak-site/v1",
    "site: pitchey",
    "environment: test",
    "title: Pitchey",
    "components: [{ id: website, name: Website }]",
  ].join("\n"),
};

export const readHere = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), "utf8");

/** A playbook with nothing wrong; tests change one thing in it. */
export const RIGHT = readHere("right.yaml");

/** What is wrong with one playbook beside the right site, as `npm run generate` prints it. */
export function problemsOf(name: string, text: string): readonly string[] {
  const checked = checkPlaybooks([SITE, { name, text }], VOCABULARY);
  return checked.ok ? [] : checked.error.map(formatDiagnostic);
}

/** The right playbook, with each `[from, to]` replaced once; it must still be right. */
export function compiledWith(
  changes: readonly (readonly [string, string])[] = [],
): CompiledPlaybook {
  const text = changes.reduce((soFar, [from, to]) => {
    if (!soFar.includes(from)) throw new Error(`the playbook has no "${from}"`);
    return soFar.replace(from, to);
  }, RIGHT);
  const checked = checkPlaybooks([SITE, { name: "right.yaml", text }], VOCABULARY);
  if (!checked.ok) throw new Error(checked.error.map(formatDiagnostic).join("\n"));
  const [bundled] = checked.value.playbooks;
  if (bundled === undefined) throw new Error("there is one playbook");
  const compiled = compilePlaybook(bundled, VOCABULARY);
  if (!compiled.ok) throw new Error("the bundle compiles");
  return compiled.value;
}
