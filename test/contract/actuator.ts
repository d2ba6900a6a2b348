/** What every reversible actuator owes, whatever it changes: run this suite for each one in the registry, against the real thing. */
import { describe, it } from "vitest";
import type { Reach } from "../../src/mitigations/actuator.ts";
import type { Actuator, StoredLease } from "../../src/mitigations/opaque.ts";

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

export type ActuatorUnderTest = {
  readonly actuator: Actuator;
  readonly options: Readonly<Record<string, unknown>>;
  /** Options it must refuse, and the field it must name. */
  readonly badOptions: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly field: string;
  }[];
  /** A fresh one for each test. */
  readonly ground: () => Ground;
};

const HOUR_MS = 3_600_000;
/** Stands in options and reasons; no failure may repeat it. */
const SECRET = "hunter2-of-the-test";

export function actuatorContract(given: ActuatorUnderTest): void {
  describe(`the actuator contract, kept by ${given.actuator.id}`, () => {
    applying(given);
    adjusting(given);
    takingBack(given);
    failing(given);
    describing(given);
  });
}

const aLease = (
  { options }: ActuatorUnderTest,
  changes: Partial<StoredLease> = {},
): StoredLease => ({
  id: "lse_contract",
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
    const ground = given.ground();
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
    const ground = given.ground();
    const lease = await applied(given, ground);
    expect(await ground.standing(lease.id)).toEqual({
      share: 1,
      shadow: false,
      expiresAtMs: lease.expiresAtMs,
    });
  });

  it("refuses a lease that has already ended", async ({ expect }) => {
    const ground = given.ground();
    const late = aLease(given, { expiresAtMs: Date.now() - 1 });
    expect(await actuator.apply(late, ground.reach)).toMatchObject({
      ok: false,
      error: { class: "refuse" },
    });
    expect(await ground.standing(late.id)).toBeNull();
  });

  it("marks a rehearsal as one", async ({ expect }) => {
    const ground = given.ground();
    const lease = aLease(given, { shadow: true });
    await actuator.apply(lease, ground.reach);
    expect(await ground.standing(lease.id)).toMatchObject({ shadow: true });
  });

  it("verifies what is in force, and nothing else", async ({ expect }) => {
    const ground = given.ground();
    expect(await actuator.verify(aLease(given), ground.reach)).toEqual({ ok: true, value: false });
    const lease = await applied(given, ground);
    expect(await actuator.verify(lease, ground.reach)).toEqual({ ok: true, value: true });
    for (const other of [{ share: 0.5 }, { expiresAtMs: lease.expiresAtMs + 1 }]) {
      const answer = await actuator.verify({ ...lease, ...other }, ground.reach);
      expect(answer).toEqual({ ok: true, value: false });
    }
  });
}

function adjusting(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("takes a new share and a new end", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    const terms = { share: 0.2, expiresAtMs: lease.expiresAtMs + HOUR_MS };
    expect((await actuator.apply({ ...lease, ...terms }, ground.reach)).ok).toBe(true);
    expect(await ground.standing(lease.id)).toEqual({ ...terms, shadow: false });
  });

  it("keeps two leases apart", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    const other = aLease(given, { id: "lse_other", share: 0.5 });
    await actuator.apply(other, ground.reach);
    await actuator.revert(other, ground.reach);
    expect(await ground.standing(lease.id)).toMatchObject({ share: 1 });
  });
}

function takingBack(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("says whose is what stands there", async ({ expect }) => {
    const ground = given.ground();
    expect(await actuator.inspect(aLease(given), ground.reach)).toBe("gone");
    const lease = await applied(given, ground);
    expect(await actuator.inspect(lease, ground.reach)).toBe("ours");
    await ground.takeOver(lease.id);
    expect(await actuator.inspect(lease, ground.reach)).toBe("changed");
    expect(await actuator.inspect(lease, ground.unreachable)).toBe("unknown");
  });

  it("restores what was there before, and does nothing when asked again", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "restored" });
    expect(await ground.standing(lease.id)).toBeNull();
    const before = await ground.version();
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "gone" });
    expect(await ground.version()).toEqual(before);
  });

  it("says that it is gone when somebody else removed it", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    await ground.remove(lease.id);
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "gone" });
  });

  it("leaves alone what is no longer ours", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    await ground.takeOver(lease.id);
    const before = await ground.version();
    expect(await actuator.revert(lease, ground.reach)).toEqual({ ok: true, value: "changed" });
    expect(await ground.version()).toEqual(before);
  });

  it("takes back what it never heard was applied", async ({ expect }) => {
    const ground = given.ground();
    const lease = await applied(given, ground);
    const answer = await actuator.revert({ ...lease, prior: null }, ground.reach);
    expect(answer).toEqual({ ok: true, value: "restored" });
  });
}

function failing(given: ActuatorUnderTest): void {
  const { actuator } = given;

  it("does not claim to know what became of it when nobody answers", async ({ expect }) => {
    const ground = given.ground();
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
    const ground = given.ground();
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
