/** What the guard decides for one request. The reasons are a closed list: they are metric labels, journal words and test names. */
import type { PolicySeq } from "../policy/policy.ts";

export const VERDICT_REASONS = [
  "clean",
  "guard_off",
  "own_route",
  "blocked",
  "challenged",
  "challenge_unavailable",
  "allowlisted",
  "protected",
  "limited",
  "limited_for_a_while",
  "limit_unavailable",
  "operator_bypass",
  "maintenance",
  "maintenance_exempt",
  "static_asset",
  "read_only",
  "read_only_exempt",
  "disabled_feature",
  "journaled",
  "journal_full",
  "journal_missed",
  "journal_unproved",
  "emergency_cache",
  "emergency_cache_stale",
  "shadowed",
  "no_policy",
  "guard_fault",
] as const;
export type VerdictReason = (typeof VERDICT_REASONS)[number];

/**
 * On answers to probes of ours: the policy decided on (`epoch.n`, or `none`), and the reason. The first on all answers while
 * operators ask for it, the second never on a visitor's.
 */
export const POLICY_HEADER = "x-firebreak-policy";
export const VERDICT_HEADER = "x-firebreak-verdict";

export type Verdict = {
  /** `serve` goes to production; the others are answered by the guard. */
  readonly action:
    | "serve"
    | "block"
    | "limit"
    | "challenge"
    | "maintenance"
    | "read_only"
    | "disabled_feature"
    | "journal";
  readonly reason: VerdictReason;
  readonly entryId: string | null;
  readonly policySeq: PolicySeq | null;
};
