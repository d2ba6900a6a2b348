/**
 * Who tries passwords: addresses that failed at many accounts and opened next to none of them. An address behind which people also sign in
 * as they should is a company's or a carrier's, and is left to steps that ask and turn nobody away.
 */
import { z } from "zod";
import { err, ok } from "../../shared/result.ts";
import { inVain, opened } from "../../traffic/sign-in-figures.ts";
import type { SignInParty, SignInsWindow } from "../../traffic/traffic-api.ts";
import { firstOf, nameableBeside } from "../lease-networks.ts";
import { defineSelector, nobody, type Selection } from "../selector.ts";

/** Of the accounts that an offender tried, it may have opened so many: some stolen passwords are right. */
export const OPENED_SHARE_MAX = 0.1;
/** Addresses in one selection; those that tried most. */
export const NAMED_MAX = 500;

const options = z.strictObject({
  /** Accounts that one address tried within the hour and never opened. */
  accounts_min: z.int().min(2).max(16).default(5),
});
type Options = z.infer<typeof options>;

export const authOffenders = defineSelector({
  id: "auth-offenders",
  options,
  fills: () => [{ networks: ["192.0.2.1"] }, { networks: ["2001:db8:1:2::/64"] }],

  async select({ options: terms, atMs }, { traffic, allowlist }) {
    const window = await traffic.signIns(Math.floor(atMs / 1_000));
    // Who is known to offend does so whatever the other shards know; of none known, nothing follows.
    const chosen = chooseOffenders({ window, allowlist }, terms);
    if (chosen.kind === "nobody" && window.silentShards > 0) {
      const detail = `${window.silentShards} shards of the counters did not answer`;
      return err({ class: "retry", detail });
    }
    return ok(chosen);
  },
});

type Seen = {
  readonly window: Pick<SignInsWindow, "addresses">;
  readonly allowlist: readonly string[];
};

/** Pure. */
export function chooseOffenders(
  { window, allowlist }: Seen,
  { accounts_min: accountsMin }: Options,
): Selection {
  const trying = window.addresses.filter((party) => inVain(party) >= accountsMin);
  if (trying.length === 0) {
    return nobody("no_excess", `no address tried ${accountsMin} accounts in vain`);
  }
  const mayName = nameableBeside(allowlist);
  const offenders = trying
    .filter((party) => isOffender(party))
    .filter(({ name }) => mayName(name))
    .toSorted((a, b) => inVain(b) - inVain(a) || b.failed - a.failed || (a.name < b.name ? -1 : 1));
  if (offenders.length === 0) {
    const says = `from each of the ${trying.length} addresses that tried accounts in vain others sign in, or the site spares it`;
    return nobody("would_hit_regulars", says);
  }
  const networks = offenders.slice(0, NAMED_MAX).map(({ name }) => name);
  return {
    kind: "selected",
    picked: { networks },
    says: `${firstOf(networks)}: each tried ${accountsMin} accounts or more, and opened next to none`,
    facts: { offenders: offenders.length, named: networks.length, accountsMin },
  };
}

const isOffender = (party: SignInParty): boolean =>
  opened(party) <= OPENED_SHARE_MAX * party.others.length;
