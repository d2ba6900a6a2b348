import { describe, it } from "vitest";
import { LEASE_AHEAD_MS_MAX } from "../../../src/incidents/people-mitigations.ts";
import { readEvent } from "../../../src/incidents/journal.ts";
import { HOLD_FACTOR_MAX } from "../../../src/incidents/stages/leases.ts";
import { MITIGATIONS_MAX } from "../../../src/incidents/stages/mitigation.ts";
import type { SignalSet } from "../../../src/signals/signal.ts";
import { Drive, DOWN, ENFORCED, signalsAt, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LEASE_MS = 10 * MINUTE;
const REFUSED = { ok: false, failure: { class: "refuse", detail: "no" } } as const;
const UNKNOWN = { ok: false, failure: { class: "unknown_outcome", detail: "timeout" } } as const;

const mitigated = (): Drive => {
  const incident = new Drive().open();
  incident.see(DOWN);
  incident.settle();
  return incident;
};

const lastLeaseId = (incident: Drive): `lse_${string}` =>
  `lse_${(incident.lease?.id ?? "").slice("lse_".length)}`;

/** A step that waits for a person, and what it means when none answers. */
const askedFirst = (onSilence: "apply" | "decline") => ({
  ...SMALL_OUTAGE.mitigate[0],
  mode: "approve",
  // oxlint-disable-next-line unicorn/no-thenable -- the playbook's own key
  on_silence: { after: "5m", then: onSilence },
});

describe("the receipt", () => {
  const lagAfter = (signals: Readonly<Record<string, number | null>>): number | undefined => {
    const incident = mitigated();
    incident.after(SECOND).see({ ...ENFORCED, ...signals });
    const row = incident.journal.find(({ type }) => type === "lease.effective");
    const event = row === undefined ? null : readEvent(row);
    return event?.type === "lease.effective" ? event.data.enforcementLagMs : undefined;
  };

  it("says how long guards took to decide on the lease, once they do", ({ expect }) => {
    expect(lagAfter({ "guard.enforcement_lag_seconds": 1.6 })).toBe(1_600);
  });

  it.for([
    ["nobody knows", { "guard.enforcement_lag_seconds": null }],
    [
      "they are not all on it yet",
      { "guard.enforcement_lag_seconds": 9, "guard.enforced_ratio": 0.97 },
    ],
  ] as const)("says nothing while %s", ([, signals], { expect }) => {
    expect(lagAfter(signals)).toBeUndefined();
  });
});

describe("what is expected", () => {
  it("is not seen in what was looked at before the lease was in force", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    const before = signalsAt(incident.atMs, ENFORCED);
    incident.after(SECOND).settle();
    // The same look again, as a source gives it that is asked seldom: still fresh, and of the time before.
    const observe = (signals: SignalSet) => incident.do("observe", { signals, autopilot: "on" });
    expect(incident.after(SECOND) && observe(before)).not.toContain("lease.effective");
    expect(observe(signalsAt(incident.atMs, ENFORCED))).toContain("lease.effective");
  });

  it("is in vain when nobody looks again in time", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    const before = signalsAt(incident.atMs, ENFORCED);
    incident.after(SECOND).settle();
    incident.after(30 * SECOND);
    expect(incident.do("observe", { signals: before, autopilot: "on" })).toContain(
      "lease.ineffective",
    );
  });
});

