/** What belongs to an incident, and handing it over. */
import { describe, it } from "vitest";
import { LINKS_MAX } from "../../../src/incidents/links.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { renderPostmortem } from "../../../src/postmortem/postmortem.ts";
import { Drive, INCIDENT_ID, SMALL_OUTAGE } from "../../support/incident.ts";

const CHANNELS = [
  { id: "pager", severities: ["SEV-1" as const, "SEV-2" as const] },
  { id: "tickets", severities: ["SEV-3" as const, "SEV-4" as const] },
];
const drive = (): Drive => new Drive(SMALL_OUTAGE, CHANNELS).open();
const TICKET = {
  kind: "ticket",
  target: "https://tracker.example/OPS-1",
  says: "The disk",
} as const;

const lastBody = (incident: Drive): string => {
  const row = incident.journal.findLast(({ type }) => type === "message.requested");
  return (row?.data as { body?: string } | undefined)?.body ?? "";
};

describe("a link", () => {
  it("stands in the view, in each message and in the post-mortem, once, until it is taken back", ({
    expect,
  }) => {
    const incident = drive();
    expect(incident.do("link", { ...TICKET, why: "it is the same" })).toEqual(["incident.linked"]);
    expect(incident.do("link", { ...TICKET, why: "again" })).toEqual([]);
    expect(viewOf(incident.state, null)?.links).toEqual([TICKET]);
    incident.do("acknowledge", {});
    expect(lastBody(incident)).toContain(
      "What belongs to it:\n- Ticket https://tracker.example/OPS-1: The disk",
    );
    expect(renderPostmortem(incident.journal, { nowMs: incident.atMs })).toContain(
      "- Belongs to it: ticket https://tracker.example/OPS-1, The disk",
    );
    incident.do("resolve", { why: "over" });
    expect(incident.do("unlink", { target: TICKET.target, why: "" })).toEqual([
      "incident.unlinked",
    ]);
    expect(viewOf(incident.state, null)?.links).toBeUndefined();
    expect(incident.do("unlink", { target: TICKET.target, why: "" })).toMatchObject({
      reason: "unknown_link",
    });
  });

  it("is never to itself, and one of a bounded number", ({ expect }) => {
    const incident = drive();
    const self = { kind: "incident", target: INCIDENT_ID, says: "", why: "" } as const;
    expect(incident.do("link", self)).toMatchObject({ reason: "unknown_link" });
    for (let n = 0; n < LINKS_MAX; n += 1) {
      incident.do("link", { ...TICKET, target: `https://tracker.example/OPS-${n}`, why: "" });
    }
    const more = { ...TICKET, target: "https://tracker.example/OPS-more", why: "" };
    expect(incident.do("link", more)).toMatchObject({ reason: "limit_reached" });
  });

  it("is what a tracker made, so that whoever is paged by a raise reads where the ticket is", ({
    expect,
  }) => {
    const incident = drive();
    incident.do("set_severity", { severity: "SEV-3", why: "small" });
    incident.settle({ ok: true, value: { status: 201, ref: "1", url: TICKET.target } });
    incident.do("set_severity", { severity: "SEV-1", why: "everybody is hit" });
    const raised = incident.journal
      .filter(({ type }) => type === "message.requested")
      .findLast(({ data }) => (data as { channel: string }).channel === "pager");
    expect(raised?.data).toMatchObject({
      why: "severity_raised",
      body: expect.stringContaining(`Ticket ${TICKET.target}: tickets`),
    });
  });

  it("of a tracker that a person linked as well is one", ({ expect }) => {
    const incident = drive();
    incident.do("link", { ...TICKET, why: "" });
    incident.settle({ ok: true, value: { status: 201, ref: "1", url: TICKET.target } });
    expect(viewOf(incident.state, null)?.links).toEqual([TICKET]);
  });
});

describe("a hand-over", () => {
  it("tells everybody who leads now, and what they must know", ({ expect }) => {
    const incident = drive();
    const handed = { to: "grace", note: "the replica is being rebuilt" };
    expect(incident.do("hand_over", handed)).toMatchObject({ reason: "not_led" });
    incident.do("take_lead", { lead: "ada" });
    expect(incident.do("hand_over", handed)).toEqual(["incident.lead_taken", "message.requested"]);
    expect(incident.state.lead).toBe("grace");
    expect(lastBody(incident)).toContain(
      "grace leads now, instead of ada: the replica is being rebuilt.",
    );
    expect(incident.do("hand_over", handed)).toEqual([]);
  });
});
