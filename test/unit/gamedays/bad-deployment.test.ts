/** That each promise of the bad-deployment variant can be broken, and when its visitors felt the rollback. */
import { describe, it } from "vitest";
import { boundariesOfRollback, judgeRollback } from "../../../gamedays/bad-deployment.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import { countPhases, type Visit } from "../../../gamedays/measure.ts";
import { readScenario } from "../../../gamedays/scenario.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("bad-deployment")).expect;

const row = (afterMs: number, type: string): JournalRow => ({
  seq: afterMs,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data: {},
});
const ROWS = [
  row(5_000, "incident.opened"),
  row(6_000, "act.performed"),
  row(9_000, "act.effective"),
];

const visit = (afterMs: number, outcome: Visit["outcome"], tookMs = 1): Visit => ({
  atMs: FAULT_MS + afterMs,
  tookMs,
  visitor: "one",
  errand: "read",
  outcome,
});
const VISITS = [
  visit(-1_000, "served"),
  visit(100, "failed"),
  visit(6_000, "failed", 500),
  // Answered while the last failure was still under way: nobody knows yet that it is over.
  visit(6_400, "served"),
  visit(7_000, "served"),
  visit(8_000, "served"),
];

type Changes = {
  readonly rows?: readonly JournalRow[];
  readonly visits?: readonly Visit[];
  readonly liveAfter?: string;
};

function failedOf({ rows = ROWS, visits = VISITS, liveAfter = "v1" }: Changes): readonly string[] {
  const { enforcedAtMs } = boundariesOfRollback(visits, FAULT_MS);
  const times = { ...timesIn(rows), faultAtMs: FAULT_MS, enforcedAtMs };
  return judgeRollback({ rows, visits, times, liveBefore: "v1", liveAfter }, LIMITS)
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);
}

it("all promises hold when all went well", ({ expect }) => {
  expect(failedOf({})).toEqual([]);
});

describe("a promise is broken by", () => {
  it.for<readonly [string, string, Changes]>([
    ["a rollback that did not help", "rolled-back", { rows: ROWS.slice(0, 2) }],
    ["a lease beside it", "nothing-else", { rows: [...ROWS, row(7_000, "lease.proposed")] }],
    [
      "a visitor whom the guard refuses",
      "nothing-else",
      { visits: [...VISITS, visit(7, "refused")] },
    ],
    ["another version at the end", "version", { liveAfter: "v2" }],
    ["a fault that nobody felt", "served-again", { visits: [visit(100, "served")] }],
    ["nobody who is served since", "served-again", { visits: [...VISITS, visit(9_000, "failed")] }],
    [
      "service that comes back too late",
      "served-again",
      {
        visits: [
          ...VISITS,
          visit(LIMITS.enforced_within - 1, "failed"),
          visit(LIMITS.enforced_within + 1, "served"),
        ],
      },
    ],
  ])("%s", ([, id, changes], { expect }) => {
    expect(failedOf(changes)).toEqual([id]);
  });
});

it("is felt from the first visit that is served after the last that failed", ({ expect }) => {
  const boundaries = boundariesOfRollback(VISITS, FAULT_MS);
  expect(boundaries.enforcedAtMs).toBe(FAULT_MS + 7_000);
  const counted = countPhases(VISITS, boundaries).map(({ served, failed }) => ({ served, failed }));
  expect(counted).toEqual([
    { served: 1, failed: 0 },
    { served: 1, failed: 2 },
    { served: 0, failed: 0 },
    { served: 0, failed: 0 },
    { served: 2, failed: 0 },
  ]);
  expect(boundariesOfRollback(VISITS, null).enforcedAtMs).toBeNull();
});
