/**
 * Who signs in to production and who only tries, as production's SDK tells it. What is known of an address or an account is at least what
 * it did: a part that is missing makes a low number unknown, and a high one no less true.
 */
import { signInFigures } from "../../traffic/sign-in-figures.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { doubtAbout, WINDOW_SECONDS } from "./sdk.ts";

const emits = [
  "sign_ins.failed_per_address_count",
  "sign_ins.accounts_per_address_count",
  "sign_ins.addresses_per_account_count",
  "sign_ins.failing_addresses_count",
  "sign_ins.failing_accounts_count",
  "sign_ins.suspicious_successes_count",
] as const;

export const signIns = defineSource({
  id: "sign_ins",
  emits,
  // As the SDK's other reports: from memory, and an attack wakes the monitor.
  everyMs: { idle: 300_000, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs }) {
    const nowSecond = Math.floor(atMs / 1_000);
    const [reports, window] = await Promise.all([
      traffic.reports(WINDOW_SECONDS, nowSecond),
      traffic.signIns(nowSecond),
    ]);
    const doubt = doubtAbout(reports, { atMs, nowSecond });
    const figures = signInFigures(window, nowSecond);
    if (doubt !== null && reports.lastFlushAtMs === null) {
      return answerAll(emits, { unknown: "no_data", detail: doubt });
    }
    const atLeast = (value: number): Answer =>
      doubt !== null && value === 0 ? { unknown: "no_data", detail: doubt } : { value };
    return {
      "sign_ins.failed_per_address_count": atLeast(figures.failedPerAddress),
      "sign_ins.accounts_per_address_count": atLeast(figures.accountsPerAddress),
      "sign_ins.addresses_per_account_count": atLeast(figures.addressesPerAccount),
      "sign_ins.failing_addresses_count": atLeast(figures.failingAddresses),
      "sign_ins.failing_accounts_count": atLeast(figures.failingAccounts),
      "sign_ins.suspicious_successes_count": atLeast(figures.suspiciousSuccesses),
    };
  },
});
