/** What the signals of the incident's rules, and those of its impact, were worth just before the first bad sample, and from it on. */
import { defineCollector } from "./collector.ts";
import { ok } from "../../shared/result.ts";
import { formatDuration } from "../../shared/duration.ts";
import { IMPACT } from "../impact.ts";
import { isKnown, type Signal } from "../signal.ts";

const BEFORE_MS = 5 * 60_000;
const SIGNALS_MAX = 16;
/** Of each signal: the last ones before onset, and the first ones from it on. */
const BEFORE_MAX = 10;
const SINCE_MAX = 20;

export const signalsAroundOnset = defineCollector({
  id: "signals-around-onset",

  async collect({ signals, history, onsetAtMs }) {
    const names = [...new Set([...signals.slice(0, SIGNALS_MAX - IMPACT.length), ...IMPACT])];
    const samples = await Promise.all(
      names.map(async (name) => around(onsetAtMs, await history(name, onsetAtMs - BEFORE_MS))),
    );
    const facts = Object.fromEntries(
      names.map((name, index) => [name, (samples[index] ?? []).map(toFact)]),
    );
    const count = samples.reduce((total, some) => total + some.length, 0);
    return ok({
      summary: `What the rules read and users felt, from ${formatDuration(BEFORE_MS)} before onset: ${count} samples of ${names.join(", ")}`,
      facts,
    });
  },
});

function around(onsetAtMs: number, samples: readonly Signal[]): readonly Signal[] {
  const before = samples.filter(({ atMs }) => atMs < onsetAtMs);
  const since = samples.filter(({ atMs }) => atMs >= onsetAtMs);
  return [...before.slice(-BEFORE_MAX), ...since.slice(0, SINCE_MAX)];
}

const toFact = (signal: Signal) =>
  isKnown(signal)
    ? { atMs: signal.atMs, value: signal.value }
    : { atMs: signal.atMs, unknown: signal.unknown };
