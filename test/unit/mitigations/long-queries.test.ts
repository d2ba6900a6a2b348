import { describe, it } from "vitest";
import {
  selectVictims,
  victim,
  victimOf,
  type LongSession,
} from "../../../src/mitigations/long-queries.ts";

const aSession = (changes: Partial<LongSession> = {}): LongSession => ({
  pid: 1,
  backend_start: "2026-11-23 12:00:00.000001+00",
  since: "2026-11-23 12:00:01.000001+00",
  role: "shop",
  application: "shop",
  state: "active",
  seconds: 400,
  query: "SELECT * FROM pitches WHERE title = 'hunter2'",
  is_maintenance: false,
  may_end: true,
  ...changes,
});
const TERMS = { max: 10, excludedRoles: [], excludedApplications: [] };

describe("selectVictims", () => {
  it.for([
    ["a query of the shop", {}, null],
    ["vacuum", { is_maintenance: true }, "maintenance"],
    ["flyway", { application: "Flyway Community" }, "migration tool"],
    ["a migration by another name", { application: "shop-migrate" }, "migration tool"],
    ["a change of the schema", { query: "/* v7 */ ALTER TABLE pitches ADD x int" }, "schema"],
    ["an index", { query: "create index on pitches (title)" }, "schema"],
    ["a copy", { query: "COPY pitches TO STDOUT" }, "schema"],
    ["data in a text that looks like one", { query: "SELECT 'alter table'" }, null],
    ["an excluded role", { role: "billing" }, "billing is excluded"],
    ["an excluded application", { application: "nightly" }, "nightly is excluded"],
    ["a superuser", { may_end: false }, "pg_signal_backend"],
  ] as const)("%s", ([, changes, why], { expect }) => {
    const { victims, spared } = selectVictims([aSession(changes)], {
      ...TERMS,
      excludedRoles: ["billing"],
      excludedApplications: ["nightly"],
    });
    if (why === null) expect([victims.length, spared]).toEqual([1, []]);
    else expect([victims, spared]).toEqual([[], [{ pid: 1, why: expect.stringContaining(why) }]]);
  });

  it("takes the longest first, and no more than allowed", ({ expect }) => {
    const sessions = [5, 9, 7].map((seconds) => aSession({ pid: seconds, seconds }));
    const { victims, spared } = selectVictims(sessions, { ...TERMS, max: 2 });
    expect(victims.map(({ pid }) => pid)).toEqual([9, 7]);
    expect(spared).toEqual([{ pid: 5, why: "more than may be ended at once" }]);
  });
});

it("a victim is shown without the values in its query", ({ expect }) => {
  const shown = victimOf(aSession({ seconds: 400.4 }));
  expect(shown).toMatchObject({
    seconds: 400,
    query: "SELECT * FROM pitches WHERE title = ?",
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(victim.parse(JSON.parse(JSON.stringify(shown)))).toEqual(shown);
});
