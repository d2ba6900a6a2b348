/** What Firebreak asks of sign-ins and sessions now: strict mode, and sessions that are over. Production carries it out. */
import { parseCidr, wordMask } from "../guard/ip/cidr.ts";
import type { SdkAction } from "../policy/sdk-kinds.ts";
import type { Accounts } from "./accounts.ts";

/** Clocks of isolates may differ by so much. One session too many is ended rather than a thief's kept. */
export const CLOCKS_DIFFER_MS = 1_000;

export type StrictMode = SdkAction<"strict-mode">;

export type SecurityDeps = {
  readonly strict: StrictMode | null;
  readonly revocations: readonly SdkAction<"sessions-revoked">[];
  readonly accounts: Pick<Accounts, "hashOf">;
  /** The site's. */
  readonly allowlist: readonly string[];
};

export class Security {
  /** Null while nothing more than usual is asked. */
  readonly strict: StrictMode | null;
  readonly #revocations: SecurityDeps["revocations"];
  readonly #accounts: SecurityDeps["accounts"];
  readonly #allowlist: SecurityDeps["allowlist"];

  constructor({ strict, revocations, accounts, allowlist }: SecurityDeps) {
    this.strict = strict;
    this.#revocations = revocations;
    this.#accounts = accounts;
    this.#allowlist = allowlist;
  }

  /** Whether who comes from there may administer; an empty allowlist keeps nobody out. */
  mayAdminister(address: string): boolean {
    if (this.strict?.isAdminListed !== true || this.#allowlist.length === 0) return true;
    return this.#allowlist.some((network) => isWithin(address, network));
  }

  /**
   * Whether a session is over that was issued then; null or a time to come is no answer, and then any revocation ends it. `account` is
   * spelt as it is in reports.
   */
  async isOver(issuedAtMs: number | null, account: string): Promise<boolean> {
    const nowMs = Date.now();
    const since =
      issuedAtMs === null || !(issuedAtMs <= nowMs + CLOCKS_DIFFER_MS) ? -Infinity : issuedAtMs;
    const isTooOld = this.strict !== null && since < nowMs - this.strict.sessionTimeoutMs;
    if (isTooOld) return true;
    const meant = this.#revocations.filter(
      ({ issuedUntilMs }) => since <= issuedUntilMs + CLOCKS_DIFFER_MS,
    );
    if (meant.length === 0) return false;
    if (meant.some(({ accounts }) => accounts === undefined)) return true;
    const hash = await this.#accounts.hashOf(account);
    // Without a key nobody can tell whose session it is; whoever wrote the entry had one.
    return hash === null || meant.some(({ accounts }) => accounts?.includes(hash) === true);
  }
}

function isWithin(address: string, network: string): boolean {
  const [one, around] = [parseCidr(address), parseCidr(network)];
  if (!one.ok || !around.ok || one.value.family !== around.value.family) return false;
  const { words, prefix } = around.value;
  if (one.value.prefix < prefix) return false;
  return words.every(
    (word, at) => ((one.value.words[at] ?? 0) & wordMask(prefix - at * 32)) >>> 0 === word >>> 0,
  );
}
