/** That each promise of the primary-down variant can be broken. */
import { describe, it } from "vitest";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import { boundariesOf, type Visit } from "../../../gamedays/measure.ts";
import { isWrite, judgeFailover, type FailedOver } from "../../../gamedays/primary-down.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import type { Look } from "../../../gamedays/two-databases.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("primary-down")).expect;

const row = (afterMs: number, type: string, data: unknown = {}): JournalRow => ({
  seq: afterMs,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data,
});

const ROWS: readonly JournalRow[] = [
  row(5_000, "incident.opened", { onsetAt: new Date(FAULT_MS + 1_000).toISOString() }),
  row(5_001, "act.proposed", { actuator: "rollback-deployment" }),
  row(5_002, "act.failed"),
  row(5_003, "lease.proposed", { actuator: "failover-to-replica" }),
  row(5_004, "lease.applied"),
  row(7_000, "lease.effective"),
  row(24_000, "lease.reverting", { because: "recovered" }),
  row(24_001, "lease.reverted"),
];

const visit = (afterMs: number, fields: Partial<Visit>): Visit => ({
  atMs: FAULT_MS + afterMs,
  tookMs: 1,
  visitor: "one",
  errand: "read",
  outcome: "served",
  ...fields,
});

const served = (fromMs: number, many: number): readonly Visit[] =>
  Array.from({ length: many }, (_, n) => visit(fromMs + n * 10, {}));

const buy = (afterMs: number, outcome: Visit["outcome"]): Visit =>
  visit(afterMs, { errand: "buy", outcome });

const VISITS: readonly Visit[] = [
  buy(-1_000, "served"),
  visit(1_000, { outcome: "failed" }),
  buy(1_500, "failed"),
  buy(6_000, "refused"),
  ...served(6_100, 20),
  buy(23_000, "refused"),
  buy(24_500, "served"),
  visit(25_000, {}),
];

const look = (fields: Partial<Look> = {}): Look => ({
  atMs: FAULT_MS,
  replicaReads: 100,
  replicaIsReplica: true,
  primary: { isReplica: false, payments: 10, unmatched: 0 },
  ...fields,
});

const LOOKS = {
  before: look(),
  during: look({ atMs: FAULT_MS + 20_000, replicaReads: 120, primary: null }),
  after: look({ primary: { isReplica: false, payments: 13, unmatched: 0 } }),
};

/** A gameday on which all went well, but for what a test changes. */
function seen(changes: Partial<FailedOver> = {}): FailedOver {
  const rows = changes.rows ?? ROWS;
  const visits = changes.visits ?? VISITS;
  const times = timesIn(rows);
  const boundaries = boundariesOf(visits.filter(isWrite), {
    faultAtMs: FAULT_MS,
    releaseAtMs: times.releasedAtMs,
  });
  return {
    rows,
    visits,
    boundaries,
    times: { ...times, faultAtMs: FAULT_MS, enforcedAtMs: boundaries.enforcedAtMs },
    mendedAtMs: FAULT_MS + 20_000,
    looks: LOOKS,
    ...changes,
  };
}

const failedOf = (given: FailedOver): readonly string[] =>
  judgeFailover(given, LIMITS)
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);

const books = (payments: number, unmatched = 0) => ({
  looks: { ...LOOKS, after: look({ primary: { isReplica: false, payments, unmatched } }) },
});

it("all promises hold when all went well", ({ expect }) => {
  expect(failedOf(seen())).toEqual([]);
});

describe("a promise is broken by", () => {
  const table: readonly {
    readonly what: string;
    readonly given: FailedOver;
    readonly id: string;
  }[] = [
    {
      what: "a maintenance page after it",
      given: seen({
        rows: [...ROWS, row(8_000, "lease.proposed", { actuator: "maintenance-mode" })],
      }),
      id: "failed-over",
    },
    {
      what: "a rollback that was done",
      given: seen({ rows: [...ROWS, row(8_000, "act.performed")] }),
      id: "failed-over",
    },
    {
      what: "a call for more although it helped",
      given: seen({ rows: [...ROWS, row(8_000, "incident.escalated")] }),
      id: "failed-over",
    },
    {
      what: "nobody who saw that it helped",
      given: seen({ rows: ROWS.filter(({ type }) => type !== "lease.effective") }),
      id: "failed-over",
    },
    {
      what: "writers who are told late",
      given: seen({ visits: [...served(1_000, 20), buy(LIMITS.enforced_within + 1, "refused")] }),
      id: "writes-refused",
    },
    {
      what: "writers who are never told",
      given: seen({ visits: VISITS.filter(({ outcome }) => outcome !== "refused") }),
      id: "writes-refused",
    },
    {
      what: "reads that go on failing",
      given: seen({
        visits: VISITS.map((one) => (isWrite(one) ? one : { ...one, outcome: "failed" as const })),
      }),
      id: "read-again",
    },
    {
      what: "reads that work late",
      given: seen({
        visits: [
          visit(1_000, { outcome: "failed" }),
          ...served(LIMITS.enforced_within + 1, 20),
          buy(6_000, "refused"),
        ],
      }),
      id: "read-again",
    },
    {
      what: "a read that the guard refuses",
      given: seen({ visits: [...VISITS, visit(8_000, { outcome: "refused" })] }),
      id: "reads",
    },
    {
      what: "reads that the replica never saw",
      given: seen({ looks: { ...LOOKS, during: look({ atMs: FAULT_MS + 20_000 }) } }),
      id: "replica",
    },
    {
      what: "nobody who looked",
      given: seen({ looks: { ...LOOKS, during: null } }),
      id: "replica",
    },
    {
      what: "a lease taken back before the primary is there",
      given: seen({ mendedAtMs: FAULT_MS + 30_000 }),
      id: "taken-back",
    },
    {
      what: "a lease that had to be taken back",
      given: seen({ rows: [...ROWS, row(9_000, "lease.reverting", { because: "ineffective" })] }),
      id: "taken-back",
    },
    {
      what: "a replica that was promoted",
      given: seen({
        looks: { ...LOOKS, after: look({ ...LOOKS.after, replicaIsReplica: false }) },
      }),
      id: "not-promoted",
    },
    { what: "a purchase that is lost", given: seen(books(11)), id: "purchases" },
    { what: "a purchase of somebody who was refused", given: seen(books(14)), id: "purchases" },
    { what: "half a purchase", given: seen(books(13, 1)), id: "purchases" },
  ];

  it.for(table)("$what", ({ given, id }, { expect }) => {
    expect(failedOf(given)).toContain(id);
  });

  it("each of them at least once", ({ expect }) => {
    const all = judgeFailover(seen(), LIMITS).map(({ id }) => id);
    expect([...new Set(table.map(({ id }) => id))].toSorted()).toEqual(all.toSorted());
  });
});

it("a purchase whose answer was lost may have been made or not", ({ expect }) => {
  expect(failedOf(seen(books(12)))).toEqual([]);
  expect(failedOf(seen(books(13)))).toEqual([]);
});
