/** A policy laid out for deciding: done once when a snapshot is swapped in, never per request. */
import { clientTable, missingFrom, type ClientTable } from "./client-table.ts";
import type { IpSet } from "./ip/ip-set.ts";
import { limitTable, type LimitTable } from "./limits/limit-table.ts";
import { networksBlobOf } from "../policy/blobs.ts";
import { isForClients, knownEntry, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import type { StandingLimit } from "../policy/limits.ts";
import { NEVER_ENDS_AT_MS } from "../policy/networks.ts";
import { formatSeq, type Policy, type PolicyEntry } from "../policy/policy.ts";
import { isForSdk } from "../policy/sdk-names.ts";

export type LoadedPolicy = {
  readonly policy: Policy;
  /** Formatted once: a text that is put together for each request is also hashed for each, where it is counted. */
  readonly seqText: string;
  readonly entries: Readonly<Record<EnforcedKind, readonly KnownEntry[]>>;
  /** Whom the entries that name or spare clients mean; null when there are none, or they cannot be enforced. */
  readonly clients: ClientTable | null;
  /** The blob that was there when this was laid out, which may be one of an earlier policy; null: none. */
  readonly listed: ListedNetworks | null;
  /** Whether that is the blob that the policy names. */
  readonly isWhole: boolean;
  /** Null when there are none, or they cannot be enforced. */
  readonly limits: LimitTable | null;
  /** Entries that this version leaves alone, because it does not know their kind or what they match, or cannot enforce it. */
  readonly unknownEntries: number;
};

/** What one isolate holds, and when somebody last said that it is still the newest. */
export type Snapshot = { readonly loaded: LoadedPolicy; readonly confirmedAtMs: number };

/** A verified blob, by its name. */
export type ListedNetworks = { readonly sha256: string; readonly set: IpSet };

export function loadPolicy(policy: Policy, listed: ListedNetworks | null = null): LoadedPolicy {
  const { features, allowlist, limits } = policy.settings;
  const written = [...limits.map(standing), ...policy.entries];
  const known = written.flatMap((entry) => knownEntry(entry, features) ?? []);
  const there = sift(known.filter(isForClients), listed);
  const table = clientTable(there, allowlist, {
    nowMs: policy.compiledAtMs,
    listed: listed?.set ?? null,
  });
  const forClients = table.ok ? there : [];
  const counted = limitTable(forClients, policy.instance);
  const enforced = [
    ...(counted.ok ? forClients : forClients.filter(({ limit }) => limit === null)),
    ...known.filter((entry) => !isForClients(entry)),
  ];
  const ofKind = (kind: EnforcedKind): KnownEntry[] =>
    enforced.filter((entry) => entry.kind === kind);
  // Production's own business: known by name, and not ours to read or enforce.
  const forSdk = policy.entries.filter(({ kind }) => isForSdk(kind)).length;
  return {
    policy,
    seqText: formatSeq(policy.seq),
    clients: table.ok ? table.value : null,
    listed,
    isWhole: networksBlobOf(policy)?.sha256 === listed?.sha256,
    limits: counted.ok && counted.value.all.length > 0 ? counted.value : null,
    entries: {
      "allow-networks": ofKind("allow-networks"),
      "block-networks": ofKind("block-networks"),
      challenge: ofKind("challenge"),
      "rate-limit": ofKind("rate-limit"),
      maintenance: ofKind("maintenance"),
      "read-only": ofKind("read-only"),
      // One without routes is switched off in production itself, by the SDK.
      "disabled-feature": ofKind("disabled-feature").filter(({ routes }) => routes?.length !== 0),
      "write-journal": ofKind("write-journal"),
      "emergency-cache": ofKind("emergency-cache"),
      "security-log": ofKind("security-log"),
    },
    unknownEntries: written.length - enforced.length - forSdk,
  };
}

/**
 * Which entries can be enforced by the blob that is there. One that allows and is missing takes all with it: a client that it
 * allows must not be blocked for want of it.
 */
function sift(
  entries: readonly KnownEntry[],
  listed: ListedNetworks | null,
): readonly KnownEntry[] {
  const missing = missingFrom(listed?.set ?? null, entries);
  if (missing.some(({ kind, entry }) => kind === "allow-networks" && entry.mode === "enforce"))
    return [];
  return entries.filter((known) => !missing.includes(known));
}

/** It has no end, and nobody needs to confirm it: only a deployment of the site changes it. */
const standing = ({ id, match, action, mode, fail }: StandingLimit): PolicyEntry => ({
  id: `${STANDING_PREFIX}${id}`,
  kind: "rate-limit",
  owner: "site",
  reason: "",
  match,
  action,
  mode,
  fail,
  share: 1,
  salt: "",
  expiresAtMs: NEVER_ENDS_AT_MS,
});

const STANDING_PREFIX = "site:";
