/** The flood's gameday: its declaration, and that each of its promises can be broken. */
import { describe, it } from "vitest";
import { judgeDdos, SOURCE, stoppedAtMs, type Seen } from "../../../gamedays/ddos-expectations.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import { timesIn } from "../../../gamedays/journal.ts";
import type { Shot } from "../../../gamedays/flood.ts";
import type { Visit } from "../../../gamedays/measure.ts";
import { readScenario } from "../../../gamedays/scenario.ts";

const FAULT_MS = Date.parse("2026-11-23T14:00:10Z");
const LIMITS = (await readScenario("ddos")).expect;

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
  row(2, 9_000, "lease.selected", { with: { difficulty: 15, networks } });
const OPENED = row(1, 8_000, "incident.opened", {
  onsetAt: new Date(FAULT_MS + 3_000).toISOString(),
});
const APPLIED = row(3, 10_000, "lease.applied");
const REVERTED = row(4, 40_000, "lease.reverted");
const PAGED = row(1, 8_000, "message.requested", { channel: "pager", message: "opened" });
const ENDED = row(9, 50_000, "message.requested", { channel: "pager", message: "resolved" });
const ROWS: JournalRow[] = [OPENED, named(SOURCE), PAGED, APPLIED, REVERTED];

const shot = (afterMs: number, outcome: Shot["outcome"]): Shot => ({
  atMs: FAULT_MS + afterMs,
  outcome,
});
const visit = (outcome: Visit["outcome"]): Visit => ({
  atMs: FAULT_MS,
  tookMs: 20,
  visitor: "198.51.100.1",
  errand: "read",
  outcome,
});

const AFTER: NonNullable<Seen["after"]> = {
  policyEntries: [],
  postmortem: `## Timeline\n${SOURCE}`,
  publicStatuses: ["investigating", "resolved"],
};

const GOOD: Seen = {
  faultAtMs: FAULT_MS,
  overAtMs: FAULT_MS + 20_000,
  incident: "inc_1",
  rows: ROWS,
  visits: [visit("served")],
  times: { ...timesIn(ROWS), faultAtMs: FAULT_MS, enforcedAtMs: FAULT_MS + 11_000 },
  shots: [shot(0, "reached"), shot(11_000, "stopped"), shot(15_000, "stopped")],
  pager: {
    pages: [
      {
        id: "msg_1",
        firstAtMs: FAULT_MS + 8_500,
        deliveries: 1,
        payload: { data: { incident: "inc_1", message: "opened", subject: "a flood" } },
      },
    ],
    refused: 0,
  },
  after: AFTER,
  brokenOff: null,
};

const brokenIn = (changes: Partial<Seen>): readonly string[] =>
  judgeDdos({ ...GOOD, ...changes }, LIMITS).flatMap(({ id, ok }) => (ok ? [] : [id]));

describe("the flood's gameday", () => {
  it("is content with what it promises", ({ expect }) => {
    expect(brokenIn({})).toEqual([]);
    expect(stoppedAtMs(GOOD.shots)).toBe(FAULT_MS + 11_000);
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
      { shots: [...GOOD.shots, shot(16_000, "reached")] },
    ],
    ["flood-stopped", "a flood that ended before it was stopped", { shots: [shot(0, "reached")] }],
    [
      "narrowest",
      "a visitor named beside it",
      { rows: ROWS.with(1, named(SOURCE, "198.51.100.1")) },
    ],
    ["narrowest", "its whole network", { rows: ROWS.with(1, named("203.0.113.0/24")) }],
    ["narrowest", "nobody named", { rows: ROWS.toSpliced(1, 1) }],
    ["known-clients", "a visitor refused", { visits: [visit("refused"), visit("served")] }],
    ["known-clients", "no visitor at all", { visits: [] }],
    ["paged", "a page of another incident", { incident: "inc_2" }],
    ["paged", "a message that never came", { rows: [...ROWS, ENDED] }],
    [
      "public",
      "a public that hears of no end",
      { after: { ...AFTER, publicStatuses: ["investigating"] } },
    ],
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
