/** Attempts to sign in, as production's SDK tells of them. */
import type { SignInReport } from "../../src/traffic/traffic-api.ts";

export const anAttempt = (
  address: string,
  account: string | null,
  { second, failed = 1, succeeded = 0 }: Partial<SignInReport> & Pick<SignInReport, "second">,
): SignInReport => ({ second, address, account, failed, succeeded });

export const failedAt = (second: number) => (address: string, account: string | null) =>
  anAttempt(address, account, { second });

export const openedAt = (second: number) => (address: string, account: string | null) =>
  anAttempt(address, account, { second, failed: 0, succeeded: 1 });