describe("renewal", () => {
  it("begins when half of the lease is gone, not before", ({ expect }) => {
    const incident = mitigated();
    incident.after(1).see(ENFORCED);
    expect(incident.after(LEASE_MS / 2 - 2).see(ENFORCED)).toEqual([]);
    expect(incident.after(1).see(ENFORCED)).toEqual(["lease.extended"]);
  });

  it("stops once production is well, so that the lease runs out if nobody releases it", ({
    expect,
  }) => {
    const incident = mitigated();
    incident.see(ENFORCED);
    expect(incident.after(LEASE_MS / 2).see(WELL)).not.toContain("lease.extended");
  });

  it("lasts until a staged release has ended, when that takes longer than the lease", ({
    expect,
  }) => {
    const slow = {
      ...SMALL_OUTAGE,
      recover: { ...SMALL_OUTAGE.recover, release_after: "12m", stage_for: "3m" },
    };
    const incident = new Drive(slow).open();
    incident.see(DOWN);
    incident.settle();
    incident.after(SECOND).see(ENFORCED);
    const happened: string[] = [];
    for (let minute = 0; minute < 19; minute += 1) {
      happened.push(...incident.after(MINUTE).see(WELL));
      incident.settle();
    }
    expect(happened).toContain("lease.extended");
    expect(happened).not.toContain("lease.expired");
    expect(incident.lease).toMatchObject({ status: "reverted", because: "recovered" });
  });

  it("believes the guard's end when it fails, and tries again well before it", ({ expect }) => {
    const incident = mitigated();
    const heldUntilMs = incident.lease?.expiresAtMs ?? 0;
    incident.see(ENFORCED);
    incident.after(LEASE_MS / 2).see(ENFORCED);
    expect(incident.lease?.expiresAtMs).toBeGreaterThan(heldUntilMs);
    incident.settle(REFUSED);
    expect(incident.lease).toMatchObject({ status: "effective", expiresAtMs: heldUntilMs });

    expect(incident.after(LEASE_MS / 8 - 1).see(ENFORCED)).toEqual([]);
    expect(incident.after(1).see(ENFORCED)).toEqual(["lease.extended"]);
    incident.settle();
    expect(incident.lease).toMatchObject({
      heldUntilMs: incident.lease?.expiresAtMs,
      adjustFailedAtMs: null,
    });
  });

  it("leaves alone what a person set by hand, which ends when that person said", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("apply", { actuator: "read-only", with: {}, leaseMs: LEASE_MS, why: "" });
    incident.settle();
    const expiresAtMs = incident.lease?.expiresAtMs ?? 0;
    for (let minute = 0; minute < 9; minute += 1) incident.after(MINUTE).see({});
    expect(incident.lease?.expiresAtMs).toBe(expiresAtMs);
    expect(incident.after(MINUTE).see({})).toContain("lease.expired");
  });
});

describe("autopilot switched on after a rehearsal", () => {
  it("ends the rehearsal and takes the step in earnest, under another lease", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN, "shadow");
    incident.settle();
    const rehearsed = incident.lease?.id;
    const happened = incident.after(10 * SECOND).see(DOWN, "on");
    expect(happened).toContain("lease.reverting");
    expect(happened).toContain("lease.applying");
    expect(incident.lease).toMatchObject({ shadow: false, attempt: 2, status: "applying" });
    expect(incident.lease?.id).not.toBe(rehearsed);
  });

  it("declines a rehearsed proposal", ({ expect }) => {
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [askedFirst("apply")] }).open();
    incident.see(DOWN, "shadow");
    expect(incident.after(SECOND).see(DOWN, "on")).toContain("lease.declined");
    expect(incident.lease).toMatchObject({ shadow: false, status: "proposed" });
  });
});

describe("autopilot switched off mid-flight", () => {
  it("goes on looking after what is in force, to its release", ({ expect }) => {
    const incident = mitigated();
    incident.after(SECOND).see(ENFORCED, "off");
    expect(incident.after(LEASE_MS / 2).see(ENFORCED, "off")).toEqual(["lease.extended"]);
    incident.settle();
    incident.after(SECOND).see(WELL, "off");
    expect(incident.after(20 * SECOND).see(WELL, "off")).toContain("lease.releasing");
  });

  it("takes no further step", ({ expect }) => {
    const incident = mitigated();
    incident.after(30 * SECOND).see(DOWN, "off");
    incident.settle();
    expect(incident.after(SECOND).see(DOWN, "off")).not.toContain("lease.proposed");
  });
});

