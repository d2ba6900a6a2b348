/**
 * Each thing that the guard depends on is broken in each way while visitors come, on a route under a shared limit that none of
 * them reaches: nobody may fail for it.
 */
import { ask, visitor } from "../workerd/ask.ts";
import { FAULTS, type Fault } from "./faults.ts";
import type { Rig } from "./rig.ts";

export const DEPENDENCIES = ["policy", "traffic", "limiter", "cache", "origin"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

export type Outage = {
  readonly dependency: Dependency;
  /** `slow`: production takes its time, and nothing else is wrong. */
  readonly fault: Fault | "slow";
  readonly requests: number;
  /** Anything but production's answer. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
};

export type OutagePlan = { readonly secondsEach: number; readonly requestsPerSecond: number };

/** Slower than anything that the guard waits for. */
const SLOW_MS = 800;

export async function outages(rig: Rig, plan: OutagePlan): Promise<readonly Outage[]> {
  const measured: Outage[] = [];
  const under = async (dependency: Dependency, fault: Fault | "slow"): Promise<void> => {
    measured.push({ dependency, fault, ...(await visits(rig, plan, fault === "slow")) });
  };
  for (const fault of FAULTS) {
    for (const [dependency, path] of FAR) {
      rig.proxy.setFault(path, fault);
      await under(dependency, fault);
      rig.proxy.setFault(path, null);
    }
    for (const cache of rig.caches) cache.setFault(fault);
    await under("cache", fault);
    for (const cache of rig.caches) cache.setFault(null);
  }
  await under("origin", "slow");
  return measured;
}

const FAR = [
  ["policy", "/POLICY"],
  ["traffic", "/TRAFFIC"],
  ["limiter", "/LIMITER"],
] as const;

/** Open loop: requests leave on time, however long the answers take. */
async function visits(rig: Rig, plan: OutagePlan, isSlow: boolean) {
  const count = plan.secondsEach * plan.requestsPerSecond;
  const path = isSlow ? `/limited?ms=${SLOW_MS}` : "/limited";
  const asking: ReturnType<typeof ask>[] = [];
  const fromMs = performance.now();
  while (asking.length < count) {
    const due = Math.min(count, ((performance.now() - fromMs) * plan.requestsPerSecond) / 1_000);
    while (asking.length < due) {
      const isolate = rig.isolates[asking.length % rig.isolates.length];
      asking.push(ask(`${isolate?.url}${path}`, visitor(asking.length)));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const asked = await Promise.all(asking);
  const tookMs = asked.map((one) => one.tookMs).toSorted((a, b) => a - b);
  return {
    requests: count,
    failed: asked.filter(({ status }) => status !== 200).length,
    p50Ms: tookMs[Math.floor(count * 0.5)] ?? Number.NaN,
    p99Ms: tookMs[Math.floor(count * 0.99)] ?? Number.NaN,
    slowestMs: tookMs.at(-1) ?? Number.NaN,
  };
}
