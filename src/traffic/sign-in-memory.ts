/**
 * Who tried to sign in within the last hour: by address, which accounts it tried, and by account, which addresses tried it. Bounded on
 * both sides, whatever is sent: who failed once and long ago makes room first. Pure.
 */
import { hashText } from "../sketches/hash.ts";
import { HyperLogLog } from "../sketches/hyper-log-log.ts";
import type { SignInParty, SignInReport, SignInsWindow } from "./traffic-api.ts";
import { FUTURE_SECONDS_MAX } from "./window.ts";

export const SIGN_INS_KEPT_SECONDS = 3_600;
/** Who failed in so many seconds, failed lately. */
export const LATELY_SECONDS = 20;
/** Addresses, and as many accounts. */
export const PARTIES_MAX = 4_096;
/** Accounts of one address, or addresses of one account; the one dealt with longest ago is forgotten. */
export const OTHERS_MAX = 16;
/** Of each kind, in one answer. */
export const PARTIES_TOLD_MAX = 512;
/** Failures are forgotten in steps of this. */
const STEP_SECONDS = 300;
/** Of those heard of longest ago, so many are compared when one must make room. */
const COMPARED = 16;
const PRECISION = 10;

export class SignInMemory {
  readonly #addresses = new Parties();
  readonly #accounts = new Parties();

  /** Files what one flush told. What is told of an hour ago, or of a time to come, is not. */
  add(signIns: readonly SignInReport[], nowSecond: number): void {
    for (const one of signIns) {
      if (one.second <= nowSecond - SIGN_INS_KEPT_SECONDS) continue;
      if (one.second > nowSecond + FUTURE_SECONDS_MAX) continue;
      this.#addresses.hear(one.address, one.account, one, nowSecond);
      if (one.account !== null) this.#accounts.hear(one.account, one.address, one, nowSecond);
    }
  }

  window(nowSecond: number): SignInsWindow {
    return {
      addresses: this.#addresses.told(nowSecond),
      accounts: this.#accounts.told(nowSecond),
      failingAddresses: this.#addresses.failing(nowSecond),
      failingAccounts: this.#accounts.failing(nowSecond),
    };
  }
}

type Other = { failed: number; lastFailedSecond: number; lastSucceededSecond: number };

type Party = {
  /** By the number of the step. */
  readonly failed: Map<number, number>;
  lastFailedSecond: number;
  lastSecond: number;
  readonly others: Map<string, Other>;
};

class Parties {
  /** Insertion order is order of last hearing. */
  readonly #known = new Map<string, Party>();

  hear(name: string, other: string | null, heard: SignInReport, nowSecond: number): void {
    const party = this.#party(name, heard, nowSecond);
    if (party === null) return;
    party.lastSecond = Math.max(party.lastSecond, heard.second);
    if (heard.failed > 0) {
      const step = Math.floor(heard.second / STEP_SECONDS);
      party.failed.set(step, (party.failed.get(step) ?? 0) + heard.failed);
      party.lastFailedSecond = Math.max(party.lastFailedSecond, heard.second);
    }
    if (other !== null) dealWith(party.others, other, heard, nowSecond);
  }

  told(nowSecond: number): readonly SignInParty[] {
    return this.#lately(nowSecond)
      .map(([name, party]) => ({
        name,
        failed: failedOf(party, nowSecond),
        lastFailedSecond: party.lastFailedSecond,
        others: [...party.others]
          .filter(([, other]) => isRemembered(other, nowSecond))
          .map(([otherName, other]) => ({ name: otherName, ...other })),
      }))
      .toSorted((a, b) => b.failed - a.failed || (a.name < b.name ? -1 : 1))
      .slice(0, PARTIES_TOLD_MAX);
  }

  failing(nowSecond: number): Uint8Array {
    const sketch = new HyperLogLog(PRECISION);
    for (const [name, { lastFailedSecond }] of this.#lately(nowSecond)) {
      if (lastFailedSecond > nowSecond - LATELY_SECONDS) sketch.add(hashText(name));
    }
    return sketch.toBytes();
  }

  /** Those of whom anything was heard lately. */
  #lately(nowSecond: number): readonly (readonly [string, Party])[] {
    return [...this.#known].filter(([, { lastSecond }]) => lastSecond > nowSecond - TOLD_SECONDS);
  }

  /** The party at hand, heard of last; null for a newcomer who only succeeded, of whom there is nothing to remember. */
  #party(name: string, { failed }: SignInReport, nowSecond: number): Party | null {
    const known = this.#known.get(name);
    if (known === undefined && failed === 0) return null;
    const party = known ?? {
      failed: new Map(),
      lastFailedSecond: 0,
      lastSecond: 0,
      others: new Map(),
    };
    this.#known.delete(name);
    if (this.#known.size >= PARTIES_MAX) this.#makeRoom(nowSecond);
    this.#known.set(name, party);
    return party;
  }

  /** Of some that were heard of longest ago, the one that failed least. */
  #makeRoom(nowSecond: number): void {
    let least: { readonly name: string; readonly failed: number } | null = null;
    let compared = 0;
    for (const [name, party] of this.#known) {
      if (compared >= COMPARED) break;
      compared += 1;
      const failed = failedOf(party, nowSecond);
      if (least === null || failed < least.failed) least = { name, failed };
    }
    if (least !== null) this.#known.delete(least.name);
  }
}

/** A success is told for a while after it happened, so that whoever looks seldom sees it. */
const TOLD_SECONDS = 60;

/** What two had to do with each other more than an hour ago, they had not. */
const isRemembered = (
  { lastFailedSecond, lastSucceededSecond }: Other,
  nowSecond: number,
): boolean => Math.max(lastFailedSecond, lastSucceededSecond) > nowSecond - SIGN_INS_KEPT_SECONDS;

function dealWith(
  others: Map<string, Other>,
  name: string,
  heard: SignInReport,
  nowSecond: number,
): void {
  const found = others.get(name);
  const known =
    found !== undefined && isRemembered(found, nowSecond)
      ? found
      : { failed: 0, lastFailedSecond: 0, lastSucceededSecond: 0 };
  // Who got in all along mistyped now and then.
  if (known.lastFailedSecond <= nowSecond - SIGN_INS_KEPT_SECONDS) known.failed = 0;
  others.delete(name);
  if (heard.failed > 0) {
    known.failed += heard.failed;
    known.lastFailedSecond = Math.max(known.lastFailedSecond, heard.second);
  }
  if (heard.succeeded > 0) {
    known.lastSucceededSecond = Math.max(known.lastSucceededSecond, heard.second);
  }
  others.set(name, known);
  if (others.size <= OTHERS_MAX) return;
  const [oldest] = others.keys();
  if (oldest !== undefined) others.delete(oldest);
}

function failedOf({ failed }: Party, nowSecond: number): number {
  let sum = 0;
  for (const [step, count] of failed) {
    if ((step + 1) * STEP_SECONDS <= nowSecond - SIGN_INS_KEPT_SECONDS) failed.delete(step);
    else sum += count;
  }
  return sum;
}
