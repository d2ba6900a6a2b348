/** Compiles all lists into the one table that the policy names. */
import { err, ok, type Result } from "../shared/result.ts";
import type { ListedNetwork } from "./network-list.ts";
import { compileNetworks, NEVER_ENDS_AT_MS, type NetworkEntry } from "./networks.ts";

/** Of all lists together: what an object of the control side compiles within its memory. */
export const LISTED_NETWORKS_MAX = 200_000;
/** Guards end a network by its timestamp; the table is cleared of those that ended at most this often. */
export const TIDY_MS_MIN = 10 * 60_000;

/** The networks of one policy entry. */
export type TableSource = {
  readonly entryId: string;
  readonly action: "allow" | "block";
  readonly networks: readonly ListedNetwork[];
};

export type NetworkTable = {
  readonly bytes: ArrayBuffer;
  /** How many networks have not ended. */
  readonly count: number;
  /** The entries that they belong to. */
  readonly entryIds: readonly string[];
  /** When it is worth compiling again, because some have ended; null: never. */
  readonly tidyAtMs: number | null;
};

/**
 * Null when no network is left. A network without an expiry of its own ends with its entry, which says so in the policy: a list
 * that is prolonged, or put into shadow, keeps its table.
 */
export function compileTable(
  sources: readonly TableSource[],
  nowMs: number,
): Result<NetworkTable | null, string> {
  const entries = sources.flatMap(({ entryId, action, networks }) =>
    networks
      .filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
      .map(({ network, expiresAtMs }): NetworkEntry => ({
        entryId,
        action,
        network,
        expiresAtMs: expiresAtMs ?? NEVER_ENDS_AT_MS,
      })),
  );
  if (entries.length === 0) return ok(null);
  if (entries.length > LISTED_NETWORKS_MAX) {
    return err(
      `the lists would hold ${entries.length} networks together, more than the ${LISTED_NETWORKS_MAX} that fit; merge networks or take a list away`,
    );
  }
  const compiled = compileNetworks({ entries, nowMs });
  if (!compiled.ok) return compiled;
  const firstEndMs = entries.reduce(
    (least, { expiresAtMs }) => Math.min(least, expiresAtMs),
    Infinity,
  );
  return ok({
    bytes: compiled.value,
    count: entries.length,
    entryIds: [...new Set(entries.map(({ entryId }) => entryId))],
    tidyAtMs: firstEndMs < NEVER_ENDS_AT_MS ? Math.max(firstEndMs, nowMs + TIDY_MS_MIN) : null,
  });
}
