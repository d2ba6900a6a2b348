/** The flood's gameday: who comes, and that each of its promises can be broken. */
import { describe, it } from "vitest";
import { newcomers, regulars } from "../../../gamedays/ddos-crowd.ts";
import {
  judgeDdos,
  newcomersIn,
  peopleTable,
  stepsTable,
  stoppedAtMs,
  type Seen,
} from "../../../gamedays/ddos-expectations.ts";
import { SHAPE_NAMES, SHAPES } from "../../../gamedays/ddos-shapes.ts";
import { challengeIn } from "../../../gamedays/challenge.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import type { Hit } from "../../../gamedays/flood.ts";
import type { Visit } from "../../../gamedays/measure.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { heardAsPromised, publicUpdates } from "../../support/heard.ts";
import type { Plan } from "../../../gamedays/visitors.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const { expect: LIMITS, visitors: CROWD } = await readScenario("ddos");
const SOURCE = SHAPES["one-source"].named;

const row = (seq: number, afterMs: number, type: string, data: unknown = {}): JournalRow => ({
  seq,
  type,
  v: 1,
  at: new Date(FAULT_MS + afterMs).toISOString(),
  actor: { kind: "monitor", id: "monitor" },
  cause: "test",
  data,
});
const named = (...networks: readonly string[]): JournalRow =>
  row(2, 9_000, "lease.selected", {
    leaseId: "lse_1",
    with: { difficulty: 15, networks },
    says: `${networks.join(", ")}: 98 % of what comes on top of the usual`,
  });
const PROPOSED = row(1, 8_000, "lease.proposed", {
  leaseId: "lse_1",
  actuator: "challenge-suspicious",
});
const OPENED = row(1, 8_000, "incident.opened", {
  onsetAt: new Date(FAULT_MS + 3_000).toISOString(),
});
const APPLIED = row(3, 10_000, "lease.applied", { leaseId: "lse_1" });
const REVERTED = row(4, 40_000, "lease.reverted", { leaseId: "lse_1" });
const ROWS: JournalRow[] = [OPENED, PROPOSED, named(SOURCE), APPLIED, REVERTED];

const hit = (afterMs: number, outcome: Hit["outcome"]): Hit => ({
  atMs: FAULT_MS + afterMs,
  outcome,
});
const visit = (outcome: Visit["outcome"], changes: Partial<Visit> = {}): Visit => ({
  atMs: FAULT_MS + 1_000,
  tookMs: 20,
  visitor: "198.51.100.1",
  errand: "read",
  outcome,
  ...changes,
});
/** Twenty people, of whom the first was challenged and met it. */
const NEW_VISITS: readonly Visit[] = Array.from({ length: 40 }, (_, n) =>
  visit("served", { visitor: `new ${n % 20}`, atMs: FAULT_MS + 100 * n, wasChallenged: n === 0 }),
);

const AFTER: NonNullable<Seen["after"]> = {
  policyEntries: [],
  postmortem: `## Timeline\n${SOURCE}`,
  publicUpdates: publicUpdates(LIMITS.told),
  openIncidents: [],
};

const lookalike = (changes: Partial<NonNullable<Seen["lookalikes"]>[number]> = {}) => ({
  atMs: FAULT_MS + 12_000,
  wasChallenged: true,
  isThrough: true,
  tookMs: 900,
  ...changes,
});
const LOOKALIKES = Array.from({ length: 20 }, () => lookalike());

const GOOD_SHAPE: Seen["shape"] = { named: SOURCE, shots: null, requestsPerSecond: 0.2 };
const GOOD: Seen = {
  faultAtMs: FAULT_MS,
  overAtMs: FAULT_MS + 20_000,
  incident: "inc_1",
  rows: ROWS,
  startedAtMs: FAULT_MS - 30_000,
  shape: GOOD_SHAPE,
  visits: [visit("served"), visit("served", { wasChallenged: true, visitor: "203.0.113.1" })],
  newVisits: NEW_VISITS,
  lookalikes: LOOKALIKES,
  times: { ...timesIn(ROWS), faultAtMs: FAULT_MS, enforcedAtMs: FAULT_MS + 11_000 },
  hits: [hit(0, "reached"), hit(1_000, "lost"), hit(11_000, "stopped"), hit(15_000, "stopped")],
  heard: heardAsPromised(LIMITS.told),
  after: AFTER,
  brokenOff: null,
};

