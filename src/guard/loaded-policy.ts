/** A policy laid out for deciding: done once when a snapshot is swapped in, never per request. */
import { clientTable, type ClientTable } from "./client-table.ts";
import { knownEntry, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import type { Policy } from "../policy/policy.ts";

export type LoadedPolicy = {
  readonly policy: Policy;
  readonly entries: Readonly<Record<EnforcedKind, readonly KnownEntry[]>>;
  /** Whom the entries that name clients mean; null when there are none, or they cannot be enforced. */
  readonly clients: ClientTable | null;
  /** Entries that this version leaves alone, because it does not know their kind or what they match, or cannot enforce it. */
  readonly unknownEntries: number;
};

/** What one isolate holds, and when somebody last said that it is still the newest. */
export type Snapshot = { readonly loaded: LoadedPolicy; readonly confirmedAtMs: number };

export function loadPolicy(policy: Policy): LoadedPolicy {
  const { features } = policy.settings;
  const known = policy.entries.flatMap((entry) => knownEntry(entry, features) ?? []);
  const ofKind = (kind: EnforcedKind): KnownEntry[] => known.filter((entry) => entry.kind === kind);
  const blocking = ofKind("block-networks");
  const table = clientTable(blocking, policy.settings.allowlist, policy.compiledAtMs);
  const unenforced = table.ok ? 0 : blocking.length;
  return {
    policy,
    clients: table.ok ? table.value : null,
    entries: {
      "block-networks": table.ok ? blocking : [],
      maintenance: ofKind("maintenance"),
      "read-only": ofKind("read-only"),
      "disabled-feature": ofKind("disabled-feature"),
      "emergency-cache": ofKind("emergency-cache"),
    },
    unknownEntries: policy.entries.length - known.length + unenforced,
  };
}
