/** What the database gameday promises: each promise holds on a good day, and is broken by the figure that must break it. */
import { describe, it } from "vitest";
import type { Read } from "../../../gamedays/control-reads.ts";
import {
  judgeDatabase,
  KINDS,
  readTable,
  spansOf,
  visitorReads,
  type Seen,
} from "../../../gamedays/database-expectations.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import type { Fate } from "../../../gamedays/lock-queue.ts";
import type { Visit } from "../../../gamedays/measure.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { everybodyIsTold } from "../../../gamedays/told-expectations.ts";
import { heardAsPromised, publicUpdates } from "../../support/heard.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("database")).expect;
const HEARD = heardAsPromised(LIMITS.told);
const READS_WITHIN_MS = LIMITS.reads_within ?? 0;
const RELIEVED_MS = 8_000;
const ENDED_MS = 20_000;
const RELEASED_MS = 30_000;

const row = (afterMs: number, type: string, data: unknown = {}): JournalRow => ({
  seq: 1,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data,
});

const OPENED = row(6_000, "incident.opened", {
  onsetAt: new Date(FAULT_MS + 2_000).toISOString(),
  readings: [{ signal: "sdk.query_timed_out_count", value: 12 }],
});
const ROWS: readonly JournalRow[] = [
  OPENED,
  ...KINDS.map((_, n) => row(7_000 + n, "lease.applied")),
  row(ENDED_MS - 500, "act.performing"),
  row(ENDED_MS, "act.performed"),
  ...KINDS.map((_, n) => row(RELEASED_MS + n - KINDS.length, "lease.reverted")),
  row(34_000, "incident.resolved"),
];
const without = (...types: readonly string[]): JournalRow[] =>
  ROWS.filter(({ type }) => !types.includes(type));

const visit = (afterMs: number, fields: Partial<Visit> = {}): Visit => ({
  atMs: FAULT_MS + afterMs,
  tookMs: 10,
  visitor: "198.51.100.1",
  errand: "read",
  outcome: "served",
  ...fields,
});
/** One read a second; they fail from the fault until it is relieved. */
const VISITS: readonly Visit[] = Array.from({ length: 45 }, (_, n) => n * 1_000 - 5_000).map(
  (afterMs) => visit(afterMs, afterMs >= 0 && afterMs < RELIEVED_MS ? { outcome: "failed" } : {}),
);
/** At the primary they fail until the queue is ended. */
const CONTROL: readonly Read[] = VISITS.map(({ atMs }) => ({
  atMs,
  tookMs: 500,
  served: atMs < FAULT_MS || atMs >= FAULT_MS + ENDED_MS,
}));

const FATES: readonly Fate[] = [
  { part: "report", state: "ended" },
  { part: "analytics", state: "ended" },
  { part: "analytics", state: "ended" },
  { part: "reader", state: "done" },
  { part: "backup", state: "open" },
  { part: "migration", state: "done" },
  { part: "idle", state: "open" },
];
const fated = (part: Fate["part"], state: Fate["state"]): Partial<Seen> => ({
  fates: FATES.map((fate) => (fate.part === part ? { part, state } : fate)),
});

const IN_FORCE: NonNullable<Seen["inForce"]> = {
  kinds: [...KINDS],
  playbooks: ["database"],
  cpuRatios: {
    "postgres.cpu_ratio": [null, 0.02, 0.02, 0.05, 0.04],
    "origin.cpu_ratio": [null, 0.3, 0.4, 0.5, 0.45],
  },
};
const inForce = (changes: Partial<typeof IN_FORCE>): Partial<Seen> => ({
  inForce: { ...IN_FORCE, ...changes },
});
const originCpu = (...samples: readonly (number | null)[]): Partial<Seen> =>
  inForce({ cpuRatios: { ...IN_FORCE.cpuRatios, "origin.cpu_ratio": samples } });

const AFTER: NonNullable<Seen["after"]> = {
  policyEntries: [],
  publicUpdates: publicUpdates(LIMITS.told),
  openIncidents: [],
  postmortem: "## Timeline\n- [x] done",
};