const brokenIn = (changes: Partial<Seen>): readonly string[] =>
  judgeDdos({ ...GOOD, ...changes }, LIMITS).flatMap(({ id, ok }) => (ok ? [] : [id]));

describe("the flood's gameday", () => {
  it("is content with what it promises", ({ expect }) => {
    expect(brokenIn({})).toEqual([]);
    expect(stoppedAtMs(GOOD.hits)).toBe(FAULT_MS + 11_000);
  });

  it.for<readonly [string, string, Partial<Seen>]>([
    ["completed", "breaking off", { brokenOff: "no incident" }],
    ["detected", "no incident", { times: { ...GOOD.times, detectedAtMs: null } }],
    [
      "stopped-first",
      "a guard that is late",
      { times: { ...GOOD.times, enforcedAtMs: FAULT_MS + 60_000 } },
    ],
    [
      "flood-stopped",
      "a flood that gets through",
      { hits: [...GOOD.hits, hit(16_000, "reached")] },
    ],
    [
      "flood-stopped",
      "one that gets no answer, and may have got through",
      { hits: [...GOOD.hits, hit(16_000, "lost")] },
    ],
    [
      "flood-stopped",
      "a flood that ended before it was stopped",
      { hits: GOOD.hits.map((one) => ({ ...one, outcome: "reached" })) },
    ],
    [
      "narrowest",
      "a visitor named beside it",
      { rows: ROWS.with(2, named(SOURCE, "198.51.100.1")) },
    ],
    ["narrowest", "its whole network", { rows: ROWS.with(2, named("203.0.113.0/24")) }],
    ["narrowest", "nobody named", { rows: ROWS.toSpliced(2, 1) }],
    ["known-clients", "a visitor refused", { visits: [visit("refused"), visit("served")] }],
    ["known-clients", "no visitor at all", { visits: [] }],
    [
      "known-clients",
      "one who was challenged in vain",
      { visits: [visit("broken", { wasChallenged: true })] },
    ],
    ["flood", "one that is too slow", { shape: { ...GOOD_SHAPE, requestsPerSecond: 1 } }],
    ["flood", "one of which not all was sent", { shape: { ...GOOD_SHAPE, shots: 6 } }],
    [
      "newcomers-blocked",
      "one of them turned away",
      { newVisits: NEW_VISITS.with(9, visit("broken", { visitor: "new 9" })) },
    ],
    [
      "newcomers-challenged",
      "two of twenty challenged",
      {
        newVisits: NEW_VISITS.with(9, visit("served", { visitor: "new 9", wasChallenged: true })),
      },
    ],
    [
      "newcomers-through",
      "one who was challenged in vain",
      {
        newVisits: NEW_VISITS.with(0, visit("broken", { visitor: "new 0", wasChallenged: true })),
      },
    ],
    [
      "lookalikes-through",
      "one who looks like the attackers and is not asked",
      { lookalikes: LOOKALIKES.with(0, lookalike({ wasChallenged: false })) },
    ],
    [
      "lookalikes-through",
      "two of twenty who are asked in vain",
      {
        lookalikes: LOOKALIKES.with(0, lookalike({ isThrough: false })).with(
          1,
          lookalike({ isThrough: false }),
        ),
      },
    ],
    ["public", "a public that hears of no end", { after: { ...AFTER, publicUpdates: [] } }],
    [
      "taken-back",
      "an entry left behind",
      { after: { ...AFTER, policyEntries: [{ id: "lse_1", kind: "block" }] } },
    ],
    ["taken-back", "a lease left behind", { rows: ROWS.slice(0, -1) }],
    [
      "post-mortem",
      "a placeholder",
      { after: { ...AFTER, postmortem: `## Timeline\n[who] ${SOURCE}` } },
    ],
    ["told", "a post-mortem without it", { after: { ...AFTER, postmortem: "## Timeline" } }],
  ])("%s is broken by %s", ([id, , changes], { expect }) => {
    expect(brokenIn(changes)).toEqual([id]);
  });
});

