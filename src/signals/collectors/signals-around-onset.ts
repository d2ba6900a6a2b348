/** What the signals of the incident's rules were worth in the minutes before the first bad sample and since. */
import { defineCollector } from "./collector.ts";
import { ok } from "../../shared/result.ts";
import { formatDuration } from "../../shared/duration.ts";
import { isKnown, type Signal } from "../signal.ts";

const BEFORE_MS = 5 * 60_000;
const SIGNALS_MAX = 16;
/** The newest ones: those around onset, when the incident has just opened. */
const SAMPLES_MAX = 40;

export const signalsAroundOnset = defineCollector({
  id: "signals-around-onset",

  async collect({ signals, history, onsetAtMs }) {
    const names = signals.slice(0, SIGNALS_MAX);
    const samples = await Promise.all(
      names.map(async (name) => (await history(name, onsetAtMs - BEFORE_MS)).slice(-SAMPLES_MAX)),
    );
    const facts = Object.fromEntries(
      names.map((name, index) => [name, (samples[index] ?? []).map(toFact)]),
    );
    const count = samples.reduce((total, some) => total + some.length, 0);
    return ok({
      summary: `${count} samples of ${names.length} signals since ${formatDuration(BEFORE_MS)} before onset`,
      facts,
    });
  },
});

const toFact = (signal: Signal) =>
  isKnown(signal)
    ? { atMs: signal.atMs, value: signal.value }
    : { atMs: signal.atMs, unknown: signal.unknown };
