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
  /** Newest last. */
  counts: z.array(z.object({ atMs: z.number(), rows: z.number() })).max(HISTORY_MAX),
  digest: z.string().nullable(),
  changedAtMs: z.number().nullable(),
});
/** What is remembered from poll to poll: by check, and when all was last well. */
export const integrityNote = z.object({
  checks: z.record(z.string(), past),
  cleanAtMs: z.number().nullable(),
  /** Checks that had their turn and could not run. */
  late: z.array(z.string()).default([]),
});
export type IntegrityNote = z.infer<typeof integrityNote>;
type Past = z.infer<typeof past>;

export const NOTHING_REMEMBERED: IntegrityNote = { checks: {}, cleanAtMs: null, late: [] };
const NO_PAST: Past = { counts: [], digest: null, changedAtMs: null };

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
    case "invariant": {
      const brokenRows = found.broken ?? 0;
      return { isBroken: brokenRows > 0, brokenRows, drop: null, remembered: NO_PAST };
    }
    case "row-count":
      return judgeCount(check, found.rows ?? 0, before, atMs);
    case "checksum":
      return judgeDigest(check, found.digest, before, atMs);
  }
}

/** Against the most rows of the window: a slow loss is a loss. */
function judgeCount(
  { drop_max: dropMax, within }: Extract<IntegrityCheck, { kind: "row-count" }>,
  rows: number,
  before: Past,
  atMs: number,
): Verdict {
  const windowMs = resolveDuration(within, {});
  const recent = before.counts.filter((one) => atMs - one.atMs <= windowMs);
  const most = Math.max(rows, ...recent.map((one) => one.rows));
  const drop = most === 0 ? 0 : 1 - rows / most;
  const last = recent.at(-1);
  // Enough of them to cover the window, and never more.
  const isDue = last === undefined || atMs - last.atMs >= windowMs / (HISTORY_MAX - 1);
  const counts = isDue ? [...recent, { atMs, rows }].slice(-HISTORY_MAX) : recent;
  const isBroken = rows < most * (1 - dropMax);
  return { isBroken, brokenRows: 0, drop, remembered: { ...NO_PAST, counts } };
}

function judgeDigest(
  { within }: Extract<IntegrityCheck, { kind: "checksum" }>,
  digest: string | null,
  before: Past,
  atMs: number,
): Verdict {
  const isChanged = before.digest !== null && digest !== null && before.digest !== digest;
  const changedAtMs = isChanged ? atMs : before.changedAtMs;
  const isBroken = changedAtMs !== null && atMs - changedAtMs < resolveDuration(within, {});
  const remembered = { ...NO_PAST, digest: digest ?? before.digest, changedAtMs };
  return { isBroken, brokenRows: 0, drop: null, remembered };
}
