import { describe, it } from "vitest";
import { USUAL_ESCALATION } from "../../../src/incidents/escalation.ts";
import { UPDATES_MAX } from "../../../src/incidents/public.ts";
import { Drive, DOWN, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** The response time of SEV-2. */
const RESPONSE = 30 * MINUTE;

const escalations = (incident: Drive): number =>
  incident.journal.filter((row) => row.type === "incident.escalated").length;

/** Wakes it whenever it asks to be, until it no longer does. */
function aloneUntilQuiet(incident: Drive): void {
  for (let wake = 0; wake < 20; wake += 1) {
    const wakeAtMs = incident.nextWakeAtMs();
    if (wakeAtMs === null) return;
    incident.atMs = Math.max(incident.atMs, wakeAtMs);
    incident.do("wake", {});
  }
  throw new Error("it never becomes quiet");
}

describe("silence", () => {
  it("escalates so many times and no more", ({ expect }) => {
    const incident = new Drive().open();
    aloneUntilQuiet(incident);
    expect(escalations(incident)).toBe(1 + USUAL_ESCALATION.repeat);
  });

  it("does not escalate several times at once when the alarm comes hours late", ({ expect }) => {
    const incident = new Drive().open();
    incident.after(10 * RESPONSE).do("wake", {});
    incident.do("wake", {});
    expect(escalations(incident)).toBe(1);
    expect(incident.nextWakeAtMs()).toBe(incident.atMs + RESPONSE);
  });

  it("counts anew when the incident opens again, whoever acknowledged it the first time", ({
    expect,
  }) => {
    const incident = new Drive().open();
    incident.do("acknowledge", {});
    incident.after(10 * RESPONSE).do("resolve", { why: "over" });
    incident.after(MINUTE).do("reopen", { why: "it was not" });
    expect(incident.do("wake", {})).toEqual([]);
    expect(incident.after(RESPONSE - 1).do("wake", {})).toEqual([]);
    expect(incident.after(1).do("wake", {})).toEqual(["incident.escalated"]);
    expect(incident.do("acknowledge", {})).toEqual(["incident.acknowledged"]);
  });

  it("keeps the first acknowledgement as the one that was measured", ({ expect }) => {
    const incident = new Drive().open();
    incident.after(MINUTE).do("acknowledge", {});
    const first = incident.atMs;
    incident.do("resolve", { why: "over" });
    incident.do("reopen", { why: "it was not" });
    incident.after(MINUTE).do("acknowledge", {});
    expect(incident.state.anchors.acknowledgedAtMs).toBe(first);
  });
});

describe("severity", () => {
  it("is raised by the playbook once; then a person's word stands", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    expect(incident.state.severity).toBe("SEV-1");
    incident.do("set_severity", { severity: "SEV-3", why: "only the staging shop" });
    incident.after(SECOND).see(DOWN);
    expect(incident.state.severity).toBe("SEV-3");
  });

  it("is raised again after a reopening", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.do("set_severity", { severity: "SEV-3", why: "" });
    incident.do("resolve", { why: "over" });
    incident.do("reopen", { why: "it was not" });
    incident.after(SECOND).see(DOWN);
    expect(incident.state.severity).toBe("SEV-1");
  });

  it("is never lowered by what is seen", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("set_severity", { severity: "SEV-1", why: "the whole shop" });
    incident.after(SECOND).see(WELL);
    expect(incident.state.severity).toBe("SEV-1");
  });
});

describe("time", () => {
  it("running backwards ends and begins nothing", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.settle();
    const before = incident.state;
    expect(incident.after(-60 * MINUTE).see(DOWN)).toEqual([]);
    expect(incident.do("wake", {})).toEqual([]);
    expect(incident.state).toEqual(before);
  });
});

describe("a reopening", () => {
  const patient = {
    ...SMALL_OUTAGE,
    detect: {
      trigger: "any",
      rules: SMALL_OUTAGE.detect.rules.map((rule) => ({ ...rule, for: "30s" })),
    },
  };
  const resolved = (): Drive => {
    const incident = new Drive(patient).open();
    incident.after(MINUTE).see(WELL);
    incident.do("resolve", { why: "over" });
    return incident.after(MINUTE);
  };

  it("does not wait a second time for what the monitor has waited for", ({ expect }) => {
    const incident = resolved();
    const firing = { status: "firing", sinceMs: incident.atMs - 30 * SECOND } as const;
    incident.do("reopen", { why: "again", rules: { probes: firing, errors: firing } });
    expect(incident.after(SECOND).see(DOWN)).toContain("lease.applying");
  });

  it("by a person begins with the rules as they were left", ({ expect }) => {
    const incident = resolved();
    incident.do("reopen", { why: "I do not trust it" });
    expect(incident.state.rules).toMatchObject({ probes: { status: "inactive" } });
  });

  it("begins the ladder anew, whatever was taken back the first time", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.settle();
    incident.do("release_all", { why: "it is no outage" });
    incident.settle();
    expect(incident.after(SECOND).see(DOWN)).toContain("incident.escalated");
    incident.do("resolve", { why: "over" });
    incident.do("reopen", { why: "it is one after all" });
    expect(incident.after(SECOND).see(DOWN)).toContain("lease.applying");
  });

  it("takes no rule that is not its own: nothing would ever clear it", ({ expect }) => {
    const incident = resolved();
    const rules = { of_a_later_playbook: { status: "firing", sinceMs: 1 } } as const;
    incident.do("reopen", { why: "again", rules });
    expect(incident.state.rules).not.toHaveProperty("of_a_later_playbook");
  });
});

describe("an update for the public", () => {
  it("is kept with what the incident's own progress says", ({ expect }) => {
    const incident = new Drive().open();
    expect(
      incident.do("publish", { message: "Orders are slow.", status: null, component: "shop" }),
    ).toEqual(["status.published"]);
    incident.after(MINUTE).do("resolve", { why: "over" });
    expect(incident.state.updates).toMatchObject([
      { status: "investigating", message: null },
      { status: "investigating", message: "Orders are slow.", component: "shop" },
      { status: "resolved", message: null },
    ]);
  });

  it("stands against a status that means the same as the one before", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("publish", { message: "It is the disk.", status: "identified", component: null });
    incident.see(DOWN);
    expect(incident.state.updates.at(-1)).toMatchObject({ status: "identified" });
  });

  it("is refused where it says that what is over goes on", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("resolve", { why: "over" });
    const data = { message: "It goes on.", component: null } as const;
    expect(incident.do("publish", { ...data, status: "monitoring" })).toMatchObject({
      reason: "not_open",
    });
    expect(incident.do("publish", { ...data, status: null })).toEqual(["status.published"]);
    expect(incident.state.updates.at(-1)).toMatchObject({ status: "resolved" });
  });

  it("is refused with what nobody should read in public", ({ expect }) => {
    const incident = new Drive().open();
    const data = { message: "db-7.internal is down", status: null, component: null };
    expect(incident.do("publish", data)).toMatchObject({
      reason: "not_public",
      detail: expect.stringContaining("an internal name"),
    });
  });

  it("are kept so many and no more, the first among them", ({ expect }) => {
    const incident = new Drive().open();
    for (let n = 0; n < UPDATES_MAX + 5; n += 1) {
      incident.do("publish", { message: `Update ${n}.`, status: null, component: null });
    }
    expect(incident.state.updates).toHaveLength(UPDATES_MAX);
    expect(incident.state.updates[0]).toMatchObject({ seq: 1 });
    expect(incident.state.updates.at(-1)).toMatchObject({ message: `Update ${UPDATES_MAX + 4}.` });
  });
});
