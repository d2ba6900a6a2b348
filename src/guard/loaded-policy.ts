/** A policy laid out for deciding: done once when a snapshot is swapped in, never per request. */
import { clientTable, missingFrom, type ClientTable } from "./client-table.ts";
import type { IpSet } from "./ip/ip-set.ts";
import { networksBlobOf } from "../policy/blobs.ts";
import { knownEntry, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import type { Policy } from "../policy/policy.ts";

export type LoadedPolicy = {
  readonly policy: Policy;
  readonly entries: Readonly<Record<EnforcedKind, readonly KnownEntry[]>>;
  /** Whom the entries that name clients mean; null when there are none, or they cannot be enforced. */
  readonly clients: ClientTable | null;
  /** The blob that was there when this was laid out, which may be one of an earlier policy; null: none. */
  readonly listed: ListedNetworks | null;
  /** Whether that is the blob that the policy names. */
  readonly isWhole: boolean;
  /** Entries that this version leaves alone, because it does not know their kind or what they match, or cannot enforce it. */
  readonly unknownEntries: number;
};

/** What one isolate holds, and when somebody last said that it is still the newest. */
export type Snapshot = { readonly loaded: LoadedPolicy; readonly confirmedAtMs: number };

/** A verified blob, by its name. */
export type ListedNetworks = { readonly sha256: string; readonly set: IpSet };

export function loadPolicy(policy: Policy, listed: ListedNetworks | null = null): LoadedPolicy {
  const { features } = policy.settings;
  const known = policy.entries.flatMap((entry) => knownEntry(entry, features) ?? []);
  const ofKind = (kind: EnforcedKind): KnownEntry[] => known.filter((entry) => entry.kind === kind);
  const { there, missing } = sift(
    [...ofKind("allow-networks"), ...ofKind("block-networks")],
    listed,
  );
  const table = clientTable(there, policy.settings.allowlist, {
    nowMs: policy.compiledAtMs,
    listed: listed?.set ?? null,
  });
  const enforced = table.ok ? there : [];
  return {
    policy,
    clients: table.ok ? table.value : null,
    listed,
    isWhole: networksBlobOf(policy)?.sha256 === listed?.sha256,
    entries: {
      "allow-networks": enforced.filter(({ kind }) => kind === "allow-networks"),
      "block-networks": enforced.filter(({ kind }) => kind === "block-networks"),
      maintenance: ofKind("maintenance"),
      "read-only": ofKind("read-only"),
      "disabled-feature": ofKind("disabled-feature"),
      "write-journal": ofKind("write-journal"),
      "emergency-cache": ofKind("emergency-cache"),
    },
    unknownEntries:
      policy.entries.length - known.length + missing.length + (there.length - enforced.length),
  };
}

/**
 * Which entries can be enforced by the blob that is there. One that allows and is missing takes all with it: a client that it
 * allows must not be blocked for want of it.
 */
function sift(
  entries: readonly KnownEntry[],
  listed: ListedNetworks | null,
): { readonly there: readonly KnownEntry[]; readonly missing: readonly KnownEntry[] } {
  const missing = missingFrom(listed?.set ?? null, entries);
  if (missing.some(({ kind }) => kind === "allow-networks")) return { there: [], missing: entries };
  return { there: entries.filter((known) => !missing.includes(known)), missing };
}
