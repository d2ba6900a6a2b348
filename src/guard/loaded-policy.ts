/** A policy laid out for deciding: done once when a snapshot is swapped in, never per request. */
import { knownEntry, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import type { Policy } from "../policy/policy.ts";

export type LoadedPolicy = {
  readonly policy: Policy;
  readonly entries: Readonly<Record<EnforcedKind, readonly KnownEntry[]>>;
  /** Entries that this version leaves alone, because it does not know their kind or what they match. */
  readonly unknownEntries: number;
};

/** What one isolate holds, and when somebody last said that it is still the newest. */
export type Snapshot = { readonly loaded: LoadedPolicy; readonly confirmedAtMs: number };

export function loadPolicy(policy: Policy): LoadedPolicy {
  const { features } = policy.settings;
  const known = policy.entries.flatMap((entry) => knownEntry(entry, features) ?? []);
  const ofKind = (kind: EnforcedKind): KnownEntry[] => known.filter((entry) => entry.kind === kind);
  return {
    policy,
    entries: {
      maintenance: ofKind("maintenance"),
      "read-only": ofKind("read-only"),
      "disabled-feature": ofKind("disabled-feature"),
      "emergency-cache": ofKind("emergency-cache"),
    },
    unknownEntries: policy.entries.length - known.length,
  };
}
