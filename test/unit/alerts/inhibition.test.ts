import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { inhibitorOf, type InhibitRule } from "../../../src/alerts/inhibition.ts";
import { readMatchers } from "../../../src/alerts/matchers.ts";

const anAlert = (
  fingerprint: string,
  labels: Alert["labels"],
  given: Partial<Alert> = {},
): Alert => ({
  source: "alertmanager",
  fingerprint,
  status: "firing",
  title: "An alert",
  severity: "SEV-3",
  startsAtMs: 0,
  endsAtMs: null,
  labels,
  url: null,
  ...given,
});

function rule(
  source: readonly string[],
  target: readonly string[],
  equal: readonly string[] = [],
): InhibitRule {
  const [sources, targets] = [readMatchers(source), readMatchers(target)];
  if (!sources.ok || !targets.ok) throw new Error("a matcher is not read");
  return { source: sources.value, target: targets.value, equal };
}

/** Who is inhibited by whom. */
const inhibited = (alerts: readonly Alert[], ...rules: readonly InhibitRule[]) => {
  const inhibitor = inhibitorOf(alerts, rules);
  return Object.fromEntries(
    alerts.flatMap((alert) => {
      const by = inhibitor(alert);
      return by === null ? [] : [[alert.fingerprint, by.fingerprint]];
    }),
  );
};

const down = anAlert("down", { alertname: "NodeDown", node: "n1" });
const full = anAlert("full", { alertname: "DiskFull", node: "n1" });
const other = anAlert("other", { alertname: "DiskFull", node: "n2" });
const NODE = rule(['alertname="NodeDown"'], ['alertname!="NodeDown"'], ["node"]);

describe("a source that fires", () => {
  it("inhibits targets with the same labels, and no others", ({ expect }) => {
    expect(inhibited([down, full, other], NODE)).toEqual({ full: "down" });
  });

  it("inhibits nothing once it has ended", ({ expect }) => {
    const ended = { ...down, status: "resolved" } as const;
    expect(inhibited([ended, full], NODE)).toEqual({});
  });

  it("takes a label that both lack for the same", ({ expect }) => {
    const zoned = rule(['alertname="NodeDown"'], ['alertname="DiskFull"'], ["zone"]);
    expect(inhibited([down, full, other], zoned)).toEqual({ full: "down", other: "down" });
  });

  it("inhibits by any of the rules, and by what the tool did not label", ({ expect }) => {
    const worse = rule(['severity="SEV-1"'], ['severity="SEV-3"', 'source="pingdom"']);
    const all = [
      anAlert("worst", {}, { severity: "SEV-1" }),
      anAlert("ping", {}, { source: "pingdom" }),
      full,
    ];
    expect(inhibited(all, NODE, worse)).toEqual({ ping: "worst" });
  });
});

describe("what is source and target at once", () => {
  const both = rule(['alertname=~"Node.*"'], ['node="n1"']);
  const twin = anAlert("twin", { alertname: "NodeSlow", node: "n1" });

  it("does not inhibit itself, and two of the kind do not inhibit each other", ({ expect }) => {
    expect(inhibited([down], both)).toEqual({});
    expect(inhibited([down, twin], both)).toEqual({});
  });

  it("is inhibited by what is only a source", ({ expect }) => {
    const cause = anAlert("cause", { alertname: "NodeGone", node: "n9" });
    expect(inhibited([down, twin, cause], both)).toEqual({ down: "cause", twin: "cause" });
  });

  it("inhibits what is only a target", ({ expect }) => {
    expect(inhibited([down, full], both)).toEqual({ full: "down" });
  });
});
