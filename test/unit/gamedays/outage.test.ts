/** The outage gameday's declaration, and that each of its promises can be broken. */
import { describe, it } from "vitest";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import { boundariesOf, type Visit } from "../../../gamedays/measure.ts";
import { judgeOutage, type Seen } from "../../../gamedays/outage-expectations.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { everybodyIsTold } from "../../../gamedays/told-expectations.ts";
import { heardAsPromised, publicUpdates } from "../../support/heard.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("outage")).expect;

const HEARD = heardAsPromised(LIMITS.told);

const row = (seq: number, afterMs: number, type: string, data: unknown = {}): JournalRow => ({
  seq,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data,
});

const ROWS: readonly JournalRow[] = [
  row(1, 5_000, "incident.opened", { onsetAt: new Date(FAULT_MS + 1_000).toISOString() }),
  row(2, 5_000, "lease.applied"),
  row(3, 6_000, "incident.acknowledged"),
  row(4, 8_000, "lease.extended"),
  row(5, 12_000, "incident.recovery_seen"),
  row(6, 15_000, "lease.releasing", { share: 0.5 }),
  row(7, 18_000, "lease.releasing", { share: 0.2 }),
  row(8, 21_000, "lease.reverted"),
  row(8, 21_000, "checklist.ticked", { text: "Monitoring alerts cleared" }),
  row(9, 25_000, "incident.resolved"),
  row(9, 25_000, "checklist.ticked", { text: "Status page updated" }),
  row(9, 25_000, "checklist.ticked", { text: "Post-mortem scheduled" }),
];

const visit = (afterMs: number, fields: Partial<Visit>): Visit => ({
  atMs: FAULT_MS + afterMs,
  tookMs: 1,
  visitor: "one",
  errand: "read",
  outcome: "served",
  ...fields,
});

const VISITS: readonly Visit[] = [
  visit(-1_000, {}),
  visit(1_000, { outcome: "failed" }),
  visit(6_000, { outcome: "refused" }),
  visit(7_000, { outcome: "refused", errand: "browse", visitor: "two" }),
  visit(15_500, { visitor: "two" }),
  visit(15_600, { outcome: "refused" }),
  visit(24_000, {}),
];

const AFTER: NonNullable<Seen["after"]> = {
  policyEntries: [],
  openIncidents: [],
  publicUpdates: publicUpdates(LIMITS.told),
  postmortem: "## Timeline\n- [ ] ada - Find [the cause](https://shop.example)\n- [x] done",
  kpis: {
    incidents: 1,
    timeToDetect: { meanMs: 1 },
    timeToAcknowledge: { meanMs: 1 },
    timeToResolve: { meanMs: 1 },
  },
};

const status = (afterMs: number, indicator: string, component = "operational") => ({
  atMs: FAULT_MS + afterMs,
  indicator,
  components: [component],
});

/** A gameday on which all went well, but for what a test changes. */
function seen(changes: Partial<Seen> = {}): Seen {
  const rows = changes.rows ?? ROWS;
  const visits = changes.visits ?? VISITS;
  const boundaries = boundariesOf(visits, { faultAtMs: FAULT_MS, releaseAtMs: FAULT_MS + 15_000 });
  return {
    incident: "inc_1",
    rows,
    visits,
    boundaries,
    times: { ...timesIn(rows), faultAtMs: FAULT_MS, enforcedAtMs: boundaries.enforcedAtMs },
    statusSamples: [
      status(0, "none"),
      status(10_000, "critical", "major_outage"),
      status(26_000, "none"),
    ],
    heard: HEARD,
    after: AFTER,
    brokenOff: null,
    ...changes,
  };
}

const failedOf = (given: Seen): readonly string[] =>
  judgeOutage(given, LIMITS)
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);

const isItem = (data: unknown, text: string): boolean =>
  typeof data === "object" && data !== null && "text" in data && data.text === text;

const withoutRows = (...types: readonly string[]) =>
  ROWS.filter(({ type }) => !types.includes(type));

it("all promises hold when all went well", ({ expect }) => {
  expect(failedOf(seen())).toEqual([]);
});

