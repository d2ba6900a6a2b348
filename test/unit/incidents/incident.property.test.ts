import fc from "fast-check";
import { describe, it } from "vitest";
import { evolve, nextWakeAtMs } from "../../../src/incidents/incident.ts";
import {
  hasEnded,
  initialState,
  isInForce,
  type IncidentState,
} from "../../../src/incidents/state.ts";
import { Drive } from "../../support/incident.ts";

type Step = (incident: Drive) => unknown;

const value = fc.constantFrom(0, 0.3, 0.7, 1, null);
const observe = fc
  .record({
    probe: value,
    errors: value,
    enforced: value,
    autopilot: fc.constantFrom("on", "shadow", "off"),
  })
  .map(
    ({ probe, errors, enforced, autopilot }): Step =>
      (incident) =>
        incident.see(
          {
            "probe.around_success_ratio": probe,
            "traffic.error_ratio": errors,
            "guard.enforced_ratio": enforced,
          },
          autopilot as "on",
        ),
  );
const pass = fc.constantFrom(1, 1_000, 10_000, 60_000, 700_000, 3_600_000).map(
  (durationMs): Step =>
    (incident) =>
      incident.after(durationMs),
);
const failure = fc.constantFrom("retry", "refuse", "unknown_outcome");
const settle = fc.oneof(
  fc.constant<Step>((incident) => incident.settle()),
  failure.map(
    (kind): Step =>
      (incident) =>
        incident.settle({ ok: false, failure: { class: kind as "retry", detail: "x" } }),
  ),
);
const lastLease = (incident: Drive): `lse_${string}` =>
  (incident.lease?.id ?? "lse_none") as `lse_${string}`;
const person = fc.constantFrom<Step>(
  (incident) => incident.do("wake", {}),
  (incident) => incident.do("acknowledge", {}),
  (incident) => incident.do("release_all", { why: "x" }),
  (incident) => incident.do("revert", { leaseId: lastLease(incident), why: "x" }),
  (incident) => incident.do("extend", { leaseId: lastLease(incident), byMs: 600_000, why: "x" }),
  (incident) => incident.do("resolve", { why: "x" }),
  (incident) => incident.do("reopen", { why: "x" }),
  (incident) =>
    incident.do("apply", { actuator: "read-only", with: {}, leaseMs: 60_000, why: "x" }),
);
const story = fc.array(fc.oneof({ weight: 4, arbitrary: observe }, pass, settle, person), {
  maxLength: 60,
});

function live(steps: readonly Step[]): Drive {
  const incident = new Drive().open();
  for (const step of steps) step(incident);
  return incident;
}

describe("whatever happens to an incident", () => {
  it("replaying the journal gives the state it was decided in", ({ expect }) => {
    fc.assert(
      fc.property(story, (steps) => {
        const incident = live(steps);
        const replayed = incident.journal
          .map((row) => JSON.parse(JSON.stringify(row)) as (typeof incident.journal)[number])
          .reduce(evolve, initialState);
        expect(replayed).toEqual(incident.state);
      }),
    );
  });

  it("every lease in force ends by itself: waking when due always leads to an end", ({
    expect,
  }) => {
    fc.assert(
      fc.property(story, (steps) => {
        const incident = live(steps);
        expect(
          incident.state.leases.filter(isInForce).every((lease) => lease.expiresAtMs !== null),
        ).toBe(true);
        alone(incident);
        const left = incident.state.leases.filter((lease) => !hasEnded(lease));
        // What waits for a person's approval changes nothing for visitors.
        expect(left.filter((lease) => lease.status !== "proposed")).toEqual([]);
      }),
    );
  });

  it("a wake that is due always moves the next wake, so that no alarm spins", ({ expect }) => {
    fc.assert(
      fc.property(story, (steps) => {
        const incident = live(steps);
        const wakeAtMs = incident.nextWakeAtMs();
        if (wakeAtMs === null) return;
        incident.atMs = Math.max(incident.atMs, wakeAtMs);
        incident.do("wake", {});
        expect(nextWakeAtMs(incident.state, incident.ground) ?? Infinity).toBeGreaterThan(wakeAtMs);
      }),
    );
  });

  it("no two leases of the ladder are in force at once", ({ expect }) => {
    fc.assert(
      fc.property(story, (steps) => {
        const incident = new Drive().open();
        for (const step of steps) {
          step(incident);
          expect(automatic(incident.state)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it("nothing resolves while what it needs to see is unknown", ({ expect }) => {
    fc.assert(
      fc.property(fc.array(pass, { maxLength: 30 }), (passes) => {
        const incident = new Drive().open();
        for (const step of passes) {
          step(incident);
          incident.see({ "probe.around_success_ratio": null });
        }
        expect(incident.state.status).not.toBe("resolved");
      }),
    );
  });
});

/** The monitor and every person are gone; only the incident's own alarm and its effects go on. */
function alone(incident: Drive): void {
  for (let turn = 0; turn < 200; turn += 1) {
    if (incident.pending.size > 0) incident.settle();
    const wakeAtMs = incident.nextWakeAtMs();
    if (wakeAtMs === null) return;
    incident.atMs = Math.max(incident.atMs, wakeAtMs);
    incident.do("wake", {});
  }
}

const automatic = (state: IncidentState): number =>
  state.leases.filter((lease) => lease.mode !== "manual" && isInForce(lease)).length;
