/** A failover's two entries against the real policy object: never the one without the other that makes it safe. */
import { describe, it } from "vitest";
import type { Failure } from "../../../src/incidents/journal.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { actuators } from "../../../src/mitigations/registry.ts";
import { ok, type Result } from "../../../src/shared/result.ts";
import { freshPolicy, nobodyAnswers } from "./fresh-policy.ts";

describe("failover-to-replica", () => {
  const lease = () => ({
    id: "lse_failover" as const,
    incidentId: "inc_failover",
    options: {},
    reason: "the primary is down",
    shadow: false,
    share: 1,
    expiresAtMs: Date.now() + 60_000,
    prior: null,
  });
  const { apply, verify, revert } = actuators["failover-to-replica"];

  it("pauses writes and moves reads, and takes both back", async ({ expect }) => {
    const { policy, reach } = freshPolicy();
    const given = lease();
    expect(await apply(given, reach)).toMatchObject({ ok: true });
    const { expiresAtMs } = given;
    expect(new Set(await policy.entries())).toEqual(
      new Set([
        expect.objectContaining({ id: "lse_failover", kind: "read-only", expiresAtMs }),
        expect.objectContaining({ id: "lse_failover.reads", kind: "failover", expiresAtMs }),
      ]),
    );
    expect(await revert(given, reach)).toEqual(ok("restored"));
    expect(await policy.entries()).toEqual([]);
  });

  it("never lets writes through while reads are elsewhere, wherever it is cut off", async ({
    expect,
  }) => {
    const { policy, reach } = freshPolicy();
    /** Nobody answers after so many writes to the policy. */
    const cutOff = (after: number): Reach => {
      let left = after;
      const counted =
        <Given, Answer>(write: (given: Given) => Promise<Result<Answer, Failure>>) =>
        async (given: Given) =>
          left-- > 0 ? write(given) : nobodyAnswers();
      const { put, get, remove } = reach.policy;
      return { ...reach, policy: { put: counted(put), get, remove: counted(remove) } };
    };
    const kinds = async () => (await policy.entries()).map(({ kind }) => kind);
    const given = lease();
    expect(await apply(given, cutOff(1))).toMatchObject({ ok: false });
    expect(await kinds()).toEqual(["read-only"]);
    expect(await verify(given, reach)).toEqual(ok(false));
    expect(await apply(given, reach)).toMatchObject({ ok: true });
    expect(await verify(given, reach)).toEqual(ok(true));
    expect(await revert(given, cutOff(1))).toMatchObject({ ok: false });
    expect(await kinds()).toEqual(["read-only"]);
    expect(await revert(given, reach)).toEqual(ok("restored"));
    expect(await kinds()).toEqual([]);
  });
});