describe("approval", () => {
  const waiting = (onSilence: "apply" | "decline"): Drive => {
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [askedFirst(onSilence)] }).open();
    incident.see(DOWN);
    return incident;
  };

  it.for([
    { onSilence: "apply", event: "lease.applying" },
    { onSilence: "decline", event: "lease.declined" },
  ] as const)(
    "means $onSilence when nobody answers, at the exact moment",
    ({ onSilence, event }, { expect }) => {
      const incident = waiting(onSilence);
      expect(incident.nextWakeAtMs()).toBe(incident.atMs + 5 * MINUTE);
      expect(incident.after(5 * MINUTE - 1).do("wake", {})).toEqual([]);
      expect(incident.after(1).do("wake", {})).toContain(event);
    },
  );

  it("is refused to the second who answers", ({ expect }) => {
    const incident = waiting("apply");
    const leaseId = lastLeaseId(incident);
    expect(incident.do("decline", { leaseId, why: "no" })).toContain("lease.declined");
    for (const type of ["approve", "decline"] as const) {
      expect(incident.do(type, { leaseId, why: "yes" })).toMatchObject({
        reason: "lease_not_waiting",
      });
    }
  });
});

describe("verification", () => {
  it("gives the step its whole time, counted from when it was applied", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    incident.after(20 * SECOND).settle();
    expect(incident.after(30 * SECOND - 1).see(DOWN)).toEqual([]);
    expect(incident.after(1).see(DOWN)).toContain("lease.ineffective");
  });

  it("leaves a step without an expectation in force", ({ expect }) => {
    const [{ expect: _, ...step } = { expect: null }] = SMALL_OUTAGE.mitigate;
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [step] }).open();
    incident.see(DOWN);
    incident.settle();
    expect(incident.after(SECOND).see(DOWN)).toEqual(["lease.effective"]);
  });
});

describe("release", () => {
  it("holds each stage for its whole time", ({ expect }) => {
    const incident = mitigated();
    incident.see(ENFORCED);
    incident.after(SECOND).see(WELL);
    incident.after(20 * SECOND).see(WELL);
    expect(incident.after(10 * SECOND - 1).see(WELL)).not.toContain("lease.releasing");
    expect(incident.after(1).see(WELL)).toContain("lease.releasing");
    expect(incident.lease?.share).toBe(0.2);
    expect(incident.after(10 * SECOND - 1).see(WELL)).not.toContain("lease.reverting");
    expect(incident.after(1).see(WELL)).toContain("lease.reverting");
  });

  it("waits at most so many times longer, however often the harm came back", ({ expect }) => {
    const incident = mitigated();
    incident.see(ENFORCED);
    for (let relapse = 0; relapse < 6; relapse += 1) {
      incident.after(SECOND).see(WELL);
      incident.after(HOLD_FACTOR_MAX * 20 * SECOND).see(WELL);
      expect(incident.lease?.status).toBe("releasing");
      incident.after(SECOND).see(DOWN);
      expect(incident.lease).toMatchObject({ status: "effective", rearmed: relapse + 1 });
    }
    incident.after(SECOND).see(WELL);
    expect(incident.after(HOLD_FACTOR_MAX * 20 * SECOND - 1).see(WELL)).not.toContain(
      "lease.releasing",
    );
    expect(incident.after(1).see(WELL)).toContain("lease.releasing");
  });

  it("is not begun for what waits for a person", ({ expect }) => {
    const step = { ...SMALL_OUTAGE.mitigate[0], release: "manual" };
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [step] }).open();
    incident.see(DOWN);
    incident.settle();
    incident.see(ENFORCED);
    for (let minute = 0; minute < 30; minute += 1) {
      expect(incident.after(MINUTE).see(WELL)).not.toContain("lease.releasing");
      incident.settle();
    }
    expect(incident.lease?.status).toBe("effective");
    expect(incident.state.status).not.toBe("resolved");
  });
});

