/**
 * How much traffic is usual at this time: for each hour of the week what came in it in earlier weeks. Weeks are the world's, from
 * the epoch, so an hour moves by one when clocks are changed. Pure; bounded by 168 hours times the weeks that are kept.
 */
import { z } from "zod";

const HOUR_MS = 3_600_000;
const HOURS_PER_WEEK = 168;
/** Kept of each hour; the oldest makes room. */
export const WEEKS_KEPT = 4;
/** With less history nothing is usual. */
export const WEEKS_MIN = 2;
/** Readings that an hour needs to be remembered; one a minute is the rule. */
export const READINGS_MIN = 20;

const hour = z.int().min(0);
const perSecond = z.number().min(0);
/** `hours` are since the epoch. */
const remembered = z.object({ hour, perSecond });
export const usualTraffic = z.object({
  /** By the hour of the week, oldest first. */
  weeks: z.record(z.string(), z.array(remembered).max(WEEKS_KEPT)),
  /** The hour that is going on. */
  current: z.object({ hour, sum: perSecond, readings: z.int().min(0) }).nullable(),
});
export type UsualTraffic = z.infer<typeof usualTraffic>;
export const NOTHING_USUAL: UsualTraffic = { weeks: {}, current: null };

const hourAt = (atMs: number): number => Math.floor(atMs / HOUR_MS);
const keyOf = (at: number): string => String(at % HOURS_PER_WEEK);

/** What is known after one more reading, requests per second. An hour is remembered when the next begins. */
export function learn(known: UsualTraffic, reading: number, atMs: number): UsualTraffic {
  const at = hourAt(atMs);
  const { current } = known;
  if (current !== null && current.hour === at) {
    const { sum, readings } = current;
    return { ...known, current: { hour: at, sum: sum + reading, readings: readings + 1 } };
  }
  const begun = { hour: at, sum: reading, readings: 1 };
  if (current === null || current.readings < READINGS_MIN) return { ...known, current: begun };
  const ended = { hour: current.hour, perSecond: rounded(current.sum / current.readings) };
  const key = keyOf(ended.hour);
  const earlier = (known.weeks[key] ?? []).filter((one) => one.hour < ended.hour);
  const weeks = { ...known.weeks, [key]: [...earlier, ended].slice(-WEEKS_KEPT) };
  return { weeks, current: begun };
}

/** To thousandths, so that all of it fits into what a source may keep. */
const rounded = (rate: number): number => Math.round(rate * 1_000) / 1_000;

export type Usual = { readonly perSecond: number; readonly weeks: number };

/**
 * Requests per second in this hour of earlier weeks: the median, so that one week's outage or campaign does not say what is usual.
 * Null without enough of them.
 */
export function usualAt({ weeks }: UsualTraffic, atMs: number): Usual | null {
  const at = hourAt(atMs);
  const oldest = at - (WEEKS_KEPT + 1) * HOURS_PER_WEEK;
  const rates = (weeks[keyOf(at)] ?? [])
    .filter((one) => one.hour < at && one.hour >= oldest)
    .map((one) => one.perSecond)
    .toSorted((a, b) => a - b);
  if (rates.length < WEEKS_MIN) return null;
  const middle = (rates.length - 1) / 2;
  const [low = 0, high = 0] = [rates[Math.floor(middle)], rates[Math.ceil(middle)]];
  return { perSecond: (low + high) / 2, weeks: rates.length };
}
