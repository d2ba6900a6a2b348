/** Signals about who signs in to production, who tries to, and who uses it as no visitor does. */
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
  "api_use.ids_per_client_count": {
    type: "int",
    unit: "ids",
    source: "api_use",
    evidence: seen.visitors,
    describes:
      "The most different ids of one route that one client asked production for within the last minute, at least; pictures and the like left out.",
  },
  "api_use.client_error_ratio": {
    type: "double",
    unit: "ratio",
    source: "api_use",
    evidence: seen.visitors,
    describes:
      "The highest share of 4xx among the answers of one client within the last minute, of those with at least 30 of them, unless everybody's are.",
  },
  "api_use.scanner_paths_per_client_count": {
    type: "int",
    unit: "requests",
    source: "api_use",
    evidence: seen.visitors,
    describes:
      "The most requests of one client within the last minute for paths that only scanners ask for, such as /.env.",
  },
} as const satisfies Record<string, seen.SignalSpec>;
