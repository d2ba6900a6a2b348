/**
 * Times several ways to do the same work against each other. Rounds are interleaved, so that whatever else the machine does
 * falls on all of them, and what is compared is the ratio within a round: its median does not care how fast the machine is.
 * What is counted is the CPU time of the thread, not the clock on the wall.
 */

export type Contestant = {
  readonly name: string;
  /** Does the work `times` times, and returns something that depends on it. */
  readonly run: (times: number) => number;
};

export type Figure = {
  readonly name: string;
  readonly rounds: number;
  /** Nanoseconds for each time the work is done. */
  readonly medianNs: number;
  readonly lowestNs: number;
  readonly highestNs: number;
  /** How many times as long as the first contestant, in the same round. */
  readonly ratio: Spread;
};

/** The median, and what half of the rounds lie between. */
export type Spread = { readonly median: number; readonly p25: number; readonly p75: number };

/** About this long each contestant runs in each round: Linux counts a thread's CPU time in steps of up to 4 ms. */
const ROUND_MS = 160;

export function compare(contestants: readonly Contestant[], rounds: number): readonly Figure[] {
  const times = contestants.map(timesFor);
  const samples = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    // Another one begins each round.
    for (let turn = 0; turn < contestants.length; turn++) {
      const at = (round + turn) % contestants.length;
      samples[at]?.push(nsPerTime(contestants[at], times[at] ?? 1));
    }
  }
  return contestants.map(({ name }, at) => figureOf(name, samples[at] ?? [], samples[0] ?? []));
}

/** Runs the work until it is compiled, and finds how often it fits into a round. */
function timesFor(contestant: Contestant): number {
  let times = 1;
  for (;;) {
    const ns = nsPerTime(contestant, times) * times;
    if (ns > (ROUND_MS * 1e6) / 4) return Math.max(1, Math.round((times * ROUND_MS * 1e6) / ns));
    times *= 4;
  }
}

/** Keeps results alive, so that no work is optimised away. */
let sink = 0;

function nsPerTime(contestant: Contestant | undefined, times: number): number {
  if (contestant === undefined) return Number.NaN;
  return (1e6 * cpuMsOf(() => (sink ^= contestant.run(times)))) / times;
}

/** Milliseconds on the wall, for what is too short to be counted in CPU time: on a busy machine, believe the lower ones. */
export function wallMsOf(work: () => unknown): number {
  const fromMs = performance.now();
  work();
  return performance.now() - fromMs;
}

/** CPU milliseconds of this thread. */
function cpuMsOf(work: () => unknown): number {
  const from = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1_000;
}

function figureOf(name: string, ns: readonly number[], baseline: readonly number[]): Figure {
  const sorted = ns.toSorted((a, b) => a - b);
  const ratios = ns.map((one, round) => one / (baseline[round] ?? Number.NaN));
  return {
    name,
    rounds: ns.length,
    medianNs: quantile(sorted, 0.5),
    lowestNs: quantile(sorted, 0),
    highestNs: quantile(sorted, 1),
    ratio: spreadOf(ratios),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p25: quantile(sorted, 0.25),
    p75: quantile(sorted, 0.75),
  };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
