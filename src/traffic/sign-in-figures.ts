/**
 * What sign-ins look like from outside: failures by address and by account, and successes that should not have been. Who mistypes comes
 * to sign in after all, so an account that an address failed at and never opened says more than a failure. Pure.
 */
import { HyperLogLog } from "../sketches/hyper-log-log.ts";
import { LATELY_SECONDS, PARTIES_TOLD_MAX } from "./sign-in-memory.ts";
import type { SignInParty, SignInsWindow } from "./traffic-api.ts";

/** More failures than this before a success, or as many accounts tried in vain, and the success is no accident. */
export const MANY_FAILURES = 5;
/** How long a success that should not have been is told. */
export const SUCCESS_TOLD_SECONDS = 60;

export type SignInFigures = {
  /** The most failures within the hour of one address that failed lately. */
  readonly failedPerAddress: number;
  /** The most accounts that one such address tried in vain. */
  readonly accountsPerAddress: number;
  /** The most addresses that tried one account in vain. */
  readonly addressesPerAccount: number;
  /** Different ones that failed lately, about. */
  readonly failingAddresses: number;
  readonly failingAccounts: number;
  /** Accounts that were opened in the last minute by who had failed too often before. */
  readonly suspiciousSuccesses: number;
};

type Other = SignInParty["others"][number];

/** It failed there, and was never let in. */
export const isInVain = ({ failed, lastSucceededSecond }: Other): boolean =>
  failed > 0 && lastSucceededSecond === 0;

/** It was let in there, once at least. */
export const opened = ({ others }: SignInParty): number =>
  others.filter(({ lastSucceededSecond }) => lastSucceededSecond > 0).length;

export const inVain = ({ others }: SignInParty): number => others.filter(isInVain).length;

export function signInFigures(window: SignInsWindow, nowSecond: number): SignInFigures {
  const isLate = ({ lastFailedSecond }: SignInParty): boolean =>
    lastFailedSecond > nowSecond - LATELY_SECONDS;
  const addresses = window.addresses.filter(isLate);
  const accounts = window.accounts.filter(isLate);
  return {
    failedPerAddress: Math.max(0, ...addresses.map(({ failed }) => failed)),
    accountsPerAddress: Math.max(0, ...addresses.map(inVain)),
    addressesPerAccount: Math.max(0, ...accounts.map(inVain)),
    failingAddresses: estimateOf(window.failingAddresses),
    failingAccounts: estimateOf(window.failingAccounts),
    suspiciousSuccesses: suspiciousAccounts(window, nowSecond).size,
  };
}

/** Opened by an address that had failed often, there or elsewhere, or after many addresses had failed at them. */
export function suspiciousAccounts(
  { addresses, accounts }: SignInsWindow,
  nowSecond: number,
): ReadonlySet<string> {
  const isFresh = ({ lastSucceededSecond }: Other): boolean =>
    lastSucceededSecond > nowSecond - SUCCESS_TOLD_SECONDS;
  const byAddress = addresses.flatMap((address) =>
    address.others
      .filter(
        (other) =>
          isFresh(other) && (other.failed > MANY_FAILURES || inVain(address) >= MANY_FAILURES),
      )
      .map(({ name }) => name),
  );
  const byAccount = accounts
    .filter((account) => inVain(account) >= MANY_FAILURES && account.others.some(isFresh))
    .map(({ name }) => name);
  return new Set([...byAddress, ...byAccount]);
}

const estimateOf = (sketch: Uint8Array): number =>
  Math.round(HyperLogLog.fromBytes(sketch)?.estimate() ?? 0);

/** What several shards remember, as one; an address or an account may be known to more than one of them. */
export const mergeSignIns = (windows: readonly SignInsWindow[]): SignInsWindow => ({
  addresses: mergeParties(windows.flatMap(({ addresses }) => addresses)),
  accounts: mergeParties(windows.flatMap(({ accounts }) => accounts)),
  failingAddresses: mergeSketches(windows.map(({ failingAddresses }) => failingAddresses)),
  failingAccounts: mergeSketches(windows.map(({ failingAccounts }) => failingAccounts)),
});

function mergeParties(parties: readonly SignInParty[]): readonly SignInParty[] {
  const merged = new Map<string, SignInParty>();
  for (const party of parties) {
    const known = merged.get(party.name);
    merged.set(party.name, known === undefined ? party : together(known, party));
  }
  return [...merged.values()]
    .toSorted((a, b) => b.failed - a.failed || (a.name < b.name ? -1 : 1))
    .slice(0, PARTIES_TOLD_MAX);
}

function together(one: SignInParty, two: SignInParty): SignInParty {
  const others = new Map(one.others.map((other) => [other.name, other]));
  for (const other of two.others) {
    const known = others.get(other.name);
    others.set(
      other.name,
      known === undefined
        ? other
        : {
            name: other.name,
            failed: known.failed + other.failed,
            lastFailedSecond: Math.max(known.lastFailedSecond, other.lastFailedSecond),
            lastSucceededSecond: Math.max(known.lastSucceededSecond, other.lastSucceededSecond),
          },
    );
  }
  return {
    name: one.name,
    failed: one.failed + two.failed,
    lastFailedSecond: Math.max(one.lastFailedSecond, two.lastFailedSecond),
    others: [...others.values()],
  };
}

/** What is no sketch of ours counts nothing. */
function mergeSketches(sketches: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = sketches.flatMap((bytes) => HyperLogLog.fromBytes(bytes) ?? []);
  if (first === undefined) return new Uint8Array();
  for (const other of others) first.merge(other);
  return first.toBytes();
}
