/** One test per arrow of the mission's flow chart. */
import { describe, it } from "vitest";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const PAGER: ConstructorParameters<typeof Drive>[1] = [
  { id: "pager", severities: ["SEV-1", "SEV-2"] },
];

describe("the incident response flow", () => {
  it("A → B: a detected incident is assessed", ({ expect }) => {
    const incident = new Drive().open();
    expect(statuses(incident)).toEqual(["detected → triaged", "triaged → investigating"]);
    expect(incident.state.severity).toBe("SEV-2");
  });

  it("B → C: SEV-1/2 pages on-call", ({ expect }) => {
    expect(messages(new Drive(SMALL_OUTAGE, PAGER).open())).toEqual(["opened"]);
  });

  it("B → D: SEV-3/4 wakes nobody", ({ expect }) => {
    const minor = { ...SMALL_OUTAGE, severity: { base: "SEV-3", raise: [] } };
    expect(messages(new Drive(minor, PAGER).open())).toEqual([]);
  });

  it("C → E: a commander takes the lead", ({ expect }) => {
    const incident = new Drive().open();
    incident.after(60 * SECOND).do("take_lead", { lead: "grace" });
    expect(incident.state.lead).toBe("grace");
    expect(incident.state.anchors.respondedAtMs).toBe(incident.atMs);
  });

  it("F → G: the root cause is investigated from the start", ({ expect }) => {
    const curious = { ...SMALL_OUTAGE, investigate: [{ collect: "cloudflare-status" }] };
    const incident = new Drive(curious).open();
    expect([...incident.pending.values()].map(({ kind }) => kind)).toEqual(["evidence.collect"]);
    expect(incident.settle()).toEqual(["evidence.collected"]);
  });

  it("G → H, H → I: what can be mitigated is mitigated", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    expect(incident.state.status).toBe("mitigating");
    expect(incident.lease?.actuator).toBe("maintenance-mode");
  });

  it("H → J: what cannot be mitigated is escalated", ({ expect }) => {
    const helpless = { ...SMALL_OUTAGE, mitigate: [] };
    expect(new Drive(helpless).open().see(DOWN)).toContain("incident.escalated");
  });

  it("I → K: an applied mitigation is monitored", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.settle();
    expect(incident.state.status).toBe("monitoring");
  });

  it("K → L, L → G: not recovered within the step's window is investigated again", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.settle();
    incident.after(30 * SECOND).see(DOWN);
    expect(incident.state.status).toBe("investigating");
    expect(statuses(incident).at(-1)).toBe("monitoring → investigating");
  });

  it("L → M: what has recovered and stayed well is resolved, and its post-mortem drafted", ({
    expect,
  }) => {
    const incident = new Drive().open();
    incident.see(WELL);
    incident.after(60 * SECOND).see(WELL);
    expect(incident.state.status).toBe("resolved");
    expect(incident.state.postmortem).toBe("drafted");
  });

  it("N → I: a mitigation applied by hand re-enters at mitigating", ({ expect }) => {
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [] }).open();
    incident.see(DOWN);
    incident.do("apply", {
      actuator: "maintenance-mode",
      with: {},
      leaseMs: 600_000,
      why: "the supplier asked us to",
    });
    expect(incident.state.status).toBe("mitigating");
    incident.settle();
    incident.after(10 * SECOND).see(ENFORCED);
    expect(incident.state.status).toBe("monitoring");
  });
});

const rowsOf = (incident: Drive, type: string): readonly Record<string, unknown>[] =>
  incident.journal
    .filter((row) => row.type === type)
    .map((row) => row.data as Record<string, unknown>);

const statuses = (incident: Drive): string[] =>
  rowsOf(incident, "incident.status_changed").map(
    ({ from, to }) => `${String(from)} → ${String(to)}`,
  );

const messages = (incident: Drive): unknown[] =>
  rowsOf(incident, "message.requested").map(({ why }) => why);
