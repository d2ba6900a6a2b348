/** What a figure should be, and whether it is. Nothing fails for missing one: it is reported, with what it was. */
import type { Spread } from "./measure.ts";

export type Goal = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: { readonly atMost: number } | { readonly atLeast: number };
  readonly isMet: boolean;
  /** What it was compared with in the same rounds; null for a figure that stands alone. */
  readonly baseline: string | null;
  readonly rounds: number;
  readonly spread: Spread | null;
};

type Measured = Omit<Goal, "isMet" | "baseline" | "spread" | "rounds"> & {
  readonly baseline?: string;
  readonly rounds?: number;
  readonly spread?: Spread;
};

export const goal = ({ baseline, rounds, spread, ...measured }: Measured): Goal => ({
  ...measured,
  isMet:
    "atMost" in measured.limit
      ? measured.value <= measured.limit.atMost
      : measured.value >= measured.limit.atLeast,
  baseline: baseline ?? null,
  rounds: rounds ?? 1,
  spread: spread ?? null,
});

export function sayGoal({ what, value, unit, limit, isMet, spread }: Goal): string {
  const wanted = "atMost" in limit ? `at most ${limit.atMost}` : `at least ${limit.atLeast}`;
  const half =
    spread === null ? "" : `, half between ${short(spread.p25)} and ${short(spread.p75)}`;
  return `  ${isMet ? "met   " : "MISSED"}  ${what}: ${short(value)} ${unit} (${wanted}${half})`;
}

export const short = (value: number): string => {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
};