describe("the limits of an incident", () => {
  it("takes at most so many mitigations, automatic ones included", ({ expect }) => {
    const incident = new Drive().open();
    const apply = () =>
      incident.do("apply", { actuator: "read-only", with: {}, leaseMs: MINUTE, why: "" });
    for (let count = 0; count < MITIGATIONS_MAX; count += 1)
      expect(Array.isArray(apply())).toBe(true);
    expect(apply()).toMatchObject({ reason: "limit_reached" });
    incident.do("release_all", { why: "" });
    incident.settle();
    expect(incident.see(DOWN)).toContain("incident.escalated");
    expect(incident.state.leases).toHaveLength(MITIGATIONS_MAX);
  });

  it("extends a lease to at most seven days from now, to the millisecond", ({ expect }) => {
    const incident = mitigated();
    const leaseId = lastLeaseId(incident);
    const room = LEASE_AHEAD_MS_MAX - LEASE_MS;
    expect(incident.do("extend", { leaseId, byMs: room + 1, why: "" })).toMatchObject({
      reason: "limit_reached",
    });
    expect(incident.do("extend", { leaseId, byMs: room, why: "" })).toEqual(["lease.extended"]);
  });

  it("numbers attempts over a reopening, so that no lease is named twice", ({ expect }) => {
    const incident = mitigated();
    incident.do("resolve", { why: "false alarm" });
    incident.settle();
    incident.do("reopen", { why: "it was not" });
    incident.after(SECOND).see(DOWN);
    const ids = incident.state.leases.map((lease) => lease.id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("a result that cannot be trusted", () => {
  it.for([
    { what: "nothing", value: undefined },
    { what: "a sentence", value: "applied!" },
    { what: "far too much", value: { prior: null, receipt: "x".repeat(70_000) } },
  ])("of an application, $what, takes the lease back", ({ value }, { expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    expect(incident.settle({ ok: true, value })).toEqual([
      "lease.failed",
      "lease.reverting",
      "incident.status_changed",
    ]);
    incident.settle();
    expect(incident.lease?.status).toBe("reverted");
  });

  it("of a release leaves people to look", ({ expect }) => {
    const incident = mitigated();
    incident.do("revert", { leaseId: lastLeaseId(incident), why: "" });
    expect(incident.settle({ ok: true, value: "restored, probably" })).toContain("lease.failed");
  });

  it("of a collector is no evidence", ({ expect }) => {
    const incident = new Drive({
      ...SMALL_OUTAGE,
      investigate: [{ collect: "cloudflare-status" }],
    }).open();
    expect(incident.settle({ ok: true, value: { facts: {} } })).toEqual(["evidence.failed"]);
  });

  it("is told apart from a refusal, after which there is nothing to take back", ({ expect }) => {
    const refused = new Drive().open();
    refused.see(DOWN);
    expect(refused.settle(REFUSED)).not.toContain("lease.reverting");
    expect(refused.lease?.status).toBe("failed");
    const unknown = new Drive().open();
    unknown.see(DOWN);
    expect(unknown.settle(UNKNOWN)).toContain("lease.reverting");
  });
});

describe("after the end", () => {
  it.for(["apply", "escalate"] as const)("refuses to %s", (type, { expect }) => {
    const incident = new Drive().open();
    incident.do("resolve", { why: "false alarm" });
    const answer =
      type === "apply"
        ? incident.do(type, { actuator: "read-only", with: {}, leaseMs: MINUTE, why: "" })
        : incident.do(type, { why: "" });
    expect(answer).toMatchObject({ reason: "not_open" });
  });

  it("still ends a lease that was not taken back", ({ expect }) => {
    const incident = mitigated();
    incident.do("resolve", { why: "false alarm" });
    expect(incident.state.leases.every((lease) => lease.status === "reverting")).toBe(true);
    expect(incident.after(LEASE_MS).see(DOWN)).toEqual([]);
    incident.settle();
    expect(incident.lease?.status).toBe("reverted");
  });
});
