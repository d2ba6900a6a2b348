/** What a mitigation of two policy entries shares: one lease, the second entry under a name of its own. */
import { ok } from "../shared/result.ts";
import type { LeaseId } from "../shared/ids.ts";
import type { AppliedLease, LeaseActuator } from "./actuator.ts";
import type { NoPrior } from "./guard-entry.ts";

type Entry<Options> = Omit<LeaseActuator<string, Options, NoPrior>, "id" | "kind" | "options">;

/**
 * `first` is put before `second` and taken back after it, so that `second` never stands alone for longer than a crash lasts; both end
 * by themselves at the lease's end. What the lease is, and whose, is read from `first`.
 */
export const twoEntries = <Options>(
  first: Entry<Options>,
  second: Pick<Entry<Options>, "apply" | "verify" | "inspect" | "revert">,
  named: string,
): Entry<Options> => {
  const other = (lease: AppliedLease<Options, NoPrior>): AppliedLease<Options, NoPrior> => ({
    ...lease,
    id: `${lease.id}.${named}` as LeaseId,
  });
  return {
    ...first,
    async apply(lease, reach) {
      const put = await first.apply(lease, reach);
      return put.ok ? second.apply(other(lease), reach) : put;
    },
    async verify(lease, reach) {
      const stands = await first.verify(lease, reach);
      return stands.ok && stands.value ? second.verify(other(lease), reach) : stands;
    },
    async inspect(lease, reach) {
      const [one, two] = [
        await first.inspect(lease, reach),
        await second.inspect(other(lease), reach),
      ];
      return two === "changed" || two === "unknown" ? two : one;
    },
    async revert(lease, reach) {
      if ((await first.inspect(lease, reach)) === "changed") return ok("changed");
      const gone = await second.revert(other(lease), reach);
      return gone.ok ? first.revert(lease, reach) : gone;
    },
  };
};
