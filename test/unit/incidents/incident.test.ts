import { describe, it } from "vitest";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const PAGER = [{ id: "pager", severities: ["SEV-1", "SEV-2"] as const }];

describe("an outage from detection to resolution", () => {
  it("takes the step, sees it enforced, releases in stages, resolves", ({ expect }) => {
    const incident = new Drive().open();
    expect(incident.state.status).toBe("investigating");

    expect(incident.see(DOWN)).toEqual([
      "rule.changed",
      "incident.severity_set",
      "lease.proposed",
      "lease.approved",
      "lease.applying",
      "incident.status_changed",
    ]);
    expect(incident.state.status).toBe("mitigating");
    expect(incident.settle()).toEqual(["lease.applied", "incident.status_changed"]);

    expect(incident.after(10 * SECOND).see(ENFORCED)).toEqual(["lease.effective"]);
    expect(incident.after(10 * SECOND).see(WELL)).toEqual([
      "rule.changed",
      "incident.recovery_seen",
    ]);

    expect(incident.after(19 * SECOND).see(WELL)).toEqual([]);
    expect(incident.after(1 * SECOND).see(WELL)).toEqual(["lease.releasing"]);
    expect(incident.lease?.share).toBe(0.5);
    incident.settle();
    expect(incident.after(10 * SECOND).see(WELL)).toContain("lease.releasing");
    expect(incident.lease?.share).toBe(0.2);
    incident.settle();
    expect(incident.after(10 * SECOND).see(WELL)).toContain("lease.reverting");
    incident.settle();
    expect(incident.lease?.status).toBe("reverted");

    expect(incident.after(59 * SECOND).see(WELL)).toEqual([]);
    expect(incident.after(1 * SECOND).see(WELL)).toEqual([
      "incident.resolved",
      "postmortem.drafted",
    ]);
    expect(incident.state.anchors).toMatchObject({
      mitigatedAtMs: expect.any(Number),
      enforcedAtMs: expect.any(Number),
      releasedAtMs: expect.any(Number),
      resolvedAtMs: incident.atMs,
    });
  });

  it("puts the mitigation back at once when the harm returns during the release, and waits longer", ({
    expect,
  }) => {
    const incident = releasing();
    expect(incident.after(5 * SECOND).see(DOWN)).toContain("lease.rearmed");
    expect(incident.lease).toMatchObject({ share: 1, status: "effective", rearmed: 1 });
    incident.settle();
    incident.after(10 * SECOND).see(WELL);
    expect(incident.after(39 * SECOND).see(WELL)).not.toContain("lease.releasing");
    expect(incident.after(1 * SECOND).see(WELL)).toContain("lease.releasing");
  });

  it("stops the release, without putting the mitigation back, when recovery cannot be seen", ({
    expect,
  }) => {
    const incident = releasing();
    const blind = incident.after(10 * SECOND).see({
      "probe.around_success_ratio": null,
      "traffic.error_ratio": null,
    });
    expect(blind).toEqual(["incident.recovery_lost"]);
    expect(incident.lease).toMatchObject({ status: "releasing", share: 0.5 });
  });

  it("never resolves on missing data", ({ expect }) => {
    const incident = new Drive().open();
    for (let minute = 0; minute < 60; minute += 1) {
      incident.after(60 * SECOND).see({});
    }
    expect(incident.state.status).not.toBe("resolved");
  });
});

describe("a step that does not help", () => {
  it("is reverted when its time is up, and people are told that nothing is left", ({ expect }) => {
    const incident = mitigated();
    expect(incident.after(29 * SECOND).see(DOWN)).toEqual([]);
    expect(incident.after(1 * SECOND).see(DOWN)).toEqual([
      "lease.ineffective",
      "lease.reverting",
      "incident.status_changed",
    ]);
    expect(incident.state.status).toBe("investigating");
    incident.settle();
    expect(incident.after(10 * SECOND).see(DOWN)).toEqual(["incident.escalated"]);
    expect(incident.after(10 * SECOND).see(DOWN)).toEqual([]);
  });

  it("is not tried again, but a step taken back after recovery is", ({ expect }) => {
    const helped = releasing();
    helped.after(10 * SECOND).see(WELL);
    helped.settle();
    helped.after(10 * SECOND).see(WELL);
    helped.settle();
    expect(helped.after(10 * SECOND).see(DOWN)).toContain("lease.proposed");
    expect(helped.lease?.attempt).toBe(2);
  });

  it("is taken back when it cannot be told whether it is in force", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    const outcome = {
      ok: false,
      failure: { class: "unknown_outcome", detail: "timeout" },
    } as const;
    expect(incident.settle(outcome)).toEqual([
      "lease.failed",
      "lease.reverting",
      "incident.status_changed",
    ]);
  });
});