describe("what is told of it", () => {
  it("counts as new who came first while it went on", ({ expect }) => {
    const early = visit("served", { visitor: "new 7", atMs: FAULT_MS - 1 });
    const late = visit("served", { visitor: "new 99", atMs: FAULT_MS + 20_000 });
    expect(newcomersIn({ ...GOOD, newVisits: [...NEW_VISITS, early, late] })).toHaveLength(19);
    expect(newcomersIn({ ...GOOD, overAtMs: null })).toHaveLength(20);
  });

  it("says of known and new people how many were asked and turned away", ({ expect }) => {
    expect(peopleTable(GOOD).rows).toEqual([
      ["known", "2", "1", "1", "0"],
      ["never seen before", "20", "1", "1", "0"],
    ]);
  });

  it("says what was done, about whom, and when it was taken back", ({ expect }) => {
    expect(stepsTable(GOOD).rows).toEqual([["challenge-suspicious", SOURCE, "10.0 s", "40.0 s"]]);
    const [row] = stepsTable({ ...GOOD, rows: [OPENED, PROPOSED] }).rows;
    expect(row).toEqual(["challenge-suspicious", "nobody", "never", "never"]);
  });
});

describe("who comes", () => {
  const addressesOf = (plan: Plan, requests: number): readonly string[] =>
    Array.from({ length: requests }, (_, n) => plan(n).headers["CF-Connecting-IP"] ?? "");
  const networkOf = (address: string) => address.slice(0, address.lastIndexOf("."));
  const known = addressesOf(regulars(CROWD.count), CROWD.count);

  it.for(SHAPE_NAMES)(
    "has regulars beside the attackers of %s, but for what names them",
    (name, { expect }) => {
      const shots = Array.from({ length: 10_000 }, (_, n) => SHAPES[name].shotOf(n));
      const attackers = new Set(shots.map(({ client }) => client.address));
      const networks = new Set([...attackers].map(networkOf));
      const newcomersKnown = addressesOf(newcomers, 1_000);
      expect([...known, ...newcomersKnown].some((address) => attackers.has(address))).toBe(false);
      expect(
        [...known, ...newcomersKnown].some((address) => networks.has(networkOf(address))),
      ).toBe(true);
      const cf = JSON.parse(regulars(CROWD.count)(0).headers["MF-CF-Blob"] ?? "");
      for (const { client } of shots.slice(0, 100)) {
        expect(client).toMatchObject({ asn: cf.asn, country: cf.country });
        expect(client.userAgent).toBe(regulars(CROWD.count)(0).headers["User-Agent"]);
      }
    },
  );

  it("sends ten thousand addresses once each", ({ expect }) => {
    const { shots, shotOf } = SHAPES.distributed;
    const addresses = Array.from({ length: shots }, (_, n) => shotOf(n).client.address);
    expect(new Set(addresses).size).toBe(10_000);
    expect(addresses.every((address) => /^(\d{1,3}\.){3}\d{1,3}$/.test(address))).toBe(true);
  });

  it("asks for another page each time, where no cache shall answer", ({ expect }) => {
    const paths = Array.from({ length: 3_000 }, (_, n) => SHAPES["cache-busting"].shotOf(n).path);
    expect(new Set(paths).size).toBe(3_000);
    expect(paths.every((path) => /^\/pitches\/\d+\?v=/.test(path))).toBe(true);
  });

  it("has a hundred people behind two addresses, and three homes in the network that attacks", ({
    expect,
  }) => {
    const each = Map.groupBy(known, (address) => address);
    const sizes = [...each.values()].map(({ length }) => length).toSorted((a, b) => b - a);
    expect(sizes.slice(0, 3)).toEqual([50, 50, 1]);
    const neighbours = known.filter((address) => address.startsWith("203.0.113."));
    expect(neighbours).toHaveLength(3);
  });

  it("brings two new people at a time, one in thirty of them from that network", ({ expect }) => {
    const visits = Array.from({ length: 120 }, (_, n) => newcomers(n));
    const people = Map.groupBy(visits, ({ visitor }) => visitor);
    expect(people.size).toBe(60);
    expect([...people.values()].every((own) => own.length === 2)).toBe(true);
    const addresses = new Set(visits.map(({ headers }) => headers["CF-Connecting-IP"]));
    expect([...addresses].filter((one) => one?.startsWith("203.0.113."))).toHaveLength(2);
  });
});

describe("a challenge", () => {
  it.for([
    [
      "a page",
      '<form id="challenge" action="/_firebreak/challenge/redeem" data-difficulty="15">',
      15,
    ],
    ["a problem", '{"puzzle":"/_firebreak/challenge/puzzle?difficulty=12"}', 12],
    ["another problem", '{"type":"/_firebreak/problems/block-networks"}', null],
    ["a page of the site", "<h1>Pitches</h1>", null],
  ] as const)("is known by %s", ([, body, difficulty], { expect }) => {
    expect(challengeIn(body)).toBe(difficulty);
  });
});
