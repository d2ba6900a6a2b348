/** Decisions at the edges of two conditions: each of these once went unnoticed when a comparison was turned around. */
import { describe, it } from "vitest";
import { OUTCOME_CHARS_MAX } from "../../../src/incidents/results.ts";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const STEPS = SMALL_OUTAGE.mitigate;

const mitigated = (spec: unknown = SMALL_OUTAGE): Drive => {
  const incident = new Drive(spec).open();
  incident.see(DOWN);
  incident.settle();
  return incident;
};

describe("a rehearsed lease", () => {
  it("is not judged by what it could not change", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN, "shadow");
    incident.settle();
    expect(incident.after(5 * MINUTE).see(DOWN, "shadow")).not.toContain("lease.ineffective");
  });

  it("ends at once when production is well: nobody has to be let back in", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN, "shadow");
    incident.settle();
    incident.after(SECOND).see(WELL, "shadow");
    expect(incident.after(20 * SECOND).see(WELL, "shadow")).toContain("lease.reverting");
  });
});

describe("a lease that is released at once", () => {
  it("passes through no stages", ({ expect }) => {
    const incident = mitigated({
      ...SMALL_OUTAGE,
      mitigate: STEPS.map((step) => ({ ...step, release: "at_once" })),
    });
    incident.see(ENFORCED);
    incident.after(SECOND).see(WELL);
    const happened = incident.after(20 * SECOND).see(WELL);
    expect(happened).toContain("lease.reverting");
    expect(happened).not.toContain("lease.releasing");
  });
});

describe("a lease that is being taken back", () => {
  it("is not renewed, however long that takes", ({ expect }) => {
    const incident = mitigated();
    incident.do("release_all", { why: "" });
    expect(incident.after(6 * MINUTE).see(DOWN)).not.toContain("lease.extended");
  });
});

describe("while production is well", () => {
  it("takes no step again, although a rule cannot be seen to have cleared", ({ expect }) => {
    const unseen = { ...WELL, "traffic.error_ratio": null };
    const incident = mitigated();
    incident.see(ENFORCED);
    for (let tick = 0; tick < 10; tick += 1) {
      incident.after(20 * SECOND).see(unseen);
      incident.settle();
    }
    expect(incident.state.rules["errors"]?.status).toBe("firing");
    expect(incident.state.leases).toHaveLength(1);
  });
});

describe("the condition of a step", () => {
  const conditional = (values: Readonly<Record<string, number | null>>): string[] => {
    const [first] = STEPS;
    const incident = new Drive({
      ...SMALL_OUTAGE,
      mitigate: [
        { ...first, id: "first", when: "traffic.requests_per_second > 10.0" },
        { ...first, id: "second" },
      ],
    }).open();
    incident.see({ ...DOWN, ...values });
    return incident.state.leases.map((lease) => lease.step);
  };

  it.for([
    { what: "true: it is taken", rps: 11, taken: ["first"] },
    { what: "false: the next one is", rps: 10, taken: ["second"] },
    { what: "unknown: none is, until it is known", rps: null, taken: [] },
  ])("$what", ({ rps, taken }, { expect }) => {
    expect(conditional({ "traffic.requests_per_second": rps })).toEqual(taken);
  });
});

describe("recovery", () => {
  const { when: _, ...untilCleared } = SMALL_OUTAGE.recover;
  const withoutCondition = { ...SMALL_OUTAGE, mitigate: [], recover: untilCleared };

  it("without a condition of its own is every rule cleared", ({ expect }) => {
    const incident = new Drive(withoutCondition).open();
    incident.see({ ...DOWN, "probe.around_success_ratio": 1 });
    expect(incident.state.recoveredSinceMs).toBeNull();
    incident.after(SECOND).see(WELL);
    expect(incident.state.recoveredSinceMs).toBe(incident.atMs);
  });

  it.for([
    { what: "harm is seen, although its condition holds", probe: 1, errors: 1 },
    { what: "its condition does not hold, although no rule sees harm", probe: 0.8, errors: 0 },
  ])("is lost when $what", ({ probe, errors }, { expect }) => {
    const incident = mitigated();
    incident.see(ENFORCED);
    incident.after(SECOND).see(WELL);
    incident.after(20 * SECOND).see(WELL);
    incident.settle();
    expect(incident.lease?.status).toBe("releasing");
    const seen = { ...WELL, "probe.around_success_ratio": probe, "traffic.error_ratio": errors };
    expect(incident.after(SECOND).see(seen)).toContain("lease.rearmed");
  });
});

describe("a resolved incident", () => {
  it("asks nobody for anything, and wakes only to ask for its post-mortem", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("resolve", { why: "a false alarm" });
    incident.settle();
    expect(incident.nextWakeAtMs()).toBe(incident.atMs + 4 * 24 * 60 * MINUTE);
    expect(incident.after(24 * 60 * MINUTE).do("wake", {})).toEqual([]);
  });
});

describe("what people ask", () => {
  const leaseId = (incident: Drive): `lse_${string}` =>
    `lse_${(incident.lease?.id ?? "").slice("lse_".length)}`;

  it("to resolve needs no reason once nothing fires, and then says by whom", ({ expect }) => {
    const incident = new Drive().open();
    incident.see(WELL);
    expect(incident.do("resolve", { why: "" })).toContain("incident.resolved");
    const row = incident.journal.find(({ type }) => type === "incident.resolved");
    expect(row?.data).toEqual({ why: "resolved by hand" });
  });

  it("to resolve keeps the reason that was given", ({ expect }) => {
    const incident = new Drive().open();
    incident.do("resolve", { why: "a false alarm" });
    const row = incident.journal.find(({ type }) => type === "incident.resolved");
    expect(row?.data).toEqual({ why: "a false alarm" });
  });

  it("to extend is refused for what is being taken back", ({ expect }) => {
    const incident = mitigated();
    incident.do("release_all", { why: "" });
    expect(
      incident.do("extend", { leaseId: leaseId(incident), byMs: MINUTE, why: "" }),
    ).toMatchObject({ reason: "lease_ended" });
  });
});

describe("an answer of the longest length that is kept", () => {
  const answerOf = (characters: number) => {
    const empty = { prior: null, receipt: "" };
    const rest = characters - JSON.stringify(empty).length;
    return { ok: true, value: { ...empty, receipt: "x".repeat(rest) } } as const;
  };

  it.for([
    { characters: OUTCOME_CHARS_MAX, event: "lease.applied" },
    { characters: OUTCOME_CHARS_MAX + 1, event: "lease.failed" },
  ])("$characters characters: $event", ({ characters, event }, { expect }) => {
    const incident = new Drive().open();
    incident.see(DOWN);
    expect(incident.settle(answerOf(characters))).toContain(event);
  });
});