describe("guardrails", () => {
  it("does not touch every visitor on one kind of evidence, and says so once", ({ expect }) => {
    const incident = new Drive().open();
    const onlyProbes = { "probe.around_success_ratio": 0, "traffic.error_ratio": 0 };
    expect(incident.see(onlyProbes)).toEqual(["incident.severity_set", "step.skipped"]);
    expect(incident.after(10 * SECOND).see(onlyProbes)).toEqual([]);
    expect(incident.after(10 * SECOND).see(DOWN)).toContain("lease.proposed");
  });

  it("does not take `a || b` for two kinds of evidence", ({ expect }) => {
    const either = {
      ...SMALL_OUTAGE,
      detect: {
        trigger: "any",
        rules: [
          ...SMALL_OUTAGE.detect.rules.slice(1),
          {
            id: "probes",
            when: "probe.around_success_ratio < 0.5 || probe.through_success_ratio < 0.5",
            why: "one vantage or another",
          },
          { id: "database", when: "postgres.reachable_ratio < 1.0", why: "it is gone" },
        ],
      },
    };
    const incident = new Drive(either).open();
    const oneVantage = { "probe.around_success_ratio": 0, "probe.through_success_ratio": 1 };
    expect(incident.see(oneVantage)).toContain("step.skipped");
  });

  it("does nothing by itself with the autopilot off", ({ expect }) => {
    const incident = new Drive().open();
    expect(incident.see(DOWN, "off")).toContain("step.skipped");
    expect(incident.state.leases).toEqual([]);
  });

  it("marks what it would have done as a shadow", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN, "shadow");
    expect(incident.lease).toMatchObject({ shadow: true });
    incident.settle();
    expect(incident.state.anchors.mitigatedAtMs).toBeNull();
  });
});

describe("time", () => {
  it("expires a lease that nobody renewed, at the exact boundary", ({ expect }) => {
    const incident = mitigated();
    const expiresAtMs = incident.lease?.expiresAtMs ?? 0;
    incident.atMs = expiresAtMs - 1;
    expect(incident.do("wake", {})).toEqual([]);
    incident.atMs = expiresAtMs;
    expect(incident.do("wake", {})).toContain("lease.expired");
  });

  it("renews a lease while it is needed, before half of it is gone", ({ expect }) => {
    const incident = enforced();
    incident.after(5 * 60 * SECOND + SECOND);
    expect(incident.see(ENFORCED)).toEqual(["lease.extended"]);
    expect(incident.lease?.expiresAtMs).toBe(incident.atMs + 600 * SECOND);
  });

  it.for([
    { severity: "SEV-1", deadlineMs: 15 * 60 * SECOND },
    { severity: "SEV-2", deadlineMs: 30 * 60 * SECOND },
    { severity: "SEV-3", deadlineMs: 120 * 60 * SECOND },
    { severity: "SEV-4", deadlineMs: 24 * 3600 * SECOND },
  ] as const)(
    "escalates $severity when nobody acknowledged in time",
    ({ severity, deadlineMs }, { expect }) => {
      const spec = { ...SMALL_OUTAGE, severity: { base: severity, raise: [] } };
      const incident = new Drive(spec).open();
      expect(incident.after(deadlineMs - 1).do("wake", {})).toEqual([]);
      expect(incident.after(1).do("wake", {})).toEqual(["incident.escalated"]);
    },
  );

  it("does not escalate what somebody acknowledged", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("acknowledge", {});
    expect(incident.after(24 * 3600 * SECOND).do("wake", {})).toEqual([]);
  });
});

