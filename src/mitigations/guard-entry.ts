/** What the mitigations that live in our own guard share: a lease is one entry of the policy, under the lease's id, or a few. */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { ok, type Result } from "../shared/result.ts";
import type { PolicyEntry } from "../policy/policy.ts";
import type {
  AppliedLease,
  Inspection,
  LeaseActuator,
  Reach,
  Reverted,
  Traits,
} from "./actuator.ts";

/** Nothing stood there before: the entry is named by the lease. */
const noPrior = z.object({ entry: z.null() });
export type NoPrior = z.infer<typeof noPrior>;

/** An entry, in the guard's words. */
export type EntryWords = Pick<PolicyEntry, "kind" | "match" | "action" | "fail">;
/** One that stands beside the lease's own, under a name of its own. */
export type NamedEntry = EntryWords & { readonly named: string };

type Told<Options> = Traits & { readonly touches: string | ((options: Options) => string) };
type Functions<Options> = Omit<LeaseActuator<string, Options, NoPrior>, "id" | "kind" | "options">;

/** The functions of an actuator whose lease is one policy entry. `touches` may depend on the options. */
export const guardEntry = <Options>(
  entryOf: (options: Options) => EntryWords,
  told: Told<Options>,
): Functions<Options> => guardEntries((options) => [entryOf(options)], told);

/**
 * The same for a lease of several entries. The first is put before the others and taken back after them, so that they never stand without it
 * for longer than a crash lasts; all end by themselves at the lease's end.
 */
export function guardEntries<Options>(
  entriesOf: (options: Options) => readonly [EntryWords, ...NamedEntry[]],
  { touches, ...traits }: Told<Options>,
): Functions<Options> {
  const desired = (
    lease: AppliedLease<Options, NoPrior>,
    reach: Reach,
  ): readonly [PolicyEntry, ...PolicyEntry[]] => {
    const [first, ...others] = entriesOf(lease.options);
    const terms = {
      owner: `${reach.instance}/${lease.incidentId}`,
      reason: lease.reason,
      mode: lease.shadow ? "shadow" : "enforce",
      share: lease.share,
      salt: lease.id,
      expiresAtMs: lease.expiresAtMs,
    } as const;
    return [
      { ...first, ...terms, id: lease.id },
      ...others.map(({ named, ...entry }) => ({ ...entry, ...terms, id: `${lease.id}.${named}` })),
    ];
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
      let receipt: unknown = null;
      for (const entry of desired(lease, reach)) {
        const put = await reach.policy.put(entry);
        if (!put.ok) return put;
        receipt = { policySeq: put.value.seq };
      }
      return ok({ prior: { entry: null }, receipt });
    },
    async verify(lease, reach) {
      for (const wanted of desired(lease, reach)) {
        const found = await reach.policy.get(wanted.id);
        if (!found.ok) return found;
        const { share, expiresAtMs } = found.value ?? {};
        if (share !== wanted.share || expiresAtMs !== wanted.expiresAtMs) return ok(false);
      }
      return ok(true);
    },
    async inspect(lease, reach) {
      const [first, ...others] = desired(lease, reach);
      const own = await standing(first, reach);
      for (const other of others) {
        const found = await standing(other, reach);
        if (found === "changed" || found === "unknown") return found;
      }
      return own;
    },
    revert: (lease, reach) => takeBack(desired(lease, reach), reach),
  };
}

async function standing(wanted: PolicyEntry, reach: Reach): Promise<Inspection> {
  const found = await reach.policy.get(wanted.id);
  if (!found.ok) return "unknown";
  if (found.value === null) return "gone";
  return found.value.owner === wanted.owner ? "ours" : "changed";
}

/** The lease is ours, and so what of it still is goes, whatever became of the rest; where its own entry is somebody else's, all of it stays. */
async function takeBack(
  [first, ...others]: readonly [PolicyEntry, ...PolicyEntry[]],
  reach: Reach,
): Promise<Result<Reverted, Failure>> {
  if ((await standing(first, reach)) === "changed") return ok("changed");
  let isChanged = false;
  for (const other of others.toReversed()) {
    if ((await standing(other, reach)) === "changed") {
      isChanged = true;
      continue;
    }
    const removed = await reach.policy.remove(other.id);
    if (!removed.ok) return removed;
  }
  const removed = await reach.policy.remove(first.id);
  if (!removed.ok) return removed;
  if (isChanged) return ok("changed");
  return ok(removed.value.existed ? "restored" : "gone");
}
