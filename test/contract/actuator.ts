/** What every reversible actuator owes, whatever it changes: run this suite for each one in the registry, against the real thing. */
import { describe, it } from "vitest";
import type { Reach } from "../../src/mitigations/actuator.ts";
import type { Actuator, StoredLease } from "../../src/mitigations/opaque.ts";
import type { ChangeFault } from "./act.ts";

/** What the suite may see and do behind the actuator's back. */
export type Ground = {
  readonly reach: Reach;
  /** The same system when nobody answers. */
  readonly unreachable: Reach;
  /** Moves whenever the outside changed. */
  readonly version: () => Promise<unknown>;
  /** What stands there for the lease, null for nothing. */
  readonly standing: (leaseId: string) => Promise<{
    readonly share: number;
    readonly shadow: boolean;
    readonly expiresAtMs: number;
  } | null>;
  /** Somebody else puts something of theirs in its place. */
  readonly takeOver: (leaseId: string) => Promise<void>;
  /** Somebody else removes it. */
  readonly remove: (leaseId: string) => Promise<void>;
};

/** The same at a vendor, where there is neither a share nor a rehearsal of it, and where the calls that change something go wrong. */
export type VendorGround = Ground & {
  readonly failNextChange: (fault: ChangeFault) => Promise<void>;
};

export type ActuatorUnderTest<G extends Ground = Ground> = {
  readonly actuator: Actuator;
  readonly options: Readonly<Record<string, unknown>>;
  /** Options it must refuse, and the field it must name. */
  readonly badOptions: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly field: string;
  }[];
  /** A fresh one for each test. */
  readonly ground: () => G | Promise<G>;
};

const HOUR_MS = 3_600_000;
/** Stands in options and reasons; no failure may repeat it. */
const SECRET = "hunter2-of-the-test";

export function actuatorContract(given: ActuatorUnderTest): void {
  describe(`the actuator contract, kept by ${given.actuator.id}`, () => {
    applying(given);
    rehearsing(given);
    adjusting(given);
    takingBack(given);
    failing(given);
    describing(given);
  });
}

export function vendorActuatorContract(
  given: ActuatorUnderTest<VendorGround>,
  secret: string,
): void {
  describe(`the actuator contract, kept at its vendor by ${given.actuator.id}`, () => {
    applying(given);
    renewing(given);
    takingBack(given);
    losing(given, secret);
    describing(given);
  });
}

const aLease = (
  { options }: ActuatorUnderTest,
  changes: Partial<StoredLease> = {},
): StoredLease => ({
  id: "lse_00000000000000000000000001",
  incidentId: "inc_contract",
  options,
  reason: `outage ${SECRET}`,
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + HOUR_MS,
  prior: null,
  ...changes,
});

/** The lease as the journal gives it back once it was applied. */
async function applied(given: ActuatorUnderTest, ground: Ground): Promise<StoredLease> {
  const lease = aLease(given);
  const result = await given.actuator.apply(lease, ground.reach);
  if (!result.ok) throw new Error(result.error.detail);
  const prior: unknown = JSON.parse(JSON.stringify(result.value.prior));
  return { ...lease, prior };
}

function applying(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("applied twice is applied once", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const before = await ground.version();
    const again = await actuator.apply(lease, ground.reach);
    expect(again.ok).toBe(true);
    expect(await ground.version()).toEqual(before);
    // The same before its first result was recorded, as after a crash.
    expect((await actuator.apply({ ...lease, prior: null }, ground.reach)).ok).toBe(true);
    expect(await ground.version()).toEqual(before);
  });

  it("carries the lease's end to where it is enforced", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    expect(await ground.standing(lease.id)).toEqual({
      share: 1,
      shadow: false,
      expiresAtMs: lease.expiresAtMs,
    });
  });

  it("refuses a lease that has already ended", async ({ expect }) => {
    const ground = await given.ground();
    const late = aLease(given, { expiresAtMs: Date.now() - 1 });
    expect(await actuator.apply(late, ground.reach)).toMatchObject({
      ok: false,
      error: { class: "refuse" },
    });
    expect(await ground.standing(late.id)).toBeNull();
  });

  it("verifies what is in force, and nothing else", async ({ expect }) => {
    const ground = await given.ground();
    expect(await actuator.verify(aLease(given), ground.reach)).toEqual({ ok: true, value: false });
    const lease = await applied(given, ground);
    expect(await actuator.verify(lease, ground.reach)).toEqual({ ok: true, value: true });
    const longer = { ...lease, expiresAtMs: lease.expiresAtMs + 1 };
    expect(await actuator.verify(longer, ground.reach)).toEqual({ ok: true, value: false });
  });
}

