import { it } from "vitest";
import { narrate } from "../../../gamedays/narrate.ts";
import { EVENT_DATA } from "../../../src/incidents/journal.ts";

const rowOf = (type: string, data: unknown) => ({
  seq: 1,
  type,
  v: 1,
  at: "2026-11-23T14:00:00.000Z",
  actor: { kind: "firebreak", id: "firebreak" },
  cause: "test",
  data,
});

const ROWS = [
  {
    type: "incident.opened",
    data: { title: "Outage", severity: "SEV-1" },
    says: "incident opened: Outage, SEV-1",
  },
  { type: "incident.acknowledged", data: {}, says: "acknowledged" },
  {
    type: "incident.status_changed",
    data: { from: "triaged", to: "investigating", why: "evidence" },
    says: "investigating: evidence",
  },
  {
    type: "rule.changed",
    data: { rule: "probes", from: { status: "pending" }, to: { status: "firing" } },
    says: "rule probes: firing",
  },
  {
    type: "lease.releasing",
    data: { share: 0.2, why: "held" },
    says: "80 % of visitors let back in: held",
  },
  { type: "incident.recovery_seen", data: { readings: [] }, says: "recovery seen" },
] as const;

it.for(ROWS)("$type", ({ type, data, says }, { expect }) => {
  expect(narrate(rowOf(type, data))).toBe(says);
});

it("says nothing of what would be noise, nor of what it does not know", ({ expect }) => {
  expect(narrate(rowOf("message.delivered", {}))).toBeNull();
  expect(narrate(rowOf("something.new", {}))).toBeNull();
});

it("what it says are events of the journal", ({ expect }) => {
  for (const { type } of ROWS) expect(EVENT_DATA).toHaveProperty([type]);
});
