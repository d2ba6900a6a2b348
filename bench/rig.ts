/** The guard in many isolates at once: how fast leases arrive, how exact shared limits are, and what an outage of ours costs. */
import { cpus } from "node:os";
import { goal, short, type Goal } from "./goal.ts";
import { distribution, type Distribution } from "./rig/distribution.ts";
import { outages, type Outage } from "./rig/outages.ts";
import { startRig, type RigSize } from "./rig/rig.ts";
import { layLimit, sharedLimit, type SharedLimit } from "./rig/shared-limit.ts";

export type RigReport = {
  readonly distribution: Distribution;
  readonly limits: readonly SharedLimit[];
  readonly outages: readonly Outage[];
  /** Of the largest number of isolates: what all of them were asked in a second, and what the machine had left. */
  readonly crowd: {
    readonly isolates: number;
    readonly requestsPerSecond: number;
    readonly idleCpuShare: number;
  };
};

/** `rounds` leases are granted. */
export async function rig(rounds: number): Promise<RigReport> {
  await using many = await startRig(MANY);
  await layLimit(many);
  const distributed = await distribution(many, { leases: rounds, ...PACE });
  const broken = await outages(many, OUTAGES);
  await many[Symbol.asyncDispose]();
  await using crowd = await startRig(CROWD);
  await layLimit(crowd);
  const limits: SharedLimit[] = [];
  let idleCpuShare = 1;
  let requestsPerSecond = 0;
  for (const isolates of [1, 4, 16, 64]) {
    for (const load of LOADS) {
      const idle = idleMeter();
      const limit = await sharedLimit(crowd, { isolates, load, seconds: 30 }, limits.length);
      limits.push(limit);
      if (isolates === 64 && limit.requests / limit.seconds >= requestsPerSecond) {
        requestsPerSecond = limit.requests / limit.seconds;
        idleCpuShare = idle();
      }
    }
  }
  const isolates = crowd.isolates.length;
  return {
    distribution: distributed,
    limits,
    outages: broken,
    crowd: { isolates, requestsPerSecond, idleCpuShare },
  };
}

const DISTANCE = { fromMs: 5, untilMs: 150 };
const MANY: RigSize = { locations: 4, isolatesPerLocation: 4, distance: DISTANCE };
const CROWD: RigSize = { locations: 8, isolatesPerLocation: 8, distance: DISTANCE };
const PACE = { pollMs: 1_000, everyMs: 25, sleepMs: 6_500 };
const OUTAGES = { secondsEach: 4, requestsPerSecond: 200 };
/** Of what the limit allows: hovering at it, over it, flooding. */
const LOADS = [0.5, 1.2, 10];

/** The share of the machine's CPU that was idle since. */
function idleMeter(): () => number {
  const times = () => cpus().map((core) => core.times);
  const total = (at: ReturnType<typeof times>): readonly [idle: number, all: number] =>
    at.reduce<readonly [number, number]>(
      ([idle, all], { user, nice, sys, irq, idle: idleMs }) => [
        idle + idleMs,
        all + user + nice + sys + irq + idleMs,
      ],
      [0, 0],
    );
  const [idleBefore, allBefore] = total(times());
  return () => {
    const [idle, all] = total(times());
    return (idle - idleBefore) / (all - allBefore);
  };
}

const OUTDATED_SHARE_MAX = 0.001;

export const rigGoals = ({
  distribution: spread,
  limits,
  outages: broken,
}: RigReport): readonly Goal[] => [
  goal({
    what: `lease to enforcement, median of ${spread.isolates} isolates`,
    value: spread.p50Ms / 1_000,
    unit: "s",
    limit: { atMost: 1.5 },
    rounds: spread.leases,
  }),
  goal({
    what: `lease to enforcement, p99 of ${spread.isolates} isolates`,
    value: spread.p99Ms / 1_000,
    unit: "s",
    limit: { atMost: 4 },
    rounds: spread.leases,
  }),
  goal({
    what: "requests decided on a policy older than 5 s",
    value: spread.outdatedRequests / spread.requests,
    unit: `of ${spread.requests}`,
    limit: { atMost: OUTDATED_SHARE_MAX },
    rounds: spread.leases,
  }),
  ...limits.map(({ isolates, load, error, callsPerThousand }) =>
    goal({
      what: `shared limit at ${load} × its rate, ${isolates} isolates (${short(callsPerThousand)} calls per 1 000)`,
      value: Math.abs(error),
      unit: "of the exact count",
      limit: { atMost: isolates > 16 ? 0.15 : 0.05 },
      baseline: "one exact counter",
    }),
  ),
  goal({
    what: "requests failed by the guard, everything broken in turn",
    value: broken.reduce((sum, { failed }) => sum + failed, 0),
    unit: `of ${broken.reduce((sum, { requests }) => sum + requests, 0)}`,
    limit: { atMost: 0 },
  }),
];

export const sayRig = ({
  distribution: spread,
  limits,
  outages: broken,
  crowd,
}: RigReport): string =>
  [
    `${spread.leases} leases, ${spread.isolates} isolates: enforced after ${short(spread.p50Ms)} ms (p99 ${short(spread.p99Ms)}, slowest ${short(spread.slowestMs)})`,
    `  ${spread.outdatedRequests} of ${spread.requests} requests on a policy older than 5 s; of ${spread.firstAfterSleep} first ones after a sleep, ${spread.firstAfterSleepOutdated}`,
    `  ${short(spread.policyReadsPerSecond)} policy reads per second`,
    "A limit of 100 per 10 s shared by isolates",
    "  isolates    load  admitted   exact   error  calls/1000  failed",
    ...limits.map(
      (limit) =>
        `  ${String(limit.isolates).padStart(8)}${`${limit.load} x`.padStart(8)}${String(limit.admitted).padStart(10)}` +
        `${String(limit.exact).padStart(8)}${`${(limit.error * 100).toFixed(1)} %`.padStart(8)}` +
        `${limit.callsPerThousand.toFixed(0).padStart(12)}${String(limit.failed).padStart(8)}`,
    ),
    `  ${crowd.isolates} isolates were asked ${short(crowd.requestsPerSecond)} times per second at most, and left ${(crowd.idleCpuShare * 100).toFixed(0)} % of the CPU idle`,
    "What an outage of ours costs visitors",
    ...broken.map(
      ({ dependency, fault, requests, failed, p50Ms, p99Ms, slowestMs }) =>
        `  ${`${dependency} ${fault}`.padEnd(18)}${failed} of ${requests} failed, ${short(p50Ms)} ms (p99 ${short(p99Ms)}, slowest ${short(slowestMs)})`,
    ),
  ].join("\n");
