/**
 * Flapping: an alert that begins and ends again and again, by the share of its last possible changes that it made within a while, newer
 * ones counting for more, as Nagios weighs them. It begins at one share and ends at a lower one. Pure.
 */

/** Changes looked at: as many within the while are a share of 1. */
export const CHANGES_SEEN = 20;
const WEIGHT_NEWEST = 1.2;
const WEIGHT_OLDEST = 0.8;

export type FlapSpec = {
  readonly withinMs: number;
  /** Shares, 0..1. */
  readonly high: number;
  readonly low: number;
};

/** The weighed share of changes. `changesAtMs`: when it began or ended, oldest first. */
export function flapShare(
  changesAtMs: readonly number[],
  { withinMs }: Pick<FlapSpec, "withinMs">,
  atMs: number,
): number {
  const within = changesAtMs.filter((changeAtMs) => atMs - changeAtMs < withinMs);
  return shareOf(Math.min(within.length, CHANGES_SEEN));
}

/** Does it flap now, when it did so before or not? */
export function isFlapping(
  changesAtMs: readonly number[],
  wasFlapping: boolean,
  spec: FlapSpec,
  atMs: number,
): boolean {
  // Most have changed too seldom, whenever that was.
  const most = (changesAtMs.length * WEIGHT_NEWEST) / CHANGES_SEEN;
  if (!wasFlapping && most < spec.high) return false;
  const share = flapShare(changesAtMs, spec, atMs);
  return wasFlapping ? share >= spec.low : share >= spec.high;
}

/** When what flaps stops to, should nothing more happen. */
export function flappingEndsAtMs(changesAtMs: readonly number[], spec: FlapSpec): number {
  const seen = changesAtMs.slice(-CHANGES_SEEN);
  // As changes leave the while one by one: the first with which too few are left.
  const last = seen.find((_, index) => shareOf(seen.length - index - 1) < spec.low);
  return (last ?? 0) + spec.withinMs;
}

/** Of this many newest changes. */
function shareOf(count: number): number {
  let sum = 0;
  for (let place = 0; place < count; place += 1) {
    sum += WEIGHT_NEWEST - ((WEIGHT_NEWEST - WEIGHT_OLDEST) * place) / (CHANGES_SEEN - 1);
  }
  return sum / CHANGES_SEEN;
}
