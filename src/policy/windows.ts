/**
 * Planned windows: maintenance or read-only that was declared ahead, as entries of the policy that begin at a moment. Guards hold
 * them before they begin, so that they begin on time even if everything else is dead by then.
 */
import { object, oneOf, optional, text, whole } from "../shared/shape.ts";
import { startOf } from "./kinds.ts";
import type { PolicyEntry } from "./policy.ts";

/** An entry's id says that it is a window: no incident looks after it. */
export const WINDOW_PREFIX = "win_";

/** Far more than anybody plans; each is read by every guard. */
export const WINDOWS_MAX = 20;

export type Window = {
  readonly id: string;
  readonly kind: "maintenance" | "read-only";
  /** What visitors read; null: the site's own sentence. */
  readonly message: string | null;
  /** For operators only. */
  readonly reason: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
};

const shape = object({
  kind: oneOf(["maintenance", "read-only"]),
  match: object({ startsAtMs: optional(whole()) }),
  action: object({ message: optional(text()), startedAtMs: optional(whole()) }),
});

/** The entry that a window is. */
export const windowEntry = (
  { id, kind, message, reason, startsAtMs, endsAtMs }: Window,
  owner: string,
): PolicyEntry => ({
  id,
  kind,
  owner,
  reason,
  match: { startsAtMs },
  action: message === null ? {} : { message },
  mode: "enforce",
  fail: "open",
  share: 1,
  salt: id,
  expiresAtMs: endsAtMs,
});

/** The windows among the entries, by when they begin. */
export const windowsIn = (entries: readonly PolicyEntry[]): readonly Window[] =>
  entries
    .flatMap((entry) => windowOf(entry) ?? [])
    .toSorted((a, b) => a.startsAtMs - b.startsAtMs || a.endsAtMs - b.endsAtMs);

/** The window that an entry is, null when it is none. */
export function windowOf(entry: PolicyEntry): Window | null {
  const read = entry.id.startsWith(WINDOW_PREFIX) ? shape(entry) : null;
  if (read === null || !read.ok) return null;
  const { kind, match, action } = read.value;
  const startsAtMs = match.startsAtMs ?? action.startedAtMs;
  if (startsAtMs === undefined) return null;
  return {
    id: entry.id,
    kind,
    message: action.message ?? null,
    reason: entry.reason,
    startsAtMs,
    endsAtMs: entry.expiresAtMs,
  };
}

/**
 * What has begun is an entry like any other: its start moves to where nobody enforces it. Guards of the version before, which
 * leave an entry with a start alone, take it from here on.
 */
export function begun(entry: PolicyEntry, nowMs: number): PolicyEntry {
  const startsAtMs = startOf(entry.match);
  if (startsAtMs === null || startsAtMs > nowMs) return entry;
  const { startsAtMs: _, ...match } = entry.match;
  return { ...entry, match, action: { ...entry.action, startedAtMs: startsAtMs } };
}

/** When the next of them begins or ends; Infinity when none does. */
export const nextChangeMs = (entries: readonly PolicyEntry[]): number =>
  Math.min(
    ...entries.map(({ match, expiresAtMs }) => Math.min(startOf(match) ?? Infinity, expiresAtMs)),
  );
