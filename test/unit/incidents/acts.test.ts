/** Acts: done once, never taken back, and asked for first unless the playbook says that they are safe. */
import { describe, it } from "vitest";
import { SETTLES_MS } from "../../../src/incidents/stages/acts.ts";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const STEP = { do: "throw-switch", with: { to: "right" } };
const afterMinute = (silence: "apply" | "decline") =>
  // oxlint-disable-next-line unicorn/no-thenable -- the playbook's own key
  ({ after: "1m", then: silence });
const EXPECT = { that: "probe.around_success_ratio > 0.9", within: "30s" };
const PAGER: ConstructorParameters<typeof Drive>[1] = [
  { id: "pager", severities: ["SEV-1", "SEV-2"] },
];

/** The small outage with an act in front of its maintenance. */
const ladder = (step: Readonly<Record<string, unknown>>) => ({
  ...SMALL_OUTAGE,
  mitigate: [{ ...STEP, ...step }, ...SMALL_OUTAGE.mitigate],
});
const drive = (step: Readonly<Record<string, unknown>>): Drive =>
  new Drive(ladder(step), PAGER).open();
const actId = (incident: Drive): `act_${string}` =>
  `act_${(incident.act?.id ?? "").slice("act_".length)}`;
const kinds = (incident: Drive): string[] => [...incident.pending.values()].map(({ kind }) => kind);
const messages = (incident: Drive): unknown[] =>
  incident.journal
    .filter(({ type }) => type === "message.requested")
    .map(({ data }) => (data as { why: string }).why);
const refuse = (detail: string, more: object = {}) =>
  ({ ok: false, failure: { class: "refuse", detail, ...more } }) as const;

describe("an act that mends nothing", () => {
  it("is done beside the ladder: it counts as no mitigation, and nobody hears that it helped", ({
    expect,
  }) => {
    const incident = drive({ do: "keep-copy", mode: "auto" });
    incident.see(DOWN);
    expect(incident.lease?.actuator).toBe("maintenance-mode");
    incident.settle();
    incident.settle();
    expect(incident.act).toMatchObject({ status: "performed", beside: true });
    expect(incident.after(SECOND).see(DOWN)).not.toContain("act.effective");
    expect(messages(incident)).not.toContain("mitigated");
    expect(incident.state.acts).toHaveLength(1);
  });

  it("alone leaves the incident unmitigated", ({ expect }) => {
    const incident = new Drive(
      { ...SMALL_OUTAGE, mitigate: [{ ...STEP, do: "keep-copy", mode: "auto" }] },
      PAGER,
    ).open();
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    expect(incident.state).toMatchObject({
      status: "investigating",
      anchors: { mitigatedAtMs: null },
    });
  });

  it("is only rehearsed in shadow", ({ expect }) => {
    const incident = drive({ do: "keep-copy", mode: "auto" });
    incident.see(DOWN, "shadow");
    incident.settle();
    expect(incident.act).toMatchObject({ status: "rehearsed", shadow: true });
  });
});