/** A day on which all went well, but for what a test changes. */
function aDay(changes: Partial<Seen> = {}): Seen {
  const rows = changes.rows ?? [...ROWS];
  const visits = changes.visits ?? VISITS;
  const spans = spansOf({ faultAtMs: FAULT_MS, rows }, visitorReads(visits));
  const enforcedAtMs = spans.relieved?.fromMs ?? null;
  return {
    faultAtMs: FAULT_MS,
    incident: "inc_1",
    rows,
    visits,
    control: CONTROL,
    spans,
    times: { ...timesIn(rows), faultAtMs: FAULT_MS, enforcedAtMs },
    fates: FATES,
    inForce: IN_FORCE,
    replicaScans: { before: 10, after: 50 },
    heard: HEARD,
    after: AFTER,
    brokenOff: null,
    ...changes,
  };
}

const failedOf = (changes: Partial<Seen>): readonly string[] =>
  judgeDatabase(aDay(changes), LIMITS)
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);

/** Some of the relieved reads take too long. */
const slowReads = (isSlow: (n: number) => boolean): Partial<Seen> => {
  let n = 0;
  return {
    visits: VISITS.map((one) => {
      const afterMs = one.atMs - FAULT_MS;
      if (afterMs < RELIEVED_MS || afterMs >= ENDED_MS) return one;
      n += 1;
      return isSlow(n) ? { ...one, tookMs: READS_WITHIN_MS + 1 } : one;
    }),
  };
};

const relievedAfter = (afterMs: number | null): Partial<Seen> => ({
  times: {
    ...timesIn(ROWS),
    faultAtMs: FAULT_MS,
    enforcedAtMs: afterMs === null ? null : FAULT_MS + afterMs,
  },
});

it("all promises hold when all went well", ({ expect }) => {
  expect(failedOf({})).toEqual([]);
});

it("each promise has a name of its own, and none goes untested", ({ expect }) => {
  const ids = judgeDatabase(aDay(), LIMITS).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // Who is told what has its own, in told.test.ts.
  const told = everybodyIsTold(aDay(), LIMITS.told).map(({ id }) => id);
  expect(new Set([...told, ...TABLE.map(([, id]) => id)])).toEqual(new Set(ids));
});

it("a rule that fires later is a report of production's, too", ({ expect }) => {
  const later = row(9_000, "rule.changed", { rule: "queries-time-out", to: { status: "firing" } });
  const quiet = row(6_000, "incident.opened", { readings: [] });
  expect(failedOf({ rows: [quiet, ...without("incident.opened"), later] })).toEqual([]);
});

it("a read that still waits when the queue is being ended says nothing of the time before", ({
  expect,
}) => {
  const late = { atMs: FAULT_MS + ENDED_MS - 900, tookMs: 1_000, served: true };
  expect(failedOf({ control: [...CONTROL, late] })).toEqual([]);
});