function rehearsing(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("marks a rehearsal as one", async ({ expect }) => {
    const ground = await given.ground();
    const lease = aLease(given, { shadow: true });
    await actuator.apply(lease, ground.reach);
    expect(await ground.standing(lease.id)).toMatchObject({ shadow: true });
  });
}

function adjusting(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("takes a new share and a new end", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const terms = { share: 0.2, expiresAtMs: lease.expiresAtMs + HOUR_MS };
    expect((await actuator.apply({ ...lease, ...terms }, ground.reach)).ok).toBe(true);
    expect(await ground.standing(lease.id)).toEqual({ ...terms, shadow: false });
  });

  it("verifies no other share", async ({ expect }) => {
    const ground = await given.ground();
    const lease = { ...(await applied(given, ground)), share: 0.5 };
    expect(await actuator.verify(lease, ground.reach)).toEqual({ ok: true, value: false });
  });

  it("keeps two leases apart", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const other = aLease(given, { id: "lse_other", share: 0.5 });
    await actuator.apply(other, ground.reach);
    await actuator.revert(other, ground.reach);
    expect(await ground.standing(lease.id)).toMatchObject({ share: 1 });
  });
}

/** At a vendor. */
function renewing(given: ActuatorUnderTest<VendorGround>): void {
  const { actuator } = given;

  it("changes nothing in a rehearsal", async ({ expect }) => {
    const ground = await given.ground();
    const before = await ground.version();
    const lease = aLease(given, { shadow: true });
    expect(await actuator.apply(lease, ground.reach)).toMatchObject({ ok: true });
    expect(await ground.version()).toEqual(before);
    expect(await ground.standing(lease.id)).toBeNull();
  });

  it("takes a new end", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const longer = { ...lease, expiresAtMs: lease.expiresAtMs + HOUR_MS };
    expect(await actuator.apply(longer, ground.reach)).toMatchObject({ ok: true });
    expect(await ground.standing(lease.id)).toMatchObject({ expiresAtMs: longer.expiresAtMs });
  });

  it("leaves what another lease has alone", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const before = await ground.version();
    const other = aLease(given, { id: "lse_ffffffffffffffffffffffffff" });
    await actuator.apply(other, ground.reach);
    await actuator.revert(other, ground.reach);
    expect(await ground.version()).toEqual(before);
    expect(await actuator.verify(lease, ground.reach)).toEqual({ ok: true, value: true });
  });
}

