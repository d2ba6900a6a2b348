/** How much policy a guard has while it is measured. Nothing of it concerns those who ask. */
import type { PolicyEntry } from "../src/policy/policy.ts";

export type Burden = { readonly networks: number; readonly rules: number };

/** The usual, as the goals name it. */
export const FULL: Burden = { networks: 100_000, rules: 20 };

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

/** A site's limits, as sites have them: two for everyone, the others for routes of their own, where none of these visitors is. */
export const limitEntry = (rule: number, { limit, windowMs } = USUAL): PolicyEntry => ({
  ...ENTRY,
  id: `limit_${rule}`,
  kind: "rate-limit",
  match: rule < FOR_EVERYONE.length ? {} : { routes: [`/api/resource-${rule}/*`] },
  action: {
    limit: limit * (rule === 1 ? NETWORK_FACTOR : 1),
    windowMs,
    by: FOR_EVERYONE[rule] ?? ["address"],
    name: `limit-${rule}`,
  },
});

const FOR_EVERYONE = [["address"], ["network"]] as const;
const NETWORK_FACTOR = 10;
