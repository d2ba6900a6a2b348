/**
 * Throttling: of news that wakes nobody, a channel hears so much at once and no more; the rest waits a while, and then comes together as
 * one message. Whatever asks, wakes or ends is said at once, and what waited is said before it. Pure.
 */
import type { MessageReason } from "./news.ts";

export type Throttle = {
  /** Calm messages that a channel hears at once within `withinMs`. */
  readonly atOnceMax: number;
  readonly withinMs: number;
};

export const USUAL_THROTTLE: Throttle = { atOnceMax: 5, withinMs: 60_000 };

/** More than this does not wait for one channel: it is said then. */
export const HELD_MAX = 20;

/** Good to know, and nothing to be done about it. Whatever is not named here is said at once. */
const CALM: ReadonlySet<string> = new Set<MessageReason>([
  "mitigated",
  "recovery",
  "released",
  "lead_changed",
  "severity_lowered",
  "support_asked",
  "support_answered",
  "bundle",
]);
export const isCalm = (why: string): boolean => CALM.has(why);

/** A message that waits to be told with others. */
export type Held = {
  readonly deliveryId: string;
  readonly channel: string;
  readonly message: string;
  readonly why: string;
  readonly news: string;
  readonly untilMs: number;
};

/** What a channel was told lately, and what waits for it. */
export type Heard = {
  /** When calm messages were asked for, oldest first. */
  readonly calmAtMs: readonly number[];
  readonly held: readonly Held[];
};
export const HEARD_NOTHING: Heard = { calmAtMs: [], held: [] };

/** Until when a calm message has to wait; null: it may be said now. */
export function waitsUntilMs(
  { calmAtMs, held }: Heard,
  { atOnceMax, withinMs }: Throttle,
  atMs: number,
): number | null {
  const [first] = held;
  if (first !== undefined) return first.untilMs;
  const within = calmAtMs.filter((saidAtMs) => atMs - saidAtMs < withinMs);
  const oldest = within.at(-atOnceMax);
  return oldest === undefined ? null : oldest + withinMs;
}

/** When what waits for any channel is to be told; null while nothing does. */
export const heldUntilMs = (heard: Readonly<Record<string, Heard>>): number | null => {
  const all = Object.values(heard).flatMap(({ held }) => held.map(({ untilMs }) => untilMs));
  return all.length === 0 ? null : Math.min(...all);
};
