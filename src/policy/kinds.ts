/**
 * The kinds of entry that this version enforces, and what their `match` and `action` say. An entry of another kind, or with
 * words in `match` that are not understood here, is left alone and counted: applying it to every request would be worse.
 */
import * as z from "zod";
import type { PolicyEntry } from "./policy.ts";

export const ENFORCED_KINDS = ["maintenance", "read-only"] as const;
export type EnforcedKind = (typeof ENFORCED_KINDS)[number];

export const MATCH_ROUTES_MAX = 64;

/** Which requests: all of them, or those on these routes (`/shop/*`, or one path). */
const match = z.strictObject({
  routes: z.array(z.string().startsWith("/").max(500)).min(1).max(MATCH_ROUTES_MAX).optional(),
});

/** What the visitor is told; both fall back to the site's message and the time the lease has left. */
const action = z.object({
  message: z.string().max(500).optional(),
  retryAfterSeconds: z.int().min(1).max(86_400).optional(),
});

/** An entry whose kind, match and action are understood. */
export type KnownEntry = {
  readonly kind: EnforcedKind;
  readonly entry: PolicyEntry;
  /** Null: every route. */
  readonly routes: readonly string[] | null;
  readonly message: string | null;
  readonly retryAfterSeconds: number | null;
};

/** Reads an entry as one of the kinds above; null when this version does not know what it asks for. */
export function knownEntry(entry: PolicyEntry): KnownEntry | null {
  const kind = ENFORCED_KINDS.find((known) => known === entry.kind);
  const matched = match.safeParse(entry.match);
  const acted = action.safeParse(entry.action);
  if (kind === undefined || !matched.success || !acted.success) return null;
  return {
    kind,
    entry,
    routes: matched.data.routes ?? null,
    message: acted.data.message ?? null,
    retryAfterSeconds: acted.data.retryAfterSeconds ?? null,
  };
}
