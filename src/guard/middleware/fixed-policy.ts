/** The policy of a middleware that is switched by the app itself: one entry, in force for ever. */
import { loadPolicy, type LoadedPolicy } from "../loaded-policy.ts";
import type { EnforcedKind } from "../../policy/kinds.ts";
import { NEVER_ENDS_AT_MS } from "../../policy/networks.ts";
import { defaultSettings, POLICY_FORMAT, type GuardSettings } from "../../policy/policy.ts";

export type FixedEntry = {
  readonly kind: EnforcedKind;
  readonly match?: Readonly<Record<string, unknown>>;
  readonly action: Readonly<Record<string, unknown>>;
  /** `open` goes without saying. */
  readonly fail?: "open" | "closed";
};

/** `settings` is completed with the defaults; nothing is known of addresses, and nothing is ever polled. */
export function fixedPolicy(
  { kind, match = {}, action, fail = "open" }: FixedEntry,
  settings: Partial<GuardSettings>,
): LoadedPolicy {
  return loadPolicy({
    format: POLICY_FORMAT,
    instance: "",
    seq: { epoch: 0, n: 0 },
    compiledAtMs: 0,
    staleAfterMs: Number.MAX_SAFE_INTEGER,
    settings: {
      ...defaultSettings(),
      clientAddress: "none",
      ...settings,
    },
    entries: [
      {
        id: kind,
        kind,
        owner: "app",
        reason: "",
        match,
        action,
        mode: "enforce",
        fail,
        share: 1,
        salt: "",
        expiresAtMs: NEVER_ENDS_AT_MS,
      },
    ],
    blobs: {},
  });
}
