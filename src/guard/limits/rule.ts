/** A rate limit as the guard enforces it, laid out once when a policy is swapped in. */
import { hashText } from "../../sketches/hash.ts";
import { assert } from "../../shared/assert.ts";
import type { Quota } from "./gcra.ts";

/** What requests are counted by; a rule names one or several, and then counts each combination. */
export const KEY_PARTS = [
  "address",
  "network",
  "asn",
  "country",
  "ja4",
  "session",
  "route",
] as const;
export type KeyPart = (typeof KEY_PARTS)[number];

/**
 * How exactly a limit holds. `isolate`: each isolate counts alone. `shared`: isolates lease tokens from a shard, and no request
 * that is within the limit waits for it in the steady state. `strict`: every request waits for the shard, whose answer is exact.
 */
export const ACCURACIES = ["isolate", "shared", "strict"] as const;
export type Accuracy = (typeof ACCURACIES)[number];

/** For who exceeds a limit again and again: refused for `firstMs`, then twice as long each time. */
export type Penalty = {
  readonly firstMs: number;
  readonly maxMs: number;
  /** This long after the last one ended, the next is the first again. */
  readonly forgetMs: number;
};

export type LimitRule = {
  readonly id: string;
  readonly quota: Quota;
  readonly parts: readonly KeyPart[];
  readonly accuracy: Accuracy;
  /** What a shard that does not answer means: each isolate counts alone (`open`), or what needs the shard is refused. */
  readonly fail: "open" | "closed";
  readonly penalty: Penalty | null;
  /** Keep the keys of one rule apart from any other's, and of one quota from its successor's. */
  readonly seeds: readonly [high: number, low: number];
  /** Where the parts stand in `KEY_PARTS`. */
  readonly places: readonly number[];
};

/** Lays a rule out. `salt` is the instance's: it keeps strangers from computing whose keys collide. */
export function limitRule(rule: Omit<LimitRule, "seeds" | "places">, salt: string): LimitRule {
  assert(rule.parts.length >= 1, "a limit counts by something");
  const { limit, windowMs, burst } = rule.quota;
  const name = `${salt}\n${rule.id}\n${limit}/${windowMs}/${burst}`;
  const places = rule.parts.map((part) => KEY_PARTS.indexOf(part));
  return { ...rule, seeds: [hashText(name, 1), hashText(name, 2)], places };
}

/** How long the `strikes`-th penalty in a row lasts. */
export const penaltyMs = ({ firstMs, maxMs }: Penalty, strikes: number): number =>
  Math.min(firstMs * 2 ** (Math.max(1, strikes) - 1), maxMs);
