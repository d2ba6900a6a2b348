/** How much users were harmed at the worst, as far as anybody measured it: what the public and messages are told. Pure. */
import { ERRORS, HARMED } from "../signals/impact.ts";
import type { IncidentEvent } from "./journal.ts";
import { readingsIn } from "./readings.ts";

/** Shares from 0 to 1; null: never measured, or never seen harmed, which proves nothing. */
export type Harm = {
  /** Of requests that failed. */
  readonly requests: number | null;
  /** Of visitors who met that; whoever is behind one address counts once. */
  readonly visitors: number | null;
};
export const UNMEASURED: Harm = { requests: null, visitors: null };

/** After an event with readings; no smaller share takes a larger one back. */
export function harmAfter(harm: Harm, event: IncidentEvent): Harm {
  const readings = readingsIn(event);
  if (readings.length === 0) return harm;
  const worst = (signal: string, before: number | null): number | null => {
    const shares = readings
      .filter((reading) => reading.signal === signal)
      .flatMap(({ value }) => (typeof value === "number" && value > 0 ? value : []));
    return shares.length === 0 ? before : Math.max(before ?? 0, ...shares);
  };
  return { requests: worst(ERRORS, harm.requests), visitors: worst(HARMED, harm.visitors) };
}
