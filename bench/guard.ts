/** What the guard costs each request, next to a bare pass-through and to what others would put in its place. */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { FULL } from "./burden.ts";
import { goal, short, type Goal } from "./goal.ts";
import { compareStands, type RequestFigure } from "./request-path.ts";
import { ON_RATE_LIMIT_BINDING, startPeers } from "./peers.ts";
import { sayProfile, type ProfileLine } from "./profile.ts";
import { STAND_WORKERS, startApp, startGuard, type Stand, type StandOptions } from "./stands.ts";
import { visitorRequests } from "./visitors.ts";
import { bundle } from "./workerd/bundle.ts";
import { load } from "./workerd/load.ts";
import { profile } from "./workerd/profile.ts";

export type GuardReport = {
  /** The goal's pair, with and without Cloudflare's view of the connection. */
  readonly pair: {
    readonly withCf: readonly RequestFigure[];
    readonly withoutCf: readonly RequestFigure[];
  };
  readonly burdens: readonly RequestFigure[];
  readonly peers: readonly RequestFigure[];
  /** Of the full guard, in microseconds per request; sampling itself takes its part. */
  readonly profile: readonly ProfileLine[];
};

const REQUESTS_PER_ROUND = 4_000;
const BURDEN_ROUNDS_MAX = 15;
/** What is far off needs fewer rounds to be seen. */
const PEER_ROUNDS_MAX = 7;

