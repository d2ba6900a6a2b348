/** What an answer in a pager means to an incident. */
import { describe, it } from "vitest";
import { PAGER_BEHIND_MS_MAX, pagerCommand } from "../../../src/incidents/pager.ts";
import { Drive, INCIDENT_ID, T0 } from "../../support/incident.ts";

const MINUTE = 60_000;
const answer = (deed: "acknowledge" | "resolve", saidAtMs: number) =>
  ({ pager: "PagerDuty", deed, saidAtMs }) as const;
const BY = "PIG 208 (PagerDuty)";

describe("an answer in a pager", () => {
  it("acknowledges, in the name that the pager gives, and nobody else is asked", ({ expect }) => {
    const incident = new Drive().open().after(MINUTE);
    expect(incident.nextWakeAtMs()).not.toBeNull();
    const done = incident.do("answer_pager", answer("acknowledge", incident.atMs - 5_000), BY);
    expect(done).toEqual(["incident.acknowledged"]);
    expect(incident.state).toMatchObject({
      acknowledgedBy: BY,
      anchors: { acknowledgedAtMs: T0 + MINUTE, respondedAtMs: T0 + MINUTE },
    });
    const later = incident.after(10 * 60 * MINUTE).do("wake", {});
    expect(later).not.toContain("incident.escalated");
  });

  it("says it once, whoever was first", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("acknowledge", {}, "ada");
    const again = incident.do("answer_pager", answer("acknowledge", incident.atMs), BY);
    expect(again).toMatchObject({ reason: "already_acknowledged" });
    expect(incident.state.acknowledgedBy).toBe("ada");
  });

  it("that resolves is somebody's answer, noted, and ends nothing", ({ expect }) => {
    const incident = new Drive().open();
    const done = incident.do("answer_pager", answer("resolve", incident.atMs), BY);
    expect(done).toEqual(["incident.acknowledged", "incident.noted"]);
    expect(incident.journal.at(-1)).toMatchObject({
      actor: { kind: "person", id: BY },
      data: { text: expect.stringContaining("Resolved in PagerDuty") },
    });
    expect(incident.state.status).not.toBe("resolved");
    const again = incident.do("answer_pager", answer("resolve", incident.atMs), BY);
    expect(again).toEqual(["incident.noted"]);
  });

  it("from before it was reopened answers nothing that was asked since", ({ expect }) => {
    const incident = new Drive().open();
    const early = incident.after(MINUTE).atMs;
    incident.do("resolve", { why: "over" });
    const late = incident.do("answer_pager", answer("acknowledge", incident.atMs), BY);
    expect(late).toMatchObject({ reason: "not_open" });
    incident.after(PAGER_BEHIND_MS_MAX + 1).do("reopen", { why: "again" });
    const stale = incident.do("answer_pager", answer("acknowledge", early), BY);
    expect(stale).toMatchObject({ reason: "not_asked" });
    expect(incident.state.acknowledgedBy).toBeNull();
    // A clock that is a little behind is no reason to keep asking.
    const said = incident.atMs - PAGER_BEHIND_MS_MAX;
    expect(incident.do("answer_pager", answer("acknowledge", said), BY)).toEqual([
      "incident.acknowledged",
    ]);
  });

  it("is one command, however often it is told", ({ expect }) => {
    const told = {
      id: "whk_1",
      incidentId: INCIDENT_ID,
      who: "PIG 208",
      ...answer("acknowledge", T0),
    };
    expect(pagerCommand(told, T0 + 1).id).toBe(pagerCommand(told, T0 + 2).id);
    expect(pagerCommand(told, T0).actor).toEqual({ kind: "person", id: BY });
  });
});
