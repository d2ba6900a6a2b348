/** What a timeline says of signals, as the product reads them. */
import { measured, unknownSignal, type SignalSet } from "../../src/signals/signal.ts";
import type { Readings } from "./timeline-file.ts";

const FRESH_MS = 60_000;

/** All of them said at `atMs`. */
export const signalsSaying = (said: Readings, atMs: number): SignalSet =>
  Object.fromEntries(
    Object.entries(said).map(([name, value]) => [
      name,
      typeof value === "object"
        ? unknownSignal(name, value.unknown, { atMs })
        : measured(name, value, { atMs, freshMs: FRESH_MS }),
    ]),
  );
