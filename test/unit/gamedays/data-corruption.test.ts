/** The data-corruption gameday's declaration, and that each of its own promises can be broken. */
import { describe, it } from "vitest";
import {
  judgeCorruption,
  pauseTable,
  type Seen,
} from "../../../gamedays/data-corruption-expectations.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import { boundariesOf, type Visit } from "../../../gamedays/measure.ts";
import { readScenario } from "../../../gamedays/scenario.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("data-corruption")).expect;
/** Judged by the outage gameday's own tests. */
const OWN = new Set([
  "evidence",
  "enforced",
  "reads",
  "held",
  "scope",
  "branches",
  "plan",
  "two-people",
  "script",
  "rows",
  "checklist",
  "kept",
  "ledger",
  "purchases",
]);

const row = (seq: number, afterMs: number, type: string, data: unknown = {}): JournalRow => ({
  seq,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data,
});
const FIRING = { status: "firing" };
const planOf = (missing: number, brokenRows = 0): JournalRow =>
  row(40, 6_200, "evidence.collected", {
    collector: "recovery-plan",
    summary: "every check holds",
    facts: {
      verified: [{ check: "users-stay", brokenRows }],
      tables: [{ table: "users", missing }],
      plan: { way: "recover-rows" },
    },
  });
const PLAN = planOf(40);
const ROWS: readonly JournalRow[] = [
  row(1, 5_000, "incident.opened", {
    onsetAt: new Date(FAULT_MS + 1_000).toISOString(),
    rules: { "checks-failing": FIRING, "constraints-not-valid": { status: "pending" } },
  }),
  row(2, 5_500, "rule.changed", { rule: "constraints-not-valid", to: FIRING }),
  row(3, 6_000, "evidence.collected", {
    collector: "integrity-scope",
    summary: "40 broken rows in pitches",
  }),
  PLAN,
  row(50, 6_300, "act.proposed", { actId: "act_9", actuator: "restore-in-place" }),
  ...[
    "Writes paused",
    "The scope of the damage known",
    "A snapshot of now kept before anything is repaired",
    "The last moment at which every check held kept",
    "A way back worked out beside production, before it touches it",
    "Rows recovered, and the checks clean",
    "Constraints back and validated",
    "Post-mortem scheduled",
  ].map((text, item) => row(10 + item, 10_000, "checklist.ticked", { item, text })),
  ...["act_1", "inc_1/2026-11-23T14:00:09.000Z"].flatMap((name, n) => [
    row(20 + n, 5_100, "act.proposed", { actId: `act_${n}`, beside: true }),
    row(30 + n, 5_900, "act.performed", {
      actId: `act_${n}`,
      says: "kept it",
      receipt: { branchId: `br-${n}`, name: `firebreak/shop.test/${name}` },
    }),
  ]),
  row(4, 6_000, "lease.applied"),
  row(5, 20_000, "lease.reverting", { because: "person" }),
  row(6, 20_100, "lease.reverted"),
];

const visit = (afterMs: number, fields: Partial<Visit> = {}): Visit => ({
  atMs: FAULT_MS + afterMs,
  tookMs: 1,
  visitor: "one",
  errand: "buy",
  outcome: "served",
  ...fields,
});
const VISITS: readonly Visit[] = [
  visit(-1_000),
  visit(7_000, { outcome: "refused" }),
  visit(8_000, { errand: "read" }),
  visit(9_000, { outcome: "refused" }),
  visit(21_000),
];
const taken = (event: string) => ({ event, charge: `pi_${event}`, atMs: FAULT_MS });
const DATA: NonNullable<Seen["data"]> = {
  digestBefore: "40 rows, a",
  digestAfter: "40 rows, a",
  books: {
    events: [
      { event: "one", isReplay: false },
      { event: "two", isReplay: true },
    ],
    succeeded: ["pi_one", "pi_two"],
    purchases: { payments: 2, unmatched: 0 },
  },
};

/** A gameday on which all went well, but for what a test changes. */
function seen(changes: Partial<Seen> = {}): Seen {
  const rows = changes.rows ?? ROWS;
  const visits = changes.visits ?? VISITS;
  const boundaries = boundariesOf(
    visits.filter(({ errand }) => errand === "buy"),
    { faultAtMs: FAULT_MS, releaseAtMs: FAULT_MS + 20_000 },
  );
  return {
    incident: "inc_1",
    rows,
    visits,
    boundaries,
    times: { ...timesIn(rows), faultAtMs: FAULT_MS, enforcedAtMs: boundaries.enforcedAtMs },
    statusSamples: [],
    heard: null,
    after: null,
    brokenOff: null,
    taken: [taken("one"), taken("two")],
    retried: 0,
    data: DATA,
    counted: "public.users=40",
    alone: "409: same_person",
    ...changes,
  };
}

