/** Evidence that is collected again while the incident is open, and a lease that mends nothing. */
import { describe, it } from "vitest";
import { AGAIN_FACTOR_MAX, COLLECTIONS_MAX } from "../../../src/incidents/stages/evidence.ts";
import { DOWN, Drive, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const AGAIN_MS = 10_000;
const PLAYBOOK = {
  ...SMALL_OUTAGE,
  investigate: [{ collect: "top-talkers" }, { collect: "suspicious-requests", again: "10s" }],
};

/** Reports what the collectors said. */
const say = (incident: Drive, summary: string) =>
  incident.settle({ ok: true, value: { summary, facts: {} } });
const asked = (incident: Drive): readonly unknown[] =>
  incident.journal
    .filter(({ type }) => type === "evidence.requested")
    .map(({ data }) => (data as { collector: string }).collector);
const isAskedAfter = (incident: Drive, durationMs: number): boolean =>
  incident.after(durationMs).see(DOWN).includes("evidence.requested");

describe("evidence that is collected again", () => {
  it("is asked for after the playbook's word, alone, and not while an answer is due", ({
    expect,
  }) => {
    const incident = new Drive({ ...PLAYBOOK, mitigate: [] }).open();
    expect(isAskedAfter(incident, AGAIN_MS)).toBe(false);
    say(incident, "one");
    expect(isAskedAfter(incident, 0)).toBe(true);
    expect(asked(incident)).toEqual(["top-talkers", "suspicious-requests", "suspicious-requests"]);
    say(incident, "two");
    expect(isAskedAfter(incident, AGAIN_MS - 1)).toBe(false);
    expect(isAskedAfter(incident, 1)).toBe(true);
  });

  it("waits longer while nothing new is said, up to a bound, and no longer once there is", ({
    expect,
  }) => {
    const incident = new Drive({ ...PLAYBOOK, mitigate: [] }).open();
    say(incident, "the same");
    for (const factor of [1, 2, 4, AGAIN_FACTOR_MAX, AGAIN_FACTOR_MAX]) {
      expect(isAskedAfter(incident, factor * AGAIN_MS - 1)).toBe(false);
      expect(isAskedAfter(incident, 1)).toBe(true);
      say(incident, "the same");
    }
    expect(isAskedAfter(incident, AGAIN_FACTOR_MAX * AGAIN_MS)).toBe(true);
    say(incident, "news");
    expect(isAskedAfter(incident, AGAIN_MS)).toBe(true);
  });

  it("waits longer as well when the collector could not tell", ({ expect }) => {
    const incident = new Drive({ ...PLAYBOOK, mitigate: [] }).open();
    const failure = { class: "refuse", detail: "no" } as const;
    incident.settle({ ok: false, failure });
    expect(isAskedAfter(incident, AGAIN_MS)).toBe(false);
    expect(isAskedAfter(incident, AGAIN_MS)).toBe(true);
  });

  it("ends after so many, and with the incident", ({ expect }) => {
    const incident = new Drive({ ...PLAYBOOK, mitigate: [] }).open();
    for (let n = 0; n < 2 * COLLECTIONS_MAX; n += 1) {
      say(incident, `news ${n}`);
      incident.after(AGAIN_MS).see(DOWN);
    }
    expect(asked(incident)).toHaveLength(1 + COLLECTIONS_MAX);
    const other = new Drive({ ...PLAYBOOK, mitigate: [] }).open();
    say(other, "one");
    for (let n = 0; n < 9; n += 1) other.after(AGAIN_MS).see(WELL);
    expect(other.state.status).toBe("resolved");
    expect(other.after(AGAIN_MS).see(WELL)).not.toContain("evidence.requested");
  });
});

describe("a lease that mends nothing", () => {
  const logging = { do: "security-logging", lease: "10m" };
  const PAGER: ConstructorParameters<typeof Drive>[1] = [
    { id: "pager", severities: ["SEV-1", "SEV-2"] },
  ];

  it("holds up nobody: the next step is taken at once", ({ expect }) => {
    const incident = new Drive({
      ...SMALL_OUTAGE,
      mitigate: [logging, ...SMALL_OUTAGE.mitigate],
    }).open();
    incident.see(DOWN);
    expect(incident.state.leases.map(({ actuator }) => actuator)).toEqual([
      "security-logging",
      "maintenance-mode",
    ]);
  });

  it("is no mitigation, and nobody hears that it helped or that it ended", ({ expect }) => {
    const incident = new Drive({ ...SMALL_OUTAGE, mitigate: [logging] }, PAGER).open();
    incident.see(DOWN);
    incident.settle();
    incident.after(1_000).see(DOWN);
    expect(incident.lease).toMatchObject({ status: "applied", beside: true });
    expect(incident.state).toMatchObject({
      status: "investigating",
      anchors: { mitigatedAtMs: null },
    });
    for (let n = 0; n < 12; n += 1) {
      incident.after(10_000).see(WELL);
      incident.settle();
    }
    expect(incident.lease).toMatchObject({ status: "reverted" });
    expect(incident.state.status).toBe("resolved");
    const told = incident.journal
      .filter(({ type }) => type === "message.requested")
      .map(({ data }) => (data as { why: string }).why);
    expect(told).not.toContain("mitigated");
    expect(told).not.toContain("released");
  });
});
