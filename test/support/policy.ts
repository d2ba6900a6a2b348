/** Builders of policies and entries for tests. */
import type { PolicyReach } from "../../src/mitigations/actuator.ts";
import { guardSettings, POLICY_FORMAT } from "../../src/policy/policy.ts";
import type { GuardSettings, Policy, PolicyEntry } from "../../src/policy/policy.ts";
import { ok } from "../../src/shared/result.ts";
import { sure } from "../../src/shared/shape.ts";

/** An entry that puts everyone into maintenance. */
export const anEntry = (changes: Partial<PolicyEntry> = {}): PolicyEntry => ({
  id: "lse_1",
  kind: "maintenance",
  owner: "shop.test/inc_1",
  reason: "the database is down",
  match: {},
  action: {},
  mode: "enforce",
  fail: "open",
  share: 1,
  salt: "lse_1",
  expiresAtMs: 1_000_000,
  ...changes,
});

export const aSettings = (changes: Partial<GuardSettings> = {}): GuardSettings => ({
  ...sure(guardSettings, { title: "The Shop", pollMs: 1_000 }),
  ...changes,
});

export const aPolicy = (changes: Partial<Policy> = {}): Policy => ({
  format: POLICY_FORMAT,
  instance: "shop.test",
  seq: { epoch: 1, n: 1 },
  compiledAtMs: 0,
  staleAfterMs: 900_000,
  settings: aSettings(),
  entries: [],
  blobs: {},
  ...changes,
});

/** The policy as actuators write it, in memory: what the object keeps, without its rules. */
export function aPolicyReach(): PolicyReach & { readonly entries: Map<string, PolicyEntry> } {
  const entries = new Map<string, PolicyEntry>();
  return {
    entries,
    put: async (entry) => {
      entries.set(entry.id, entry);
      return ok({ seq: { epoch: 1, n: entries.size } });
    },
    get: async (id) => ok(entries.get(id) ?? null),
    remove: async (id) => ok({ existed: entries.delete(id) }),
  };
}
