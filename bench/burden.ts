/** How much policy a guard has while it is measured. Nothing of it concerns those who ask. */
import type { PolicyEntry } from "../src/policy/policy.ts";

export type Burden = {
  readonly networks: number;
  readonly rules: number;
  /** So many of the rules count every request; the others are for routes of their own, where none of these visitors is. */
  readonly counting: number;
};

/** The usual, as the goals name it. */
export const FULL: Burden = { networks: 100_000, rules: 20, counting: 0 };

export const LIFE_MS = 86_400_000;

/** What all entries of benches and rigs have in common. */
export const ENTRY = {
  owner: "bench",
  reason: "a bench",
  match: {},
  action: {},
  mode: "enforce",
  fail: "open",
  share: 1,
  salt: "",
  expiresAtMs: Date.now() + LIFE_MS,
} as const satisfies Omit<PolicyEntry, "id" | "kind">;

/** What a limit allows; nobody here reaches it. */
export type Allowance = { readonly limit: number; readonly windowMs: number };

/** Of one address; a network has ten times as much. Visitors come often enough for shards to be told of them. */
const USUAL: Allowance = { limit: 1_200, windowMs: 60_000 };

/** The limits of a site. */
export const limitEntries = (
  { rules, counting }: Burden,
  { limit, windowMs }: Allowance = USUAL,
): readonly PolicyEntry[] =>
  Array.from({ length: rules }, (_, rule) => ({
    ...ENTRY,
    id: `limit_${rule}`,
    kind: "rate-limit",
    match: rule < counting ? {} : { routes: [`/api/resource-${rule}/*`] },
    action: {
      limit: limit * (rule % 2 === 0 ? 1 : NETWORK_FACTOR),
      windowMs,
      by: [rule % 2 === 0 ? "address" : "network"],
      name: `limit-${rule}`,
    },
  }));

const NETWORK_FACTOR = 10;
