/** Every playbook on its timelines; `npm run playbooks -- --show` tells what happens in each. */
import { describe, it } from "vitest";
import { playbookIds, runTimelines } from "../../../scripts/playbooks/run.ts";
import { readTimelineFile } from "../../../scripts/playbooks/timeline-file.ts";

describe.for(playbookIds())("$id", ({ id, isTested }) => {
  it("has timelines", ({ expect }) => {
    expect(isTested).toBe(true);
  });

  it.for(isTested ? runTimelines(id) : [])("$name", ({ happened, expected }, { expect }) => {
    expect(happened).toEqual(expected);
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
