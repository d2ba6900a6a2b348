/** What is known of an incident's harm, in words that everybody may read. Pure; what nobody measured is not known, and never none. */
import type { Harm } from "../incidents/harm.ts";
import type { PublicUpdate } from "../incidents/public.ts";
import { utcTime } from "../shared/utc.ts";

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
/** From here on nobody counts minutes. */
const HOURS_FROM_MINUTES = 2 * HOUR_MINUTES;
const DAYS_FROM_HOURS = 48;

export type FactFields = Readonly<Record<"impact" | "duration" | "next_update", string>>;

/** @param everyMs How often something new is promised. */
export const factFields = (
  { atMs, status, facts }: Pick<PublicUpdate, "atMs" | "status" | "facts">,
  onsetAtMs: number,
  everyMs: number,
): FactFields => ({
  impact: impactText(facts?.harm ?? null),
  duration: durationText(atMs - onsetAtMs),
  next_update: nextText(status, facts?.isPromised === true ? atMs + everyMs : null),
});

/** `up to 40 % of visitors and 82 % of requests`. */
function impactText(harm: Harm | null): string {
  const shares = [
    ...partText(harm?.visitors ?? null, "visitors"),
    ...partText(harm?.requests ?? null, "requests"),
  ];
  return shares.length === 0 ? "not known yet" : `up to ${shares.join(" and ")}`;
}

const partText = (share: number | null, of: string): readonly string[] =>
  share === null ? [] : [`${atMost(share)} % of ${of}`];

/** In percent, rounded up. */
const atMost = (share: number): number => Math.max(1, Math.ceil(Math.round(share * 1_000) / 10));

/** `12 minutes`. */
export function durationText(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 1) return "under a minute";
  if (minutes < HOURS_FROM_MINUTES) return counted(minutes, "minute");
  const hours = Math.round(minutes / HOUR_MINUTES);
  return hours < DAYS_FROM_HOURS ? counted(hours, "hour") : counted(Math.round(hours / 24), "day");
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

function nextText(status: PublicUpdate["status"], dueAtMs: number | null): string {
  if (status === "resolved") return "none, unless it begins again";
  return dueAtMs === null
    ? "as soon as something changes"
    : `by ${utcTime(dueAtMs).slice(0, "14:32".length)} UTC`;
}