/** At a vendor: whatever becomes of one call, the next attempt ends where the first should have. */
function losing(given: ActuatorUnderTest<VendorGround>, secret: string): void {
  const { actuator } = given;
  const FAULTS = [
    ["429", "retry"],
    ["5xx", "unknown_outcome"],
    ["timeout", "unknown_outcome"],
    ["answer_lost", "unknown_outcome"],
    ["403", "refuse"],
  ] as const;

  it.for(FAULTS)(
    "calls %s %s when it applies, and is then applied once",
    async ([fault, kind], { expect }) => {
      const ground = await given.ground();
      const lease = aLease(given);
      await ground.failNextChange(fault);
      expect(await actuator.apply(lease, ground.reach)).toMatchObject({ error: { class: kind } });
      expect(await actuator.inspect(lease, ground.reach)).not.toBe("changed");
      expect(await actuator.apply(lease, ground.reach)).toMatchObject({ ok: true });
      expect(await actuator.verify(lease, ground.reach)).toEqual({ ok: true, value: true });
      expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "restored" });
      expect(await ground.standing(lease.id)).toBeNull();
    },
  );

  it.for(FAULTS)(
    "calls %s %s when it reverts, and is then reverted once",
    async ([fault, kind], { expect }) => {
      const ground = await given.ground();
      const before = await ground.version();
      const lease = await applied(given, ground);
      await ground.failNextChange(fault);
      expect(await actuator.revert(lease, ground.reach)).toMatchObject({ error: { class: kind } });
      expect(await actuator.revert(lease, ground.reach)).toMatchObject({ ok: true });
      expect(await ground.version()).toEqual(before);
      expect(await ground.standing(lease.id)).toBeNull();
    },
  );

  it("repeats no secret, whatever goes wrong", async ({ expect }) => {
    const ground = await given.ground();
    const lease = aLease(given);
    const broken = [
      aLease(given, { options: { [SECRET]: SECRET } }),
      aLease(given, { prior: { [SECRET]: SECRET } }),
    ];
    const answers: unknown[] = [];
    for (const act of [actuator.apply, actuator.verify, actuator.revert]) {
      answers.push(await act(lease, ground.unreachable));
      for (const bad of broken) answers.push(await act(bad, ground.reach));
    }
    await ground.failNextChange("403");
    answers.push(await actuator.apply(lease, ground.reach));
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false });
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
  });
}

function takingBack(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("says whose is what stands there", async ({ expect }) => {
    const ground = await given.ground();
    expect(await actuator.inspect(aLease(given), ground.reach)).toBe("gone");
    const lease = await applied(given, ground);
    expect(await actuator.inspect(lease, ground.reach)).toBe("ours");
    await ground.takeOver(lease.id);
    expect(await actuator.inspect(lease, ground.reach)).toBe("changed");
    expect(await actuator.inspect(lease, ground.unreachable)).toBe("unknown");
  });

  it("restores what was there before, and does nothing when asked again", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "restored" });
    expect(await ground.standing(lease.id)).toBeNull();
    const before = await ground.version();
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "gone" });
    expect(await ground.version()).toEqual(before);
  });

  it("says that it is gone when somebody else removed it", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    await ground.remove(lease.id);
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "gone" });
  });

  it("leaves alone what is no longer ours", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    await ground.takeOver(lease.id);
    const before = await ground.version();
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "changed" });
    expect(await ground.version()).toEqual(before);
  });

  it("takes back what it never heard was applied", async ({ expect }) => {
    const ground = await given.ground();
    const lease = await applied(given, ground);
    const answer = await actuator.revert({ ...lease, prior: null }, ground.reach);
    expect(answer).toEqual({ ok: true, value: "restored" });
  });
}

function failing(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("does not claim to know what became of it when nobody answers", async ({ expect }) => {
    const ground = await given.ground();
    const lease = aLease(given);
    const answers = [
      await actuator.apply(lease, ground.unreachable),
      await actuator.verify(lease, ground.unreachable),
      await actuator.revert(lease, ground.unreachable),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ ok: false, error: { class: "unknown_outcome" } });
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    }
    expect(await ground.standing(lease.id)).toBeNull();
  });

  it("refuses what it cannot read from the journal, without repeating it", async ({ expect }) => {
    const ground = await given.ground();
    const broken = [
      aLease(given, { options: { [SECRET]: SECRET } }),
      aLease(given, { prior: { [SECRET]: SECRET } }),
    ];
    for (const lease of broken) {
      for (const act of [actuator.apply, actuator.verify, actuator.revert]) {
        const answer = await act(lease, ground.reach);
        expect(answer).toMatchObject({ ok: false, error: { class: "refuse" } });
        expect(JSON.stringify(answer)).not.toContain(SECRET);
      }
      expect(await actuator.inspect(lease, ground.reach)).toBe("unknown");
    }
  });
}

function describing({ actuator, options, badOptions }: ActuatorUnderTest): void {
  it("takes its own options, and names the field of any other", ({ expect }) => {
    expect(actuator.words.problemsWith(options)).toEqual([]);
    for (const bad of badOptions) {
      expect(actuator.words.problemsWith(bad.options).join("\n")).toContain(bad.field);
    }
  });
}