describe("a promise is broken by", () => {
  const table: readonly { readonly what: string; readonly given: Seen; readonly id: string }[] = [
    { what: "an early end", given: seen({ brokenOff: "no incident opens" }), id: "completed" },
    {
      what: "late detection",
      given: seen({ rows: [row(1, LIMITS.detected_within + 1, "incident.opened")] }),
      id: "detected",
    },
    { what: "no detection", given: seen({ rows: withoutRows("incident.opened") }), id: "detected" },
    {
      what: "late enforcement",
      given: seen({
        visits: [visit(-1, {}), visit(LIMITS.enforced_within + 1, { outcome: "refused" })],
      }),
      id: "enforced",
    },
    {
      what: "a refusal in calm",
      given: seen({ visits: [visit(-2_000, { outcome: "refused" }), ...VISITS] }),
      id: "calm",
    },
    { what: "silence", given: seen({ heard: null }), id: "paged" },
    {
      what: "a public that hears nothing",
      given: seen({ after: { ...AFTER, publicUpdates: [] } }),
      id: "public",
    },
    {
      what: "nobody who answers",
      given: seen({ rows: withoutRows("incident.acknowledged") }),
      id: "acknowledged",
    },
    {
      what: "browsers that never got a page",
      given: seen({ visits: VISITS.filter(({ errand }) => errand !== "browse") }),
      id: "informed",
    },
    {
      what: "a lost request",
      given: seen({ visits: [...VISITS, visit(500, { outcome: "lost" })] }),
      id: "unbroken",
    },
    {
      what: "a release at once",
      given: seen({ rows: withoutRows("lease.releasing") }),
      id: "staged",
    },
    {
      what: "a stage that lets everybody in",
      given: seen({ visits: VISITS.filter(({ atMs }) => atMs !== FAULT_MS + 15_600) }),
      id: "staged",
    },
    {
      what: "a visitor who is sent out again",
      given: seen({
        visits: [...VISITS, visit(16_000, { visitor: "two", outcome: "refused" })],
      }),
      id: "sticky",
    },
    {
      what: "a lease that nobody renewed",
      given: seen({ rows: withoutRows("lease.extended") }),
      id: "lease",
    },
    {
      what: "a lease that ran out",
      given: seen({ rows: [...ROWS, row(10, 20_000, "lease.expired")] }),
      id: "lease",
    },
    {
      what: "a production that is not back",
      given: seen({ visits: [...VISITS, visit(25_000, { outcome: "failed" })] }),
      id: "afterwards",
    },
    {
      what: "an entry that stayed",
      given: seen({ after: { ...AFTER, policyEntries: [{ id: "lse_1", kind: "block" }] } }),
      id: "policy",
    },
    {
      what: "a status page that never showed it",
      given: seen({ statusSamples: [status(0, "none"), status(10_000, "minor")] }),
      id: "status",
    },
    {
      what: "a status page that stays red",
      given: seen({ statusSamples: [status(10_000, "critical")] }),
      id: "status",
    },
    {
      what: "a green status page in the middle of it",
      given: seen({
        statusSamples: [
          status(10_000, "critical", "major_outage"),
          status(15_000, "none"),
          status(26_000, "none"),
        ],
      }),
      id: "status-honest",
    },
    {
      what: "a green component while nobody knows",
      given: seen({
        statusSamples: [
          ...seen().statusSamples.slice(0, 2),
          status(1_000, "unknown"),
          status(26_000, "none"),
        ],
      }),
      id: "status-honest",
    },
    {
      what: "a placeholder",
      given: seen({ after: { ...AFTER, postmortem: "## Timeline\n- [TIME] - Detection" } }),
      id: "post-mortem",
    },
    {
      what: "a figure that is missing",
      given: seen({
        after: { ...AFTER, kpis: { ...AFTER.kpis, timeToAcknowledge: { meanMs: null } } },
      }),
      id: "kpis",
    },
    {
      what: "an alert that became an incident of its own",
      given: seen({ after: { ...AFTER, openIncidents: ["Shop is down"] } }),
      id: "one-incident",
    },
    {
      what: "alerts whose end nobody noticed",
      given: seen({ rows: ROWS.filter(({ data }) => !isItem(data, "Monitoring alerts cleared")) }),
      id: "one-incident",
    },
    {
      what: "a checklist that does not know of the status page",
      given: seen({ rows: ROWS.filter(({ data }) => !isItem(data, "Status page updated")) }),
      id: "checklist",
    },
  ];

  it.for(table)("$what", ({ given, id }, { expect }) => {
    expect(failedOf(given)).toContain(id);
  });

  it("each of them at least once", ({ expect }) => {
    // Who is told what has its own, in told.test.ts.
    const told = everybodyIsTold(seen(), LIMITS.told).map(({ id }) => id);
    const all = judgeOutage(seen(), LIMITS).map(({ id }) => id);
    const broken = new Set([...told, ...table.map(({ id }) => id)]);
    expect([...broken].toSorted()).toEqual(all.toSorted());
  });
});

it("the moments are those of this fault, though the incident was open before", ({ expect }) => {
  const reopened = [
    row(20, 4_000, "incident.reopened", { why: "it is back" }),
    row(21, 9_000, "incident.resolved"),
  ];
  expect(timesIn(reopened)).toMatchObject({
    onsetAtMs: null,
    detectedAtMs: FAULT_MS + 4_000,
    resolvedAtMs: FAULT_MS + 9_000,
  });
});
