/** Steps that find out whom they are about when they are taken: it is written down before anything is done, and followed while the harm goes on. */
import { describe, it } from "vitest";
import { SELECT_AGAIN_MS, SELECT_AGAIN_MS_MAX } from "../../../src/incidents/stages/leases.ts";
import type { EffectOutcome } from "../../../src/incidents/command.ts";
import { timelineOf } from "../../../src/postmortem/timeline.ts";
import { DOWN, Drive, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const BLOCK = {
  do: "block-networks",
  select: { from: "traffic-suspects", by: ["address"] },
  lease: "10m",
};
const withBlock = (changes: Readonly<Record<string, unknown>> = {}) => ({
  ...SMALL_OUTAGE,
  mitigate: [
    { ...BLOCK, ...changes },
    { do: "read-only", lease: "10m" },
  ],
});

const naming = (...networks: readonly string[]): EffectOutcome => ({
  ok: true,
  value: {
    kind: "selected",
    picked: { networks },
    says: networks.join(", "),
    facts: { by: "address" },
  },
});
const nobody = (because: string): EffectOutcome => ({
  ok: true,
  value: { kind: "nobody", because, says: "nothing explains it" },
});

const down = (changes: Readonly<Record<string, unknown>> = {}): Drive => {
  const incident = new Drive(withBlock(changes)).open();
  incident.see(DOWN);
  return incident;
};
/** In force, and about one address. */
const blocked = (): Drive => {
  const incident = down();
  incident.settle(naming("192.0.2.1"));
  incident.settle();
  incident.after(SECOND).see(DOWN);
  return incident;
};

describe("a step that selects", () => {
  it("finds out first, writes it down, and is applied with exactly that", ({ expect }) => {
    const incident = down();
    expect(incident.lease).toMatchObject({ status: "proposed", options: {} });
    expect([...incident.pending.values()].map(({ kind }) => kind)).toEqual(["lease.select"]);
    expect(incident.settle(naming("192.0.2.1"))).toEqual([
      "lease.selected",
      "lease.approved",
      "lease.applying",
    ]);
    const [apply] = incident.pending.values();
    expect(apply).toMatchObject({
      kind: "lease.apply",
      data: { with: { networks: ["192.0.2.1"] } },
    });
    const told = timelineOf(incident.journal).map(({ text }) => text.replaceAll("\\", ""));
    expect(told).toContain("`block-networks` would be about 192.0.2.1 (firebreak)");
  });

  it("is not taken when nobody is named, and says why; the next step is", ({ expect }) => {
    const incident = down();
    expect(incident.settle(nobody("spread"))).toEqual([
      "lease.unselected",
      "lease.declined",
      "incident.status_changed",
    ]);
    expect(incident.lease).toMatchObject({
      status: "declined",
      why: "spread: nothing explains it",
    });
    expect(incident.after(SECOND).see(DOWN)).toContain("lease.applying");
    expect(incident.lease?.actuator).toBe("read-only");
  });

  it("is not taken when nobody could look", ({ expect }) => {
    const incident = down();
    const failure = { class: "retry", detail: "the counters did not answer" } as const;
    expect(incident.settle({ ok: false, failure })).toContain("lease.declined");
    expect(incident.lease?.why).toBe("failed: the counters did not answer");
  });

  it("is not applied when production recovered meanwhile", ({ expect }) => {
    const incident = down();
    incident.after(SECOND).see(WELL);
    expect(incident.settle(naming("192.0.2.1"))).toContain("lease.declined");
    expect(incident.lease?.why).toBe("production recovered before it was applied");
  });

  it("asks a person only once it is known whom it is about", ({ expect }) => {
    const incident = down({ mode: "approve" });
    const leaseId: `lse_${string}` = `lse_${incident.lease?.id.slice("lse_".length)}`;
    expect(incident.do("approve", { leaseId, why: "go" })).toMatchObject({
      reason: "lease_not_waiting",
      detail: "whom it is about is still being found out",
    });
    expect(incident.settle(naming("192.0.2.1"))).toEqual(["lease.selected"]);
    expect(incident.do("approve", { leaseId, why: "go" })).toContain("lease.applying");
  });

  it("in shadow, selects and counts, and changes nothing", ({ expect }) => {
    const incident = new Drive(withBlock()).open();
    incident.see(DOWN, "shadow");
    expect(incident.settle(naming("192.0.2.1"))).toContain("lease.applying");
    const [apply] = incident.pending.values();
    expect(apply).toMatchObject({ data: { shadow: true, with: { networks: ["192.0.2.1"] } } });
    incident.settle();
    expect(incident.after(SELECT_AGAIN_MS).see(DOWN, "shadow")).not.toContain("lease.reselecting");
  });
});

describe("while the harm goes on", () => {
  it("what moved is followed: whoever is named then is added", ({ expect }) => {
    const incident = blocked();
    expect(incident.after(SELECT_AGAIN_MS - 2 * SECOND).see(DOWN)).toEqual([]);
    expect(incident.after(SECOND).see(DOWN)).toEqual(["lease.reselecting"]);
    expect(incident.after(SECOND).see(DOWN)).toEqual([]);
    expect(incident.settle(naming("192.0.2.2"))).toEqual(["lease.widened"]);
    const [adjust] = incident.pending.values();
    expect(adjust).toMatchObject({
      kind: "lease.apply",
      data: { with: { networks: ["192.0.2.1", "192.0.2.2"] } },
    });
    expect(incident.settle()).toEqual(["lease.adjusted"]);
    expect(incident.lease?.status).toBe("effective");
  });

  it("looking in vain is done less often each time, and nothing is changed by it", ({ expect }) => {
    const incident = blocked();
    const looks: number[] = [];
    for (let second = 2; second < 10 * 60; second += 1) {
      incident.atMs += SECOND;
      if (incident.see(DOWN).includes("lease.reselecting")) looks.push(second);
      if (incident.pending.size > 0) {
        const [[id, effect] = []] = incident.pending;
        incident.pending.delete(id ?? "");
        const outcome: EffectOutcome =
          effect?.kind === "lease.select"
            ? nobody("nothing_new")
            : { ok: true, value: { prior: null, receipt: null } };
        incident.do("report_effect", { effectId: id ?? "", outcome });
      }
    }
    const apart = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
    expect(apart.slice(0, 3)).toEqual([30, 60, 120]);
    expect(Math.max(...apart)).toBe(SELECT_AGAIN_MS_MAX / SECOND);
    expect(incident.lease?.options).toEqual({ networks: ["192.0.2.1"] });
  });

  it("nobody is looked for once production is well, or after it was taken back", ({ expect }) => {
    const incident = blocked();
    expect(incident.after(SELECT_AGAIN_MS).see(WELL)).not.toContain("lease.reselecting");
    const other = blocked();
    const leaseId: `lse_${string}` = `lse_${other.lease?.id.slice("lse_".length)}`;
    other.after(SELECT_AGAIN_MS).see(DOWN);
    const [effectId = ""] = other.pending.keys();
    other.do("revert", { leaseId, why: "no" });
    // What comes back too late changes nothing that is being taken back.
    const outcome = naming("192.0.2.9");
    expect(other.do("report_effect", { effectId, outcome })).toEqual(["lease.unselected"]);
    expect(other.lease).toMatchObject({
      status: "reverting",
      options: { networks: ["192.0.2.1"] },
    });
  });
});