const TABLE: readonly (readonly [what: string, id: string, changes: Partial<Seen>])[] = [
  ["an early end", "completed", { brokenOff: "no incident opens" }],
  [
    "an incident that opens too late",
    "detected",
    {
      rows: [
        row(LIMITS.detected_within + 1, "incident.opened", OPENED.data),
        ...without("incident.opened"),
      ],
    },
  ],
  ["silence", "paged", { heard: null }],
  ["a public that never hears of the end", "public", { after: { ...AFTER, publicUpdates: [] } }],
  [
    "production that reports no timeout",
    "reported",
    {
      rows: [
        row(6_000, "incident.opened", {
          readings: [{ signal: "sdk.query_timed_out_count", value: 0 }],
        }),
        ...without("incident.opened"),
      ],
    },
  ],
  ["CPU that nobody told", "cpu", originCpu(null, null, null)],
  ["CPU that was told and is silent now", "cpu", originCpu(0.3, 0.4, 0.5, null)],
  ["CPU that was told too rarely", "cpu", originCpu(0.3, 0.3, 0.3, 0.4)],
  ["CPU of more than the machine", "cpu", originCpu(0.3, 0.4, 1.01)],
  ["Workers that serve and use none", "cpu", originCpu(0.3, 0, 0.5, 0.4)],
  ["relief that comes too late", "relieved", relievedAfter(LIMITS.enforced_within + 1)],
  ["relief that never comes", "relieved", relievedAfter(null)],
  ["every tenth read that is slow", "reads", slowReads((n) => n % 10 === 0)],
  [
    "reads that somebody else relieved",
    "as-if",
    { control: CONTROL.map((read) => ({ ...read, served: true })) },
  ],
  ["no read to compare with", "as-if", { control: [] }],
  ["a replica that was not read", "replica", { replicaScans: { before: 10, after: 10 } }],
  ["statistics that nobody read", "replica", { replicaScans: null }],
  [
    "three of four steps",
    "in-force",
    inForce({ kinds: KINDS.filter((kind) => kind !== "query-cache") }),
  ],
  ["an outage beside it", "one-incident", inForce({ playbooks: ["database", "outage"] })],
  ["a transaction that is still open", "ended", fated("report", "open")],
  ["a query that came to its own end", "ended", fated("analytics", "done")],
  [
    "an act that was done twice",
    "ended",
    { rows: [...ROWS, row(ENDED_MS + 1_000, "act.performed")] },
  ],
  ["a backup that was ended", "spared", fated("backup", "ended")],
  ["a migration that was ended", "spared", fated("migration", "ended")],
  ["an idle connection that was ended", "spared", fated("idle", "ended")],
  [
    "a visitor whom the guard refuses",
    "unbroken",
    { visits: [...VISITS, visit(12_500, { errand: "buy", outcome: "refused" })] },
  ],
  [
    "an answer that the guard broke",
    "unbroken",
    { visits: [...VISITS, visit(12_500, { errand: "buy", outcome: "broken" })] },
  ],
  ["a lease that ran out", "taken-back", { rows: [...ROWS, row(31_000, "lease.expired")] }],
  [
    "an entry that is left",
    "taken-back",
    { after: { ...AFTER, policyEntries: [{ id: "lse_1", kind: "pool-size" }] } },
  ],
  [
    "production that fails afterwards",
    "afterwards",
    {
      visits: VISITS.map((one) =>
        one.atMs >= FAULT_MS + RELEASED_MS - 1 ? { ...one, outcome: "failed" } : one,
      ),
    },
  ],
  [
    "a placeholder in the post-mortem",
    "post-mortem",
    { after: { ...AFTER, postmortem: "## Timeline\n[Name]" } },
  ],
];

describe("a promise is broken by", () => {
  it.for(TABLE)("%s", ([, id, changes], { expect }) => {
    expect(failedOf(changes)).toContain(id);
  });
});

describe("what breaks one promise leaves those alone that it does not touch", () => {
  const own = new Set(["cpu", "replica", "in-force", "one-incident", "ended", "spared", "as-if"]);
  it.for(TABLE.filter(([, id]) => own.has(id)))("%s", ([, id, changes], { expect }) => {
    expect(failedOf(changes)).toEqual([id]);
  });
});

describe("the spans of the day", () => {
  it("are only calm before anything was done", ({ expect }) => {
    const spans = spansOf({ faultAtMs: null, rows: [] }, visitorReads(VISITS));
    expect(spans).toMatchObject({ unrelieved: null, relieved: null, mended: null });
  });

  it("have no relief while reads fail to the last", ({ expect }) => {
    const failing = VISITS.map((one) => ({ ...one, outcome: "failed" as const }));
    const spans = spansOf({ faultAtMs: FAULT_MS, rows: [] }, visitorReads(failing));
    expect(spans.relieved).toBeNull();
  });

  it("begin and end where visitors felt it, and leave out what is no read", ({ expect }) => {
    const buys = visit(RELIEVED_MS + 2_000, { errand: "buy", outcome: "failed" });
    const spans = spansOf(
      { faultAtMs: FAULT_MS, rows: [...ROWS] },
      visitorReads([...VISITS, buys]),
    );
    expect(spans.unrelieved).toEqual({ fromMs: FAULT_MS, untilMs: FAULT_MS + RELIEVED_MS });
    expect(spans.relieved).toEqual({
      fromMs: FAULT_MS + RELIEVED_MS,
      untilMs: FAULT_MS + ENDED_MS,
    });
  });
});

it("the table tells reads as they were and as they would have been", ({ expect }) => {
  const { spans } = aDay();
  const rows = readTable(spans, visitorReads(VISITS), CONTROL).rows;
  expect(rows.find(([phase]) => phase === "relieved")).toEqual([
    "relieved",
    "12",
    "10 ms",
    "10 ms",
    "0 %",
    "500 ms",
    "100 %",
  ]);
});