const failedOf = (given: Seen): readonly string[] =>
  judgeCorruption(given, LIMITS)
    .filter(({ id, ok }) => OWN.has(id) && !ok)
    .map(({ id }) => id);
const withoutRows = (...types: readonly string[]) =>
  ROWS.filter(({ type }) => !types.includes(type));
const withBooks = (books: Partial<NonNullable<(typeof DATA)["books"]>>): Partial<Seen> => ({
  data: { ...DATA, books: DATA.books === null ? null : { ...DATA.books, ...books } },
});

it("all promises hold when all went well, and the table says what it cost", ({ expect }) => {
  expect(failedOf(seen())).toEqual([]);
  expect(pauseTable(seen()).rows).toEqual([
    ["no write passes, from the fault", "7.0 s"],
    ["collateral: purchases", "2 of 2 refused"],
    ["collateral: reads", "0 of 1 refused"],
    ["deliveries kept and handed over", "1"],
  ]);
});

describe("a promise is broken by", () => {
  const table: readonly (readonly [what: string, id: string, changes: Partial<Seen>])[] = [
    ["one kind of evidence", "evidence", { rows: withoutRows("rule.changed") }],
    [
      "late enforcement",
      "enforced",
      { visits: [visit(LIMITS.enforced_within + 1, { outcome: "refused" })] },
    ],
    [
      "a read that is refused",
      "reads",
      { visits: [...VISITS, visit(8_500, { errand: "sign-in", outcome: "refused" })] },
    ],
    [
      "writes that come back by themselves",
      "held",
      {
        rows: [
          ...withoutRows("lease.reverting"),
          row(7, 9_000, "lease.reverting", { because: "recovered" }),
        ],
      },
    ],
    ["damage whose reach nobody knows", "scope", { rows: withoutRows("evidence.collected") }],
    ["an item that nothing ticked", "checklist", { rows: withoutRows("checklist.ticked") }],
    [
      "an item that only a person can know",
      "checklist",
      { rows: [...ROWS, row(20, 11_000, "checklist.ticked", { text: "Cause identified" })] },
    ],
    ["a branch that was not kept", "branches", { rows: withoutRows("act.performed") }],
    ["no way back", "plan", { rows: ROWS.filter((one) => one !== PLAN) }],
    [
      "a comparison that misses rows",
      "plan",
      { rows: [...ROWS.filter((one) => one !== PLAN), planOf(39)] },
    ],
    [
      "a branch that is damaged as well",
      "plan",
      { rows: [...ROWS.filter((one) => one !== PLAN), planOf(40, 1)] },
    ],
    ["a second word that was let through", "two-people", { alone: "it was let through" }],
    [
      "a restore that was begun",
      "two-people",
      { rows: [...ROWS, row(51, 6_400, "act.performing", { actId: "act_9" })] },
    ],
    ["a script that counts other rows", "script", { counted: "public.users=39" }],
    ["a row that came back changed", "rows", { data: { ...DATA, digestAfter: "40 rows, b" } }],
    ["a delivery that had to be sent again", "kept", { retried: 1 }],
    [
      "nothing that was kept",
      "kept",
      withBooks({
        events: [
          { event: "one", isReplay: false },
          { event: "two", isReplay: false },
        ],
      }),
    ],
    [
      "a delivery that was lost",
      "ledger",
      withBooks({ events: [{ event: "two", isReplay: true }] }),
    ],
    [
      "a delivery that was applied twice",
      "ledger",
      withBooks({ events: ["one", "two", "two"].map((event) => ({ event, isReplay: true })) }),
    ],
    [
      "the wrong order",
      "ledger",
      withBooks({ events: ["two", "one"].map((event) => ({ event, isReplay: true })) }),
    ],
    ["an event that did nothing", "ledger", withBooks({ succeeded: ["pi_one"] })],
    [
      "a purchase that is not in the books",
      "purchases",
      withBooks({ purchases: { payments: 1, unmatched: 0 } }),
    ],
    [
      "a purchase that is there twice",
      "purchases",
      withBooks({ purchases: { payments: 3, unmatched: 0 } }),
    ],
    ["half a purchase", "purchases", withBooks({ purchases: { payments: 2, unmatched: 1 } })],
  ];
  it.for(table)("%s", ([, id, changes], { expect }) => {
    expect(failedOf(seen(changes))).toContain(id);
  });
});
