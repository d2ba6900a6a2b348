/** Builders of policies and entries for tests. */
import { guardSettings, POLICY_FORMAT } from "../../src/policy/policy.ts";
import type { GuardSettings, Policy, PolicyEntry } from "../../src/policy/policy.ts";
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
