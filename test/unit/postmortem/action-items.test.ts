import { describe, it } from "vitest";
import { ACTION_ITEMS_MAX, actionItemsIn } from "../../../src/postmortem/action-items.ts";
import { actionItems } from "../../../src/postmortem/lessons.ts";
import { renderPostmortem } from "../../../src/postmortem/postmortem.ts";
import { storyOf } from "../../../src/postmortem/story.ts";
import { agreedItems } from "../../../src/postmortem/due.ts";
import { aView, NOW_MS } from "../../support/metrics.ts";
import { wholeLife } from "../../support/whole-life.ts";

const under = (...lines: readonly string[]): string =>
  ["# Incident", "## Action Items", ...lines, "## Prevention Measures", "- [ ] not one"].join("\n");
const END_OF_DECEMBER_1 = Date.UTC(2026, 11, 2);

describe("an action item", () => {
  it.for([
    [
      "as the template has it",
      "- [ ] ada - Mend the probe - due 2026-12-01",
      { owner: "ada", action: "Mend the probe", dueAtMs: END_OF_DECEMBER_1, isDone: false },
    ],
    [
      "that is done, with a bare date",
      "- [x] ada - Mend the probe - 2026-12-01",
      { owner: "ada", action: "Mend the probe", dueAtMs: END_OF_DECEMBER_1, isDone: true },
    ],
    [
      "that the draft knew little of",
      "- [ ] no owner yet - Mend the probe - no due date yet",
      { owner: null, action: "Mend the probe", dueAtMs: null, isDone: false },
    ],
    [
      "without a date",
      "* [ ] ada — Mend the probe",
      { owner: "ada", action: "Mend the probe", dueAtMs: null, isDone: false },
    ],
    [
      "of words alone",
      "- [ ] Mend the probe",
      { owner: null, action: "Mend the probe", dueAtMs: null, isDone: false },
    ],
    [
      "with dashes in it, and what Markdown needs",
      "- [X] platform\\_team - Ask - and wait - for &#91;Neon&#93; - due 2026-12-01",
      {
        owner: "platform_team",
        action: "Ask - and wait - for [Neon]",
        dueAtMs: END_OF_DECEMBER_1,
        isDone: true,
      },
    ],
    [
      "on a day that there is not",
      "- [ ] ada - Mend the probe - due 2026-13-45",
      { owner: "ada", action: "Mend the probe", dueAtMs: null, isDone: false },
    ],
  ] as const)("%s", ([, line, item], { expect }) => {
    expect(actionItemsIn(under(line))).toEqual([item]);
  });

  it("is one of a bounded number, under its heading and nowhere else", ({ expect }) => {
    expect(actionItemsIn("- [ ] ada - x - due 2026-12-01")).toEqual([]);
    expect(actionItemsIn(under("no box", "- a bullet"))).toEqual([]);
    const many = Array.from({ length: ACTION_ITEMS_MAX + 1 }, (_, n) => `- [ ] ada - ${n}`);
    expect(actionItemsIn(under(...many))).toHaveLength(ACTION_ITEMS_MAX);
  });

  it("that was drafted is read back as it was meant", ({ expect }) => {
    const rows = wholeLife().journal;
    const drafted = actionItems(storyOf(rows, NOW_MS));
    const read = actionItemsIn(renderPostmortem(rows, { nowMs: NOW_MS }));
    expect(drafted.length).toBeGreaterThan(1);
    expect(read.map(({ owner }) => owner)).toEqual(drafted.map(({ owner }) => owner));
    expect(read.every(({ dueAtMs, isDone }) => dueAtMs !== null && !isDone)).toBe(true);
  });
});

it("what is left of all post-mortems comes by its day, and is overdue once that is over", ({
  expect,
}) => {
  const item = (action: string, dueAtMs: number | null, isDone = false) => ({
    owner: "ada",
    action,
    dueAtMs,
    isDone,
  });
  const views = [
    aView({ actions: [item("undated", null), item("late", NOW_MS), item("done", 0, true)] }),
    aView({ actions: [item("soon", NOW_MS + 1)] }),
    aView({ drill: true, actions: [item("rehearsed", 0)] }),
  ];
  expect(
    agreedItems(views, NOW_MS).map(({ item: { action }, isOverdue }) => [action, isOverdue]),
  ).toEqual([
    ["late", true],
    ["soon", false],
    ["undated", false],
  ]);
});
