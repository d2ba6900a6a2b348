/** What can be wrong with something that the guard depends on, and how far away it is. */
import { setTimeout as sleep } from "node:timers/promises";

/** `hangs`: accepts and never answers. `drops`: closes the connection. */
export const FAULTS = ["fails", "hangs", "drops", "garbage"] as const;
export type Fault = (typeof FAULTS)[number];

export type Distance = { readonly fromMs: number; readonly untilMs: number };

/** As long as anything here waits; a request that hangs is given up by then. */
export const HANG_MS = 30_000;

export const travel = ({ fromMs, untilMs }: Distance, signal: AbortSignal): Promise<unknown> =>
  sleep(fromMs + Math.random() * (untilMs - fromMs), undefined, { signal }).catch(() => undefined);

export const GARBAGE = '{"seq":{"epoch":"yesterday"},"policy":[[[';
