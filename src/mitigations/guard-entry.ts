/** What the mitigations that live in our own guard share: a lease is one entry of the policy, under the lease's id. */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import type { PolicyEntry } from "../policy/policy.ts";
import type { AppliedLease, Inspection, LeaseActuator, Reach, Traits } from "./actuator.ts";

/** Nothing stood there before: the entry is named by the lease. */
const noPrior = z.object({ entry: z.null() });
export type NoPrior = z.infer<typeof noPrior>;

/** Which entry a lease is, in the guard's words. */
export type EntryOf<Options> = (
  options: Options,
) => Pick<PolicyEntry, "kind" | "match" | "action" | "fail">;

/** The functions of an actuator whose lease is one policy entry. `touches` may depend on the options. */
export function guardEntry<Options>(
  entryOf: EntryOf<Options>,
  { touches, ...traits }: Traits & { readonly touches: string | ((options: Options) => string) },
): Omit<LeaseActuator<string, Options, NoPrior>, "id" | "kind" | "options"> {
  const desired = (lease: AppliedLease<Options, NoPrior>, reach: Reach): PolicyEntry => ({
    ...entryOf(lease.options),
    id: lease.id,
    owner: `${reach.instance}/${lease.incidentId}`,
    reason: lease.reason,
    mode: lease.shadow ? "shadow" : "enforce",
    share: lease.share,
    salt: lease.id,
    expiresAtMs: lease.expiresAtMs,
  });
  const inspect = async (
    lease: AppliedLease<Options, NoPrior>,
    reach: Reach,
  ): Promise<Inspection> => {
    const found = await reach.policy.get(lease.id);
    if (!found.ok) return "unknown";
    if (found.value === null) return "gone";
    return found.value.owner === desired(lease, reach).owner ? "ours" : "changed";
  };
  return {
    prior: noPrior,
    traits,
    plan: (options) => ({
      ...traits,
      touches: typeof touches === "string" ? touches : touches(options),
    }),
    missing: () => null,
    async apply(lease, reach) {
      const put = await reach.policy.put(desired(lease, reach));
      return put.ok ? ok({ prior: { entry: null }, receipt: { policySeq: put.value.seq } }) : put;
    },
    async verify(lease, reach) {
      const found = await reach.policy.get(lease.id);
      if (!found.ok) return found;
      const wanted = desired(lease, reach);
      return ok(
        found.value?.share === wanted.share && found.value.expiresAtMs === wanted.expiresAtMs,
      );
    },
    inspect,
    async revert(lease, reach) {
      const standing = await inspect(lease, reach);
      if (standing === "changed") return ok("changed");
      const removed = await reach.policy.remove(lease.id);
      return removed.ok ? ok(removed.value.existed ? "restored" : "gone") : removed;
    },
  };
}
