/** Signals of production's own records of who signed in and who touched what. */
import * as seen from "./evidence.ts";

const count = (unit: string, describes: string) =>
  ({ type: "int", unit, source: "audit", evidence: seen.records, describes }) as const;

export const AUDIT = {
  "audit.failed_sign_ins_count": count(
    "attempts",
    "Attempts to sign in that failed lately, which is the last two minutes unless the site says otherwise, as production's records have them.",
  ),
  "audit.failed_per_address_count": count(
    "attempts",
    "The most that failed within the hour from one address, of those that failed lately.",
  ),
  "audit.accounts_per_address_count": count(
    "accounts",
    "The most accounts that one of those addresses tried and never opened: credential stuffing.",
  ),
  "audit.addresses_per_account_count": count(
    "addresses",
    "The most addresses that tried one account and never opened it: distributed guessing.",
  ),
  "audit.suspicious_successes_count": count(
    "accounts",
    "Accounts that were opened lately after many failures, of that address or of many.",
  ),
  "audit.new_address_sign_ins_count": count(
    "accounts",
    "Accounts that were opened lately from an address that is new to them; newcomers do not count.",
  ),
  "audit.unknown_address_accesses_count": count(
    "accesses",
    "Accesses of the last ten minutes from an address that is new to the account.",
  ),
  "audit.privileged_actions_count": count(
    "actions",
    "Actions of the last ten minutes that the site calls privileged, such as a bulk export.",
  ),
  "audit.privileged_unknown_address_count": count(
    "actions",
    "Those of them from an address that is new to the account.",
  ),
} as const satisfies Record<string, seen.SignalSpec>;