describe("an act of the ladder", () => {
  it("is only looked into until a person says yes, when its playbook says nothing", ({
    expect,
  }) => {
    const incident = drive({});
    incident.see(DOWN);
    expect(kinds(incident)).toContain("act.judge");
    incident.settle();
    expect(incident.act).toMatchObject({ status: "waiting", mode: "approve", says: "throw it" });
    expect(messages(incident)).toContain("approval_needed");
    expect(kinds(incident)).not.toContain("act.perform");
    incident.do("approve", { leaseId: actId(incident), why: "yes" });
    expect(kinds(incident)).toContain("act.perform");
    incident.settle();
    expect(incident.act).toMatchObject({ status: "performed", says: "threw it" });
  });

  it("is done without asking when its playbook says auto", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    expect(incident.settle()).toContain("act.performing");
    expect(incident.settle()).toContain("act.performed");
    expect(incident.state.status).toBe("monitoring");
    expect(incident.state.anchors.mitigatedAtMs).toBe(incident.atMs);
  });

  it("is not done any more when production recovered while it was looked into", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.after(SECOND).see(WELL);
    incident.settle();
    expect(incident.act).toMatchObject({ status: "declined" });
  });

  it("cannot be agreed to before it is known what it would do", ({ expect }) => {
    const incident = drive({});
    incident.see(DOWN);
    expect(incident.do("approve", { leaseId: actId(incident), why: "" })).toMatchObject({
      reason: "lease_not_waiting",
    });
  });

  it("that is declined makes room for the next step", ({ expect }) => {
    const incident = drive({});
    incident.see(DOWN);
    incident.settle();
    incident.do("decline", { leaseId: actId(incident), why: "not now" });
    expect(incident.do("approve", { leaseId: actId(incident), why: "" })).toMatchObject({
      reason: "lease_not_waiting",
    });
    incident.after(SECOND).see(DOWN);
    expect(incident.lease?.actuator).toBe("maintenance-mode");
  });

  it.for([
    { silence: "apply", becomes: "performing" },
    { silence: "decline", becomes: "declined" },
  ] as const)(
    "on silence is $becomes, when the playbook says $silence",
    ({ silence, becomes }, { expect }) => {
      const incident = drive({ on_silence: afterMinute(silence) });
      incident.see(DOWN);
      incident.after(5 * SECOND).settle();
      const wakeAtMs = incident.atMs + 60 * SECOND;
      incident.atMs = wakeAtMs - 1;
      incident.do("wake", {});
      expect(incident.act?.status).toBe("waiting");
      incident.atMs = wakeAtMs;
      incident.do("wake", {});
      expect(incident.act?.status).toBe(becomes);
    },
  );

  it("is not done on silence once production has recovered", ({ expect }) => {
    const incident = drive({ on_silence: afterMinute("apply") });
    incident.see(DOWN);
    incident.settle();
    incident.after(SECOND).see(WELL);
    incident.after(60 * SECOND).do("wake", {});
    expect(incident.act?.status).toBe("declined");
  });

  it("that helped is said to have helped, and nothing more is done", ({ expect }) => {
    const incident = drive({ mode: "auto", expect: EXPECT });
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    incident.after(29 * SECOND).see(DOWN);
    expect(incident.act?.status).toBe("performed");
    expect(incident.after(SECOND).see(WELL)).toContain("act.effective");
    expect(messages(incident)).toContain("mitigated");
    incident.settle();
    expect(incident.after(60 * SECOND).see(WELL)).toContain("incident.resolved");
    expect(incident.state.leases).toEqual([]);
  });

  it("that did not help stays done, and the next step is taken", ({ expect }) => {
    const incident = drive({ mode: "auto", expect: EXPECT });
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    const said = incident.after(30 * SECOND).see(DOWN);
    expect(said).toEqual(expect.arrayContaining(["act.ineffective", "lease.applying"]));
    expect(messages(incident)).toContain("ineffective");
  });

  it("of which nothing is expected has a minute to show", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    incident.after(SECOND).see(DOWN);
    expect(incident.act?.status).toBe("effective");
    incident.after(SETTLES_MS - 1).see(DOWN);
    expect(incident.state.leases).toEqual([]);
    incident.after(1).see(DOWN);
    expect(incident.lease?.status).toBe("applying");
  });

  it("is done at most once until the incident is opened again", ({ expect }) => {
    const incident = drive({ mode: "auto", expect: EXPECT });
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    incident.after(SECOND).see(WELL);
    incident.after(120 * SECOND).see(WELL);
    expect(incident.state.status).toBe("resolved");
    incident.do("reopen", { why: "again" });
    incident.see(DOWN);
    expect(incident.state.acts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(new Set(incident.state.acts.map(({ id }) => id)).size).toBe(2);
  });
});

describe("an act that fails", () => {
  it("because nothing would be done makes room for the next step, and says why", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.settle(refuse("nothing was deployed"));
    expect(incident.act).toMatchObject({ status: "failed", why: "nothing was deployed" });
    expect(messages(incident)).not.toContain("needs_person");
    incident.after(SECOND).see(DOWN);
    expect(incident.lease?.status).toBe("applying");
  });

  it.for([
    { kind: "refuse", status: "failed" },
    { kind: "retry", status: "failed" },
    { kind: "unknown_outcome", status: "unclear" },
  ] as const)("with $kind is $status", ({ kind, status }, { expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.settle();
    incident.settle({ ok: false, failure: { class: kind, detail: "x" } });
    expect(incident.act?.status).toBe(status);
  });

  it("may ask: the same with what was missing waits for a person, once", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.settle();
    incident.settle(refuse("it is locked", { ask: { force: true } }));
    expect(incident.state.acts).toMatchObject([
      { status: "failed", options: { to: "right" } },
      { status: "proposed", mode: "approve", attempt: 2, options: { to: "right", force: true } },
    ]);
    incident.settle();
    incident.after(SECOND).see(DOWN);
    expect(incident.state.leases).toEqual([]);
    incident.do("approve", { leaseId: actId(incident), why: "force it" });
    incident.settle(refuse("it is locked", { ask: { force: true } }));
    expect(incident.state.acts).toHaveLength(2);
  });
});

describe("shadow", () => {
  it("says what it would do, and does nothing", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN, "shadow");
    expect(kinds(incident)).toContain("act.judge");
    incident.settle();
    expect(incident.act).toMatchObject({ status: "rehearsed", says: "throw it" });
    expect(kinds(incident)).not.toContain("act.perform");
    expect(messages(incident)).toContain("needs_person");
    incident.after(SECOND).see(DOWN);
    expect(incident.act).toMatchObject({ attempt: 2, shadow: false });
  });
});

