/** Signals about who signs in to production, and who tries to. */
import * as seen from "./evidence.ts";

export const SECURITY = {
  "sign_ins.failed_per_address_count": {
    type: "int",
    unit: "attempts",
    source: "sign_ins",
    evidence: seen.production,
    describes:
      "The most attempts to sign in that failed within the hour from one address, of those that failed in the last twenty seconds.",
  },
  "sign_ins.accounts_per_address_count": {
    type: "int",
    unit: "accounts",
    source: "sign_ins",
    evidence: seen.production,
    describes:
      "The most accounts that one of those addresses tried within the hour and never opened: credential stuffing.",
  },
  "sign_ins.addresses_per_account_count": {
    type: "int",
    unit: "addresses",
    source: "sign_ins",
    evidence: seen.production,
    describes:
      "The most addresses that tried one account within the hour and never opened it: distributed guessing.",
  },
  "sign_ins.failing_addresses_count": {
    type: "int",
    unit: "addresses",
    source: "sign_ins",
    evidence: seen.production,
    describes: "About how many addresses failed to sign in, in the last twenty seconds.",
  },
  "sign_ins.failing_accounts_count": {
    type: "int",
    unit: "accounts",
    source: "sign_ins",
    evidence: seen.production,
    describes: "About how many accounts they tried.",
  },
  "sign_ins.suspicious_successes_count": {
    type: "int",
    unit: "accounts",
    source: "sign_ins",
    evidence: seen.production,
    describes:
      "Accounts that were opened in the last minute after many failures: of that address, there or at other accounts, or of many addresses.",
  },
} as const satisfies Record<string, seen.SignalSpec>;
