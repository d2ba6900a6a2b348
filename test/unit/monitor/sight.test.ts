import { it } from "vitest";
import { probesFail, seesProduction } from "../../../src/monitor/sight.ts";
import { measured, unknownSignal, type Signal } from "../../../src/signals/signal.ts";

const NOW_MS = 1_000_000;
const AT = { atMs: NOW_MS - 1_000, freshMs: 60_000 };

const sees = (...signals: readonly Signal[]): boolean =>
  seesProduction(Object.fromEntries(signals.map((signal) => [signal.name, signal])), NOW_MS);

it.for([
  ["a probe that is answered", measured("probe.around_success_ratio", 1, AT)],
  ["a probe that is not answered", measured("probe.through_success_ratio", 0, AT)],
  ["what visitors get", measured("traffic.error_ratio", 0.2, AT)],
] as const)("%s is a sight of production", ([, signal], { expect }) => {
  expect(sees(signal)).toBe(true);
});

it.for([
  ["nothing", []],
  ["a database that answers", [measured("postgres.reachable_ratio", 1, AT)]],
  ["no visitor at all", [measured("traffic.requests_per_second", 0, AT)]],
  [
    "a probe of long ago",
    [measured("probe.around_success_ratio", 1, { atMs: 0, freshMs: 60_000 })],
  ],
  [
    "a probe that said nothing",
    [unknownSignal("probe.around_success_ratio", "not_configured", AT)],
  ],
] as const)("%s is none", ([, signals], { expect }) => {
  expect(sees(...signals)).toBe(false);
});

it.for([
  [
    "fails when one was answered otherwise",
    [measured("probe.around_success_ratio", 0.5, AT)],
    true,
  ],
  ["does not when all were answered", [measured("probe.around_success_ratio", 1, AT)], false],
  [
    "does not when nobody knows",
    [unknownSignal("probe.around_success_ratio", "timeout", AT)],
    false,
  ],
] as const)("a probe %s", ([, signals, fails], { expect }) => {
  const set = Object.fromEntries(signals.map((signal) => [signal.name, signal]));
  expect(probesFail(set, NOW_MS)).toBe(fails);
});