describe("what a person starts", () => {
  const PREPARED = { mode: "manual" };

  it("is made ready, and the ladder goes on beside it", ({ expect }) => {
    const incident = drive(PREPARED);
    incident.see(DOWN);
    expect(incident.lease?.status).toBe("applying");
    incident.settle();
    expect(incident.act).toMatchObject({ status: "waiting", mode: "manual" });
    expect(incident.state.status).toBe("monitoring");
    incident.after(SECOND).see(DOWN);
    expect(incident.state.acts).toHaveLength(1);
    incident.do("approve", { leaseId: actId(incident), why: "now" });
    expect(kinds(incident)).toContain("act.perform");
  });

  it("does not keep an incident open", ({ expect }) => {
    const incident = drive(PREPARED);
    incident.see(WELL);
    incident.see(DOWN, "off");
    incident.settle();
    incident.after(SECOND).see(WELL);
    incident.after(60 * SECOND).see(WELL);
    expect(incident.state.status).toBe("resolved");
    expect(incident.act?.status).toBe("declined");
  });

  it("may be a lease, which then holds for as long as it says", ({ expect }) => {
    const incident = new Drive({
      ...SMALL_OUTAGE,
      mitigate: [{ do: "read-only", mode: "manual", lease: "5m" }, ...SMALL_OUTAGE.mitigate],
    }).open();
    incident.see(DOWN);
    expect(incident.state.leases).toMatchObject([
      { actuator: "read-only", status: "proposed" },
      { actuator: "maintenance-mode", status: "applying" },
    ]);
    const [prepared] = incident.state.leases;
    incident.do("approve", { leaseId: prepared?.id as `lse_${string}`, why: "now" });
    expect(incident.state.leases[0]).toMatchObject({ status: "applying", mode: "manual" });
  });

  it("by hand is looked into and done, without a step or a budget", ({ expect }) => {
    const incident = new Drive().open();
    const asked = { actuator: "throw-switch", with: { to: "up" }, why: "by hand" };
    expect(incident.do("apply", { ...asked, leaseMs: 60_000 })).toMatchObject({
      reason: "bad_options",
    });
    expect(incident.do("apply", { ...asked, leaseMs: null })).toContain("act.approved");
    incident.settle();
    expect([...incident.pending.values()]).toMatchObject([
      { kind: "act.perform", data: { budgeted: false } },
    ]);
  });

  it("that a person agreed to spends nothing of the hour's budget; what silence agreed to does", ({
    expect,
  }) => {
    const agreed = drive({ mode: "approve" });
    agreed.see(DOWN);
    agreed.settle();
    agreed.do("approve", { leaseId: actId(agreed), why: "go" });
    expect([...agreed.pending.values()]).toContainEqual(
      expect.objectContaining({
        kind: "act.perform",
        data: expect.objectContaining({ budgeted: false }),
      }),
    );

    const silent = drive({ mode: "approve", on_silence: afterMinute("apply") });
    silent.see(DOWN);
    silent.settle();
    silent.after(61 * SECOND).see(DOWN);
    expect([...silent.pending.values()]).toContainEqual(
      expect.objectContaining({
        kind: "act.perform",
        data: expect.objectContaining({ budgeted: true }),
      }),
    );
  });

  it("cannot be taken back or extended", ({ expect }) => {
    const incident = drive({ mode: "auto" });
    incident.see(DOWN);
    incident.settle();
    incident.settle();
    const about = { leaseId: actId(incident), why: "oops" };
    expect(incident.do("revert", about)).toMatchObject({ reason: "not_reversible" });
    expect(incident.do("extend", { ...about, byMs: 1_000 })).toMatchObject({
      reason: "not_reversible",
    });
  });
});

describe("what was not begun", () => {
  it("is dropped by the big red button, and its late judgement changes nothing", ({ expect }) => {
    const incident = drive({});
    incident.see(DOWN);
    incident.do("release_all", { why: "stop" });
    incident.settle();
    expect(incident.act).toMatchObject({ status: "declined", says: "throw it" });
  });

  it("is dropped when a person resolves the incident", ({ expect }) => {
    const incident = drive({});
    incident.see(DOWN);
    incident.settle();
    incident.do("resolve", { why: "done elsewhere" });
    expect(incident.act?.status).toBe("declined");
  });

  it("does not hold up an incident that is well under a mitigation", ({ expect }) => {
    const incident = drive({ mode: "manual" });
    incident.see(DOWN);
    incident.settle();
    incident.after(SECOND).see(ENFORCED);
    expect(incident.lease?.status).toBe("effective");
  });
});
