/** Silences: what is expected for a while, and should wake nobody. Each must end, and says who wanted it and why. Pure. */
import { err, ok, type Result } from "../shared/result.ts";
import { matchesAll, readMatchers, type Labels, type Matcher } from "./matchers.ts";

export const SILENCE_MS_MIN = 60_000;
/** Longer than this is no silence but a rule that should be changed. */
export const SILENCE_MS_MAX = 31 * 24 * 3_600_000;
/** How far ahead one may begin. */
export const SILENCE_AHEAD_MS_MAX = 31 * 24 * 3_600_000;
/** Pending and active ones at once. */
export const SILENCES_MAX = 200;
/** How long one that has ended can still be read, as in Alertmanager. */
export const EXPIRED_KEEP_MS = 120 * 3_600_000;
/** Of those at once; the oldest go first. */
export const EXPIRED_MAX = 500;
/** Kept of what was done to one silence; the first and the last. */
export const CHANGES_MAX = 50;

export type Silence = {
  /** `sil_…`; of a maintenance window its id, `win_…`. */
  readonly id: string;
  readonly matchers: readonly string[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly author: string;
  readonly comment: string;
  /** From 1; each change is one more. */
  readonly revision: number;
  /** Who did what to it, oldest first. */
  readonly changes: readonly SilenceChange[];
};

export type SilenceChange = {
  readonly atMs: number;
  readonly by: string;
  readonly did: "created" | "replaced" | "expired";
};

export const SILENCE_STATES = ["pending", "active", "expired"] as const;
export type SilenceState = (typeof SILENCE_STATES)[number];

export const silenceState = (
  { startsAtMs, endsAtMs }: Pick<Silence, "startsAtMs" | "endsAtMs">,
  atMs: number,
): SilenceState => (atMs >= endsAtMs ? "expired" : atMs < startsAtMs ? "pending" : "active");

/** Why something is quiet. */
export const MUTE_REASONS = [
  "silenced",
  "maintenance",
  "inhibited",
  "flapping",
  "gathering",
] as const;
export type MuteReason = (typeof MUTE_REASONS)[number];

export const reasonOf = ({ id }: Pick<Silence, "id">): MuteReason =>
  id.startsWith("win_") ? "maintenance" : "silenced";

/** Whatever its time: does it mean what has these labels? One whose matchers this version cannot read means nothing. */
export function silenceMeans(silence: Pick<Silence, "matchers">, labels: Labels): boolean {
  const matchers = compiled(silence);
  return matchers.length > 0 && matchesAll(matchers, labels);
}

const known = new WeakMap<object, readonly Matcher[]>();

function compiled(silence: Pick<Silence, "matchers">): readonly Matcher[] {
  const before = known.get(silence);
  if (before !== undefined) return before;
  const read = readMatchers(silence.matchers);
  const matchers = read.ok ? read.value : [];
  known.set(silence, matchers);
  return matchers;
}

export type AskedSilence = Omit<Silence, "revision" | "changes"> & {
  /** Who asks now, and when. */
  readonly by: string;
  readonly atMs: number;
  /** Make one that must not be there yet, or replace one that must be. */
  readonly as: "new" | "replacement" | "either";
};

/** `full`: there are `SILENCES_MAX`; `over`: what has ended cannot be changed. */
export type SilenceRefusal = "unknown" | "over" | "full";

/** The silence that is asked for; the very one of `silences` where nothing is to be done. */
export function silenceFor(
  silences: readonly Silence[],
  { by, as, atMs, ...wanted }: AskedSilence,
): Result<Silence, SilenceRefusal> {
  const before = silences.find(({ id }) => id === wanted.id) ?? null;
  if (before === null) {
    if (as === "replacement") return err("unknown");
    const going = silences.filter((silence) => silenceState(silence, atMs) !== "expired");
    if (going.length >= SILENCES_MAX) return err("full");
    return ok(changed(wanted, null, { atMs, by, did: "created" }));
  }
  // Asked again: whoever asks did not hear the answer.
  if (as === "new" || saysTheSame(before, wanted)) return ok(before);
  if (silenceState(before, atMs) === "expired") return err("over");
  return ok(changed(wanted, before, { atMs, by, did: "replaced" }));
}

/** The silence ended now; itself, where it has ended already. */
export function endedNow(silence: Silence, by: string, atMs: number): Silence {
  if (silenceState(silence, atMs) === "expired") return silence;
  const startsAtMs = Math.min(silence.startsAtMs, atMs);
  return changed({ ...silence, startsAtMs, endsAtMs: atMs }, silence, {
    atMs,
    by,
    did: "expired",
  });
}

type Wanted = Omit<Silence, "revision" | "changes">;

const saysTheSame = (one: Wanted, other: Wanted): boolean =>
  JSON.stringify(wordsOf(one)) === JSON.stringify(wordsOf(other));

const wordsOf = ({ matchers, startsAtMs, endsAtMs, author, comment }: Wanted) => [
  matchers,
  startsAtMs,
  endsAtMs,
  author,
  comment,
];

/** The silence as it is after a change: what was before it is kept as who did what. */
const changed = (silence: Wanted, before: Silence | null, change: SilenceChange): Silence => {
  const changes = [...(before?.changes ?? []), change];
  const kept =
    changes.length > CHANGES_MAX
      ? [...changes.slice(0, 1), ...changes.slice(1 - CHANGES_MAX)]
      : changes;
  return { ...silence, revision: (before?.revision ?? 0) + 1, changes: kept };
};

/** When the next of them begins or ends; Infinity when none does. */
export const nextSilenceChangeMs = (silences: readonly Silence[], atMs: number): number =>
  Math.min(
    ...silences.flatMap(({ startsAtMs, endsAtMs }) =>
      [startsAtMs, endsAtMs].filter((changeAtMs) => changeAtMs > atMs),
    ),
    Infinity,
  );