describe("people", () => {
  it.for([{ what: "acknowledge twice", second: "already_acknowledged" }])(
    "refuses to $what with a reason they can read",
    ({ second }, { expect }) => {
      const incident = new Drive().open();
      incident.do("acknowledge", {}, "ada");
      expect(incident.do("acknowledge", {}, "grace")).toMatchObject({
        reason: second,
        detail: "ada acknowledged it already",
      });
    },
  );

  it("asks for a reason to resolve while a rule fires, and takes everything back", ({ expect }) => {
    const incident = enforced();
    expect(incident.do("resolve", { why: " " })).toMatchObject({ reason: "reason_required" });
    expect(incident.do("resolve", { why: "known false alarm" })).toEqual([
      "lease.reverting",
      "incident.resolved",
      "postmortem.drafted",
    ]);
  });

  it("does not put back what a person took back", ({ expect }) => {
    const incident = enforced();
    const leaseId = incident.lease?.id as `lse_${string}`;
    incident.do("revert", { leaseId, why: "it makes things worse" });
    incident.settle();
    expect(incident.after(10 * SECOND).see(DOWN)).toEqual(["incident.escalated"]);
  });

  it("ignores a second revert, and refuses one after the end", ({ expect }) => {
    const incident = enforced();
    const leaseId = incident.lease?.id as `lse_${string}`;
    incident.do("revert", { leaseId, why: "" });
    expect(incident.do("revert", { leaseId, why: "" })).toEqual([]);
    incident.settle();
    expect(incident.do("revert", { leaseId, why: "" })).toMatchObject({ reason: "lease_ended" });
  });

  it("applies by hand, which no automation releases", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("apply", { actuator: "read-only", with: {}, leaseMs: 600_000, why: "to be safe" });
    incident.settle();
    incident.after(10 * SECOND).see(WELL);
    incident.after(60 * SECOND).see(WELL);
    expect(incident.lease).toMatchObject({
      actuator: "read-only",
      status: "effective",
      release: "manual",
    });
  });

  it.for([
    { actuator: "nuke", with: {}, reason: "unknown_actuator" },
    { actuator: "read-only", with: { massage: "x" }, reason: "bad_options" },
  ])("refuses to apply $actuator with $with: $reason", (given, { expect }) => {
    const incident = new Drive().open();
    const answer = incident.do("apply", { ...given, leaseMs: 60_000, why: "" });
    expect(answer).toMatchObject({ reason: given.reason });
  });
});

describe("messages", () => {
  it("asks for each message once, however often its cause is seen", ({ expect }) => {
    const incident = new Drive(
      SMALL_OUTAGE,
      [...PAGER].map((channel) => ({ ...channel, severities: [...channel.severities] })),
    ).open();
    const opened = incident.journal.filter((row) => row.type === "message.requested");
    expect(opened).toHaveLength(1);
    incident.see(DOWN);
    incident.settle();
    incident.after(10 * SECOND).see(ENFORCED);
    const ids = incident.journal
      .filter((row) => row.type === "message.requested")
      .map((row) => (row.data as { deliveryId: string }).deliveryId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("results", () => {
  it("refuses a result that nobody waits for", ({ expect }) => {
    const incident = mitigated();
    expect(
      incident.do("report_effect", { effectId: "3:0", outcome: { ok: true, value: null } }),
    ).toMatchObject({ reason: "stale_effect" });
  });

  it("keeps what was there before when the result comes after the lease was asked back", ({
    expect,
  }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    const leaseId = incident.lease?.id as `lse_${string}`;
    incident.do("revert", { leaseId, why: "changed my mind" });
    incident.settle();
    expect(incident.lease).toMatchObject({ status: "reverted", prior: { entry: null } });
  });
});

const mitigated = (): Drive => {
  const incident = new Drive().open();
  incident.see(DOWN);
  incident.settle();
  return incident;
};

const enforced = (): Drive => {
  const incident = mitigated();
  incident.after(10 * SECOND).see(ENFORCED);
  return incident;
};

/** Half of the visitors are back. */
const releasing = (): Drive => {
  const incident = enforced();
  incident.after(10 * SECOND).see(WELL);
  incident.after(20 * SECOND).see(WELL);
  incident.settle();
  return incident;
};
