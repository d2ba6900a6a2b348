/**
 * Chains: which rules hold in a range, and in which order they are asked. Allowing ones come first, then the others; among
 * both, the more specific network. Equal chains get one number, so that a list of 100 000 networks with one owner and one
 * expiry costs one chain.
 */
import { NETWORK_ACTIONS, RULES_MAX, type NetworkAction } from "../guard/ip/blob.ts";
import { err, ok, type Result } from "../shared/result.ts";

/** What a network says: whose entry, what is done, and until when. */
export type NetworkTerm = {
  readonly entryId: string;
  readonly action: NetworkAction;
  readonly expiresAtMs: number;
};

/** How many rules a guard may have to ask about one address. */
export const CHAIN_LENGTH_MAX = 256;

export class Chains {
  /** By number; 0 is the empty chain. */
  readonly expiresAtMs: number[] = [0];
  readonly next: number[] = [0];
  readonly rules: number[] = [0];
  readonly #lengths: number[] = [0];
  readonly #isAllowing: readonly boolean[];
  readonly #numbers = new Map<number, Map<number, Map<number, number>>>();
  /** Of the longest chain. */
  lengthMax = 0;

  constructor(rules: NetworkRules) {
    this.#isAllowing = rules.list.map(({ action }) => action === "allow");
  }

  /** The chain for a network inside one for which `outer` holds. The same as `outer` when the rule adds nothing to it. */
  inside(outer: number, rule: number, expiresAtMs: number): number {
    if (this.#isAllowing[rule] === true) return this.#before(outer, rule, expiresAtMs);
    const allowing: number[] = [];
    let others = outer;
    while (others !== 0 && this.#isAllowing[this.rules[others] ?? 0] === true) {
      allowing.push(others);
      others = this.next[others] ?? 0;
    }
    const inner = this.#before(others, rule, expiresAtMs);
    if (inner === others) return outer;
    return allowing.reduceRight(
      (chain, one) => this.#numberOf(this.rules[one] ?? 0, this.expiresAtMs[one] ?? 0, chain),
      inner,
    );
  }

  /** `rule` and then `chain`, unless `chain` begins with the same rule for as long. */
  #before(chain: number, rule: number, expiresAtMs: number): number {
    const isSaid =
      chain !== 0 && this.rules[chain] === rule && (this.expiresAtMs[chain] ?? 0) >= expiresAtMs;
    return isSaid ? chain : this.#numberOf(rule, expiresAtMs, chain);
  }

  #numberOf(rule: number, expiresAtMs: number, next: number): number {
    const ofRule = getOrMake(this.#numbers, next);
    const ofExpiry = getOrMake(ofRule, rule);
    const known = ofExpiry.get(expiresAtMs);
    if (known !== undefined) return known;
    const number = this.next.length;
    const length = (this.#lengths[next] ?? 0) + 1;
    this.expiresAtMs.push(expiresAtMs);
    this.next.push(next);
    this.rules.push(rule);
    this.#lengths.push(length);
    this.lengthMax = Math.max(this.lengthMax, length);
    ofExpiry.set(expiresAtMs, number);
    return number;
  }
}

/** The distinct pairs of entry and action, in an order that does not depend on that of the networks. */
export type NetworkRules = {
  readonly list: readonly { readonly entryId: string; readonly action: NetworkAction }[];
  /** A rule's place in `list`. */
  readonly numberOf: (term: NetworkTerm) => number;
};

export function numberRules(terms: readonly NetworkTerm[]): Result<NetworkRules, string> {
  const actions = new Map<string, Set<NetworkAction>>();
  for (const { entryId, action } of terms) {
    const known = actions.get(entryId);
    if (known === undefined) actions.set(entryId, new Set([action]));
    else known.add(action);
  }
  const list = [...actions]
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([entryId, ofEntry]) =>
      NETWORK_ACTIONS.filter((action) => ofEntry.has(action)).map((action) => ({
        entryId,
        action,
      })),
    );
  if (list.length > RULES_MAX) {
    return err(`${list.length} entries with networks are more than the ${RULES_MAX} a guard holds`);
  }
  const numbers = new Map<string, Map<NetworkAction, number>>();
  list.forEach(({ entryId, action }, number) => {
    getOrMake(numbers, entryId).set(action, number);
  });
  return ok({
    list,
    numberOf: ({ entryId, action }) => numbers.get(entryId)?.get(action) ?? 0,
  });
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function getOrMake<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<L, V>();
  map.set(key, made);
  return made;
}
