/** What the answers to the checks mean, next to what they were before. Pure. */
import { z } from "zod";
import { resolveDuration } from "../playbooks/params.ts";
import type { IntegrityCheck } from "./check.ts";

/** Earlier counts kept of one table; the time between two grows with the window. */
export const HISTORY_MAX = 24;

/** What one check found. */
export type Found = {
  readonly broken: number | null;
  readonly rows: number | null;
  readonly digest: string | null;
};

const past = z.object({
  /** Newest last; of each stretch of time the most rows. */
  counts: z.array(z.object({ atMs: z.number(), rows: z.number() })).max(HISTORY_MAX),
  /** The rows before the loss, for as long as it is one; null when nothing is lost. */
  held: z.number().nullable().default(null),
  /** As it should be: what was there first, or what a person accepted. */
  digest: z.string().nullable(),
  changedAtMs: z.number().nullable(),
});
/** What is remembered from poll to poll: by check, and when all was last well. */
export const integrityNote = z.object({
  checks: z.record(z.string(), past),
  cleanAtMs: z.number().nullable(),
  /** When they were last judged. */
  judgedAtMs: z.number().default(0),
  /** Checks that had their turn and could not run. */
  late: z.array(z.string()).default([]),
});
export type IntegrityNote = z.infer<typeof integrityNote>;
type Past = z.infer<typeof past>;

export const NOTHING_REMEMBERED: IntegrityNote = {
  checks: {},
  cleanAtMs: null,
  judgedAtMs: 0,
  late: [],
};
const NO_PAST: Past = { counts: [], held: null, digest: null, changedAtMs: null };

/** Whether anything is remembered that only the rows' return, or a person, ends. */
export const isHeld = ({ held, changedAtMs }: Past): boolean =>
  held !== null || changedAtMs !== null;

/** Checks whose state a person accepted after they were last judged: what was before is forgotten, and what is now is right. */
export const forgetting = (note: IntegrityNote, accepted: readonly string[]): IntegrityNote => ({
  ...note,
  checks: Object.fromEntries(Object.entries(note.checks).filter(([id]) => !accepted.includes(id))),
});

export type Verdict = {
  readonly isBroken: boolean;
  readonly brokenRows: number;
  /** Share of its rows that the table has lost, 0 for none; null for a check that does not count rows. */
  readonly drop: number | null;
  readonly remembered: Past;
};

/** Judges one check by what it found and what it found before. */
export function judge(
  check: IntegrityCheck,
  found: Found,
  note: IntegrityNote,
  atMs: number,
): Verdict {
  const before = note.checks[check.id] ?? NO_PAST;
  switch (check.kind) {
    case "orphans":
    case "duplicates":
    case "invariant":
    case "replica": {
      const brokenRows = found.broken ?? 0;
      return { isBroken: brokenRows > 0, brokenRows, drop: null, remembered: NO_PAST };
    }
    case "row-count":
      return judgeCount(check, found.rows ?? 0, before, atMs);
    case "checksum":
      return judgeDigest(found.digest, before, atMs);
  }
}

/**
 * Against the most rows of the window: a slow loss is a loss. Once lost, the window no longer matters: the loss is one until the
 * rows are back, or a person accepts that they are gone.
 */
function judgeCount(
  { drop_max: dropMax, within }: Extract<IntegrityCheck, { kind: "row-count" }>,
  rows: number,
  before: Past,
  atMs: number,
): Verdict {
  const windowMs = resolveDuration(within, {});
  const recent = before.counts.filter((one) => atMs - one.atMs <= windowMs);
  const most = Math.max(rows, before.held ?? 0, ...recent.map((one) => one.rows));
  const drop = most === 0 ? 0 : 1 - rows / most;
  const isBroken = rows < most * (1 - dropMax);
  const counts = counted(recent, { atMs, rows }, windowMs);
  const held = isBroken ? most : null;
  return { isBroken, brokenRows: 0, drop, remembered: { ...NO_PAST, counts, held } };
}

/** Enough of them to cover the window, and never more; a peak between two of them is not lost. */
function counted(
  recent: Past["counts"],
  now: Past["counts"][number],
  windowMs: number,
): Past["counts"] {
  const last = recent.at(-1);
  const isDue = last === undefined || now.atMs - last.atMs >= windowMs / (HISTORY_MAX - 1);
  if (isDue) return [...recent, now].slice(-HISTORY_MAX);
  return [...recent.slice(0, -1), { atMs: last.atMs, rows: Math.max(last.rows, now.rows) }];
}

/** A change is one until it is undone, or a person accepts it. */
function judgeDigest(digest: string | null, before: Past, atMs: number): Verdict {
  const isBroken = before.digest !== null && digest !== null && before.digest !== digest;
  const changedAtMs = isBroken ? (before.changedAtMs ?? atMs) : null;
  const remembered = { ...NO_PAST, digest: before.digest ?? digest, changedAtMs };
  return { isBroken, brokenRows: 0, drop: null, remembered };
}
