/**
 * Times stands against each other: rounds in which each answers the same requests in turn, its process's CPU time read before
 * and after. Another one begins each round, and what is compared is compared within a round. A turn takes about a second: what
 * a guard does once a second is then paid for by the requests of a second.
 */
import { spreadOf, type Spread } from "./measure.ts";
import type { Stand } from "./stands.ts";
import { openVisitors, type Visitors } from "./workerd/load.ts";

export type RequestFigure = {
  readonly name: string;
  readonly rounds: number;
  readonly requestsPerRound: number;
  /** Microseconds of the workerd process per request. */
  readonly cpuUs: Spread;
  readonly requestsPerSecond: Spread;
  /** Against the first stand, in the same rounds. */
  readonly more: {
    readonly cpuUs: Spread;
    /** The median is at most this, with 95 % confidence. */
    readonly cpuUsUpper95: number;
    readonly cpuRatio: Spread;
    readonly throughputRatio: Spread;
    /** The median is at least this, with 95 % confidence. */
    readonly throughputRatioLower95: number;
  };
  readonly memoryBytes: number;
};

export type RequestPathOptions = {
  readonly requests: readonly Buffer[];
  readonly rounds: number;
  readonly requestsPerRound: number;
};

/** Enough for V8 to have compiled what it will. */
const WARM_UP = 6_000;
const CONNECTIONS = 32;

type Sample = { readonly cpuUs: number; readonly requestsPerSecond: number };

/** @throws {Error} when a stand answers anything but 200: then it was not measured, it was refused. */
export async function compareStands(
  stands: readonly Stand[],
  { requests, rounds, requestsPerRound }: RequestPathOptions,
): Promise<readonly RequestFigure[]> {
  const open = await Promise.all(stands.map((stand) => visited(stand, requests)));
  const samples = stands.map((): Sample[] => []);
  for (const one of open) await serve(one, WARM_UP);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < open.length; turn += 1) {
      const at = (round + turn) % open.length;
      const one = open[at];
      if (one === undefined) continue;
      const { cpuUs, wallMs } = await serve(one, requestsPerRound);
      samples[at]?.push({
        cpuUs: cpuUs / requestsPerRound,
        requestsPerSecond: (1_000 * requestsPerRound) / wallMs,
      });
    }
  }
  for (const { visitors } of open) visitors.leave();
  return stands.map(({ name, workerd }, at) => ({
    name,
    rounds,
    requestsPerRound,
    ...figureOf(samples[at] ?? [], samples[0] ?? []),
    memoryBytes: workerd.memoryBytes(),
  }));
}

type Visited = { readonly stand: Stand; readonly visitors: Visitors };

const visited = async (stand: Stand, requests: readonly Buffer[]): Promise<Visited> => ({
  stand,
  visitors: await openVisitors({
    port: stand.workerd.port("http"),
    requests,
    connections: CONNECTIONS,
  }),
});

async function serve(
  { stand: { name, workerd }, visitors }: Visited,
  count: number,
): Promise<{ readonly cpuUs: number; readonly wallMs: number }> {
  await visitors.come();
  const fromUs = workerd.cpuUs();
  const { wallMs, statuses } = await visitors.ask(count);
  if (statuses.get(200) !== count) {
    throw new Error(`${name} answered ${JSON.stringify([...statuses])} of ${count} requests`);
  }
  return { cpuUs: workerd.cpuUs() - fromUs, wallMs };
}

function figureOf(samples: readonly Sample[], baseline: readonly Sample[]) {
  const pairs = samples.map((sample, round) => ({ sample, base: baseline[round] ?? sample }));
  const more = pairs.map(({ sample, base }) => sample.cpuUs - base.cpuUs);
  const throughput = pairs.map(
    ({ sample, base }) => sample.requestsPerSecond / base.requestsPerSecond,
  );
  return {
    cpuUs: spreadOf(samples.map(({ cpuUs }) => cpuUs)),
    requestsPerSecond: spreadOf(samples.map(({ requestsPerSecond }) => requestsPerSecond)),
    more: {
      cpuUs: spreadOf(more),
      cpuUsUpper95: upper95(more),
      cpuRatio: spreadOf(pairs.map(({ sample, base }) => sample.cpuUs / base.cpuUs)),
      throughputRatio: spreadOf(throughput),
      throughputRatioLower95: -upper95(throughput.map((ratio) => -ratio)),
    },
  };
}

/**
 * A bound that the median is below with 95 % confidence, whatever the values' distribution: how many of n values are below
 * their median is a matter of coin tosses. With fewer than five values no bound is that sure, and the largest is given.
 */
export function upper95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  let probability = 2 ** -n;
  let below = probability;
  let rank = 0;
  while (rank < n && below < 0.95) {
    rank += 1;
    probability *= (n - rank + 1) / rank;
    below += probability;
  }
  return sorted[Math.min(rank, n - 1)] ?? Number.NaN;
}
