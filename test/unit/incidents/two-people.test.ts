/** An act that no one person may begin: two people agree, each for themselves, to what they have seen. */
import { it } from "vitest";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { Drive, DOWN, SMALL_OUTAGE } from "../../support/incident.ts";

const STEP = { do: "turn-two-keys", with: { to: "right" } };
// oxlint-disable-next-line unicorn/no-thenable -- the playbook's own key
const SILENCE = { after: "1m", then: "apply" };

const waiting = (step: Readonly<Record<string, unknown>> = {}): Drive => {
  const incident = new Drive({
    ...SMALL_OUTAGE,
    mitigate: [{ ...STEP, do: "turn-two-keys", ...step }, ...SMALL_OUTAGE.mitigate],
  }).open();
  incident.see(DOWN);
  incident.settle();
  return incident;
};
const actId = (incident: Drive): `act_${string}` =>
  `act_${(incident.act?.id ?? "").slice("act_".length)}`;
const kinds = (incident: Drive): string[] => [...incident.pending.values()].map(({ kind }) => kind);
const agree = (incident: Drive, by: string) =>
  incident.do("approve", { leaseId: actId(incident), why: "yes" }, by);

it("is done once a second person has agreed, and the journal has both", ({ expect }) => {
  const incident = waiting();
  expect(agree(incident, "ada")).toEqual(["act.approved"]);
  expect(incident.act).toMatchObject({
    status: "waiting",
    approvedBy: ["ada"],
    isApproved: false,
  });
  expect(kinds(incident)).not.toContain("act.perform");
  expect(agree(incident, "bob")).toContain("act.performing");
  expect(kinds(incident)).toContain("act.perform");
  const who = incident.journal.filter(({ type }) => type === "act.approved");
  expect(who.map(({ actor }) => actor.id)).toEqual(["ada", "bob"]);
});

it("refuses the second word of the same person, and says why", ({ expect }) => {
  const incident = waiting();
  agree(incident, "ada");
  expect(agree(incident, "ada")).toEqual({
    reason: "same_person",
    detail:
      "ada agreed already: turn-two-keys needs 2 different people, and somebody else must agree too",
  });
  expect(incident.act).toMatchObject({ status: "waiting", approvedBy: ["ada"] });
  expect(kinds(incident)).not.toContain("act.perform");
});

it("may still be declined by anybody after the first word", ({ expect }) => {
  const incident = waiting();
  agree(incident, "ada");
  incident.do("decline", { leaseId: actId(incident), why: "not yet" }, "bob");
  expect(agree(incident, "cy")).toMatchObject({ reason: "lease_not_waiting" });
});

it("is not begun by silence, nor by a playbook that would like it at once", ({ expect }) => {
  for (const step of [{ mode: "auto" }, { on_silence: SILENCE }]) {
    const bundled = () => waiting(step);
    expect(bundled).toThrow("turn-two-keys needs 2 different people");
  }
});

it("by hand is only looked into: whoever asks has not seen yet what it would do", ({ expect }) => {
  const incident = new Drive().open();
  const asked = { actuator: "turn-two-keys", with: { to: "up" }, leaseMs: null, why: "by hand" };
  expect(incident.do("apply", asked, "ada")).toEqual(["act.proposed"]);
  incident.settle();
  expect(incident.act).toMatchObject({ status: "waiting", approvals: 2, approvedBy: [] });
  agree(incident, "ada");
  expect(agree(incident, "bob")).toContain("act.performing");
});

it("tells people how many are still asked", ({ expect }) => {
  const incident = waiting();
  agree(incident, "ada");
  const view = viewOf(incident.state, null);
  expect(view?.acts).toMatchObject([{ approvals: { needed: 2, by: ["ada"] } }]);
});
