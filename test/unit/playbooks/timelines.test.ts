/** Every playbook on its timelines; `npm run playbooks -- --show` tells what happens in each. */
import { describe, it } from "vitest";
import { playbookIds, runThresholds, runTimelines } from "../../../scripts/playbooks/run.ts";
import { judgeThresholds, thresholdProblems } from "../../../scripts/playbooks/thresholds.ts";
import { readTimelineFile } from "../../../scripts/playbooks/timeline-file.ts";
import { aPlaybook } from "../../support/playbooks.ts";

describe.for(playbookIds())("$id", ({ id, isTested }) => {
  it("has timelines", ({ expect }) => {
    expect(isTested).toBe(true);
  });

  it.for(isTested ? runTimelines(id) : [])("$name", ({ happened, expected }, { expect }) => {
    expect(happened).toEqual(expected);
  });

  it.for(isTested ? runThresholds(id) : [])(
    "rule $rule with $reading: $expected",
    ({ happened, expected }, { expect }) => {
      expect(happened).toBe(expected);
    },
  );
});

describe("thresholds", () => {
  const slow = aPlaybook({
    id: "slow",
    rules: [
      { id: "slow", when: "postgres.latency_ms > 1000.0", for: "30s" },
      { id: "slower", when: "postgres.latency_ms > 2000.0" },
    ],
  });
  const at = (ms: number) => ({ "postgres.latency_ms": ms });

  it("tell what a rule really does from what is said of it", ({ expect }) => {
    const well = at(5);
    const thresholds = { slow: { quiet: [at(1_000), at(1_001)], fires: [at(1_000), at(1_001)] } };
    const verdicts = judgeThresholds(slow, { well, thresholds });
    expect(verdicts.map(({ expected, happened }) => `${expected}: ${happened}`)).toEqual([
      "quiet: quiet",
      "quiet: fires",
      "fires: quiet",
      "fires: fires",
    ]);
  });

  it("name rules that there are not, and rules that they forget", ({ expect }) => {
    const both = { quiet: [at(1)], fires: [at(9_000)] };
    expect(thresholdProblems(slow, { slow: both, slowest: both })).toEqual([
      "there is no rule slowest",
      "nothing says where rule slower begins",
    ]);
  });
});

it("says where a timeline is wrong", ({ expect }) => {
  const text = [
    "schema: firebreak/playbook-test/v1",
    "playbook: outage",
    "well: {}",
    "tests:",
    "  - name: wrong",
    "    untill: 5m",
    "    until: soon",
    "    signals: []",
    "    expect: []",
  ].join("\n");
  const read = readTimelineFile({ name: "outage.test.yaml", text });
  expect(read.ok).toBe(false);
  const said = read.ok ? [] : read.error.map(({ line, message }) => `${line}: ${message}`);
  expect(said).toEqual([
    expect.stringContaining('6: unknown key "untill"'),
    expect.stringContaining("7: "),
  ]);
});
