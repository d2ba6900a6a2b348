/** Turns the entries in force into the policy that guards read, or says why that policy must not leave the house. */
import { clientTable } from "../guard/client-table.ts";
import { limitTable } from "../guard/limits/limit-table.ts";
import { err, type Result } from "../shared/result.ts";
import type { NetworksBlob } from "./blobs.ts";
import {
  ENTRIES_MAX,
  POLICY_BYTES_MAX,
  POLICY_FORMAT,
  policy,
  type GuardSettings,
  type Policy,
  type PolicyEntry,
  type PolicySeq,
} from "./policy.ts";
import { ENFORCED_KINDS, isForClients, knownEntry, type KnownEntry } from "./kinds.ts";
import { entryIdOf } from "./list-ids.ts";
import { isSdkEntry } from "./sdk-kinds.ts";
import { isForSdk } from "./sdk-names.ts";
import { begun } from "./windows.ts";

/** How long guards that cannot reach the policy keep enforcing what fails open; what fails closed ends with its expiry. */
export const STALE_AFTER_MS = 15 * 60_000;
/** An entry that would outlive a month is a mistake: leases are renewed, not set for ever. */
export const ENTRY_LIFE_MS_MAX = 31 * 24 * 3_600_000;

export type CompileInput = {
  readonly instance: string;
  readonly previous: PolicySeq;
  /** Of leases and of lists. */
  readonly entries: readonly PolicyEntry[];
  /** The table of the lists' networks; null when they have none. */
  readonly networks: NetworksBlob | null;
  readonly settings: GuardSettings;
  readonly nowMs: number;
};

/** The next policy after `previous`. A refusal says which limit or entry is wrong; the last good policy then stays. */
export function compilePolicy(input: CompileInput): Result<Policy, string> {
  const { instance, previous, settings, nowMs } = input;
  const entries = inForce(input.entries, nowMs).map((entry) => begun(entry, nowMs));
  const problem = problemWith(entries, input);
  if (problem !== null) return err(problem);
  const compiled = policy({
    format: POLICY_FORMAT,
    instance,
    seq: { epoch: previous.epoch, n: previous.n + 1 },
    compiledAtMs: nowMs,
    staleAfterMs: STALE_AFTER_MS,
    settings,
    entries,
    blobs: input.networks === null ? {} : { networks: input.networks },
  });
  if (!compiled.ok) return err(`the policy is malformed: ${compiled.error}`);
  const bytes = new TextEncoder().encode(JSON.stringify(compiled.value)).length;
  if (bytes > POLICY_BYTES_MAX) {
    return err(`the policy is ${bytes} bytes, more than the ${POLICY_BYTES_MAX} a guard reads`);
  }
  return compiled;
}

/** What has not expired, in the order guards try it: widest share first, then the longest, so that Retry-After is not too short. */
const inForce = (entries: readonly PolicyEntry[], nowMs: number): PolicyEntry[] =>
  entries
    .filter((entry) => entry.expiresAtMs > nowMs)
    .toSorted(
      (a, b) =>
        compareText(a.kind, b.kind) ||
        b.share - a.share ||
        b.expiresAtMs - a.expiresAtMs ||
        compareText(a.id, b.id),
    );

function problemWith(
  entries: readonly PolicyEntry[],
  { instance, nowMs, settings }: CompileInput,
): string | null {
  if (entries.length > ENTRIES_MAX) {
    return `${entries.length} entries are more than the ${ENTRIES_MAX} a guard holds`;
  }
  for (const entry of entries) {
    if (entry.expiresAtMs > nowMs + ENTRY_LIFE_MS_MAX) {
      return `entry ${entry.id} would last longer than 31 days; set a shorter lease and extend it`;
    }
    if (isOurs(entry) && knownEntry(entry, settings.features) === null) {
      return `entry ${entry.id}: a ${entry.kind} entry has no such match or action, or the site no such feature`;
    }
    if (isForSdk(entry.kind) && !isSdkEntry(entry)) {
      return `entry ${entry.id}: a ${entry.kind} entry has no such match or action`;
    }
  }
  const forClients = entries
    .filter(isForClients)
    .flatMap((entry) => knownEntry(entry, settings.features) ?? []);
  const unlisted = forClients.flatMap((known) => problemWithList(known, forClients) ?? []);
  if (unlisted[0] !== undefined) return unlisted[0];
  const clients = clientTable(forClients, settings.allowlist, { nowMs, listed: null });
  if (!clients.ok) return clients.error;
  const limits = limitTable(forClients, instance);
  return limits.ok ? null : limits.error;
}

/** A lease may name a list that does the same and lasts as long as the lease does: nobody is blocked, or let go, by a list that ends. */
function problemWithList(
  { entry, clients }: KnownEntry,
  others: readonly KnownEntry[],
): string | null {
  const name = clients?.list ?? null;
  if (name === null) return null;
  const list = others.find((other) => other.entry.id === entryIdOf(name));
  if (list?.kind !== entry.kind) {
    const does = entry.kind === "allow-networks" ? "allow" : "block";
    return `entry ${entry.id}: there is no list ${name} that ${does}s; put it first, in shadow if it is to ${does} nobody by itself`;
  }
  if (list.entry.expiresAtMs < entry.expiresAtMs) {
    return `entry ${entry.id}: the list ${name} would end before it; put the list for longer`;
  }
  return null;
}

/** Kinds of a later version pass through unread; for our own we answer. */
const isOurs = (entry: PolicyEntry): boolean => ENFORCED_KINDS.some((kind) => kind === entry.kind);

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