export async function guard(rounds: number): Promise<GuardReport> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  // The last core is for whoever measures.
  const options: StandOptions = { directory, core: cpus().length > 1 ? 0 : null };
  try {
    await bundle(STAND_WORKERS, directory);
    const full = () => startGuard("full guard", FULL, options);
    return {
      pair: {
        withCf: await compared([passThrough(options), full()], rounds, true),
        withoutCf: await compared([passThrough(options), full()], rounds, false),
      },
      burdens: await compared(
        [
          full(),
          startGuard("1 000 networks, 20 rules", { ...FULL, networks: 1_000 }, options),
          startGuard("100 000 networks, 2 rules", { ...FULL, rules: 2 }, options),
          startGuard("100 000 networks, 200 rules", { ...FULL, rules: 200 }, options),
          startGuard("two of the rules count everyone", { ...FULL, counting: 2 }, options),
        ],
        Math.min(rounds, BURDEN_ROUNDS_MAX),
        true,
      ),
      profile: await profileOf(options),
      peers: await compared(
        [full(), passThrough(options), ...startPeers(options)],
        Math.min(rounds, PEER_ROUNDS_MAX),
        true,
      ),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const passThrough = (options: StandOptions): Promise<Stand> =>
  startApp("pass-through", { name: "bare Hono pass-through" }, options);

async function compared(
  starting: readonly Promise<Stand>[],
  rounds: number,
  hasCf: boolean,
): Promise<readonly RequestFigure[]> {
  await using stack = new AsyncDisposableStack();
  const started = await Promise.allSettled(starting);
  const stands = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  for (const { workerd } of stands) stack.use(workerd);
  for (const one of started) if (one.status === "rejected") throw one.reason;
  const requests = visitorRequests({ hasCf });
  const figures = await compareStands(stands, {
    requests,
    rounds,
    requestsPerRound: REQUESTS_PER_ROUND,
  });
  // The whole takes minutes; what is known is said at once, and again in order at the end.
  console.error(figures.map(sayFigure).join("\n"));
  return figures;
}

const PROFILED_REQUESTS = 20_000;
const PROFILE_LINES = 25;

async function profileOf(options: StandOptions): Promise<readonly ProfileLine[]> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-profile-"));
  try {
    await bundle(STAND_WORKERS, directory, { isMinified: false });
    const { workerd } = await startGuard("profiled", FULL, { ...options, directory });
    await using _ = workerd;
    const serve = { port: workerd.port("http"), requests: visitorRequests({ hasCf: true }) };
    const work = () => load({ ...serve, count: PROFILED_REQUESTS, connections: 32 });
    await work();
    const lines = await profile(workerd, "guard", work);
    return lines.slice(0, PROFILE_LINES).map((line) => ({
      ...line,
      microseconds: line.microseconds / PROFILED_REQUESTS,
    }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const named = (figures: readonly RequestFigure[], name: string): RequestFigure => {
  const found = figures.find((figure) => figure.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
};

export function guardGoals({ pair, burdens, peers }: GuardReport): readonly Goal[] {
  const pairGoals = (Object.entries(pair) as [string, readonly RequestFigure[]][]).flatMap(
    ([how, figures]) =>
      pairGoalsOf(how === "withCf" ? "request.cf filled" : "no request.cf", figures),
  );
  const growth = burdens
    .filter(({ name }) => name.endsWith("rules"))
    .map(({ name, rounds, more }) =>
      goal({
        what: `CPU per request with ${name}, of the full guard's`,
        value: more.cpuRatio.median,
        unit: "×",
        limit: name.includes("200 rules") ? { atMost: 1.1 } : { atLeast: 0.9 },
        baseline: "full guard",
        rounds,
        spread: more.cpuRatio,
      }),
    );
  return [...pairGoals, ...growth, ...peerGoals(peers)];
}

function pairGoalsOf(how: string, figures: readonly RequestFigure[]): readonly Goal[] {
  const { rounds, more } = named(figures, "full guard");
  const common = { baseline: "bare Hono pass-through", rounds };
  const cpu = { ...common, unit: "µs", spread: more.cpuUs };
  const throughput = { ...common, unit: "×", spread: more.throughputRatio };
  return [
    goal({ ...cpu, what: `CPU added, ${how}`, value: more.cpuUs.median, limit: { atMost: 10 } }),
    goal({
      ...cpu,
      what: `CPU added, upper 95 % bound, ${how}`,
      value: more.cpuUsUpper95,
      limit: { atMost: 25 },
    }),
    goal({
      ...throughput,
      what: `throughput, ${how}`,
      value: more.throughputRatio.median,
      limit: { atLeast: 0.95 },
    }),
    goal({
      ...throughput,
      what: `throughput, lower 95 % bound, ${how}`,
      value: more.throughputRatioLower95,
      limit: { atLeast: 0.9 },
    }),
  ];
}

/** How many times as much the guard serves as a peer does. */
const PEER_GOALS: readonly (readonly [name: string, atLeast: number])[] = [
  ["hono/ip-restriction, 100 000 networks", 4],
  ["@upstash/ratelimit over HTTP", 2],
];

const peerGoals = (peers: readonly RequestFigure[]): readonly Goal[] =>
  PEER_GOALS.map(([name, atLeast]) => {
    const { rounds, more } = named(peers, name);
    const { median, p25, p75 } = more.throughputRatio;
    return goal({
      what: `throughput of the full guard, of that of ${name}`,
      value: 1 / median,
      unit: "×",
      limit: { atLeast },
      baseline: name,
      rounds,
      spread: { median: 1 / median, p25: 1 / p75, p75: 1 / p25 },
    });
  });

export function sayGuard({ pair, burdens, peers, profile: lines }: GuardReport): string {
  return [
    "Each request, request.cf filled",
    ...pair.withCf.map(sayFigure),
    "Each request, no request.cf",
    ...pair.withoutCf.map(sayFigure),
    "The guard under more and less policy",
    ...burdens.map(sayFigure),
    "The guard and its peers",
    ...peers.map(sayFigure),
    `  ${ON_RATE_LIMIT_BINDING}`,
    ...PEER_GOALS.map(([name]) => sayCeiling(name, peers)),
    "Where the full guard's time goes, profiled",
    ...sayProfile(lines),
  ].join("\n");

  /** What is left between a goal and what no guard could exceed, in the same rounds. */
  function sayCeiling(name: string, peers: readonly RequestFigure[]): string {
    const served = (of: string): number => named(peers, of).requestsPerSecond.median;
    const [pass, peer] = [served("bare Hono pass-through"), served(name)];
    return `  A guard that cost nothing would serve ${short(pass / peer)} × what ${name} does: as much as the bare pass-through`;
  }
}

const sayFigure = ({ name, cpuUs, requestsPerSecond, more }: RequestFigure): string =>
  `  ${name.padEnd(40)}${short(cpuUs.median).padStart(6)} µs CPU (half between ${short(cpuUs.p25)} and ${short(cpuUs.p75)})  ` +
  `${requestsPerSecond.median.toFixed(0).padStart(6)}/s  ` +
  `+${short(more.cpuUs.median)} µs (95 %: at most ${short(more.cpuUsUpper95)})  × ${short(more.throughputRatio.median)}`;
