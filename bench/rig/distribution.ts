/**
 * How long a lease takes until every isolate enforces it. Visitors come all the time, on a route that the next lease closes.
 * Some isolates sleep meanwhile, one whole location among them, and are asked for the first time long after.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ask, visitor } from "../workerd/ask.ts";
import type { Isolate, Rig } from "./rig.ts";

export type Distribution = {
  readonly isolates: number;
  readonly leases: number;
  /** From the lease's acknowledgement to the first request that was refused by it, over leases and isolates that are awake. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  readonly requests: number;
  /** Decided on a policy that had been replaced 5 s before or earlier, those of isolates that slept included. */
  readonly outdatedRequests: number;
  /** First requests of isolates that slept through a lease, and how many of them did not obey it. */
  readonly firstAfterSleep: number;
  readonly firstAfterSleepOutdated: number;
  /** Neither production's answer nor the guard's. */
  readonly failedRequests: number;
  readonly policyReadsPerSecond: number;
};

export type DistributionPlan = {
  readonly leases: number;
  /** The pace of an incident. */
  readonly pollMs: number;
  /** Between two requests to one isolate. */
  readonly everyMs: number;
  readonly sleepMs: number;
};

const OUTDATED_MS = 5_000;
const WATCH_MS_MAX = 15_000;
const POLL_MS = 10;
const REFUSED = 503;
const SERVED = 200;

export async function distribution(rig: Rig, plan: DistributionPlan): Promise<Distribution> {
  await rig.setPollMs(plan.pollMs);
  const isSleeper = sleepersOf(rig.isolates);
  const awake = rig.isolates.filter((isolate) => !isSleeper(isolate));
  const asleep = rig.isolates.filter(isSleeper);
  const tally = new Tally();
  await Promise.all(rig.isolates.map((isolate) => ask(`${isolate.url}/warm`, visitor(0))));
  const readsBefore = rig.proxy.calls("/POLICY");
  const fromMs = performance.now();
  const over = new AbortController();
  const visiting = awake.map((isolate, at) =>
    visit(isolate, at, { plan, tally, over: over.signal }),
  );
  for (let lease = 0; lease < plan.leases; lease += 1) {
    tally.begin(`/lease/${lease}`);
    // Not always at the same point of everybody's poll.
    await sleep(plan.pollMs * (0.3 + 0.7 * Math.random()));
    await rig.grant({ id: `lease_${lease}`, kind: "maintenance", match: { routes: [tally.path] } });
    tally.granted();
    while (tally.enforcing < awake.length && tally.sinceMs() < WATCH_MS_MAX) await sleep(POLL_MS);
    await sleep(Math.max(0, plan.sleepMs - tally.sinceMs()));
    await Promise.all(asleep.map((isolate, at) => wakeUp(isolate, at, tally)));
    tally.end(awake.length);
    await rig.release(`lease_${lease}`);
  }
  over.abort();
  await Promise.all(visiting);
  const seconds = (performance.now() - fromMs) / 1_000;
  return {
    isolates: rig.isolates.length,
    leases: plan.leases,
    ...tally.summary(),
    policyReadsPerSecond: (rig.proxy.calls("/POLICY") - readsBefore) / seconds,
  };
}

/** The last location sleeps as a whole; elsewhere one does, in a location that is awake. */
function sleepersOf(isolates: readonly Isolate[]): (isolate: Isolate) => boolean {
  const last = Math.max(...isolates.map(({ location }) => location));
  return (isolate) =>
    isolate.location === last ||
    isolates.findLast(({ location }) => location === isolate.location) === isolate;
}

async function visit(
  { url }: Isolate,
  at: number,
  {
    plan,
    tally,
    over,
  }: { readonly plan: DistributionPlan; readonly tally: Tally; readonly over: AbortSignal },
): Promise<void> {
  for (let nth = 0; !over.aborted; nth += 1) {
    const { path } = tally;
    const { status, sentAtMs } = await ask(`${url}${path}`, visitor(256 * at + (nth & 255)));
    tally.asked({ isolate: url, path, status, sentAtMs });
    await sleep(plan.everyMs);
  }
}

/** It has not been asked since the lease before; this one is old by now. */
async function wakeUp({ url }: Isolate, at: number, tally: Tally): Promise<void> {
  const { path } = tally;
  const { status, sentAtMs } = await ask(`${url}${path}`, visitor(at));
  tally.awoke({ isolate: url, path, status, sentAtMs });
}

type Answer = {
  readonly isolate: string;
  readonly path: string;
  readonly status: number;
  readonly sentAtMs: number;
};

class Tally {
  path = "/";
  #grantedAtMs = Infinity;
  /** When each isolate enforced the lease at hand. */
  #enforcedAtMs = new Map<string, number>();
  readonly #delaysMs: number[] = [];
  #requests = 0;
  #outdated = 0;
  #failed = 0;
  #first = 0;
  #firstOutdated = 0;

  begin(path: string): void {
    this.path = path;
    this.#grantedAtMs = Infinity;
    this.#enforcedAtMs = new Map();
  }

  granted(): void {
    this.#grantedAtMs = performance.now();
  }

  get enforcing(): number {
    return this.#enforcedAtMs.size;
  }

  sinceMs(): number {
    return performance.now() - this.#grantedAtMs;
  }

  /** An answer to the lease before tells nothing of this one. */
  asked({ isolate, path, status, sentAtMs }: Answer): void {
    this.#requests += 1;
    if (status !== SERVED && status !== REFUSED) this.#failed += 1;
    if (path !== this.path) return;
    if (status === SERVED && sentAtMs - this.#grantedAtMs > OUTDATED_MS) this.#outdated += 1;
    if (status === REFUSED && !this.#enforcedAtMs.has(isolate)) {
      this.#enforcedAtMs.set(isolate, sentAtMs);
    }
  }

  awoke(answer: Answer): void {
    const before = this.#outdated;
    this.asked(answer);
    this.#enforcedAtMs.delete(answer.isolate);
    this.#first += 1;
    this.#firstOutdated += this.#outdated - before;
  }

  /** Who never enforced it took for ever. */
  end(awake: number): void {
    for (const atMs of this.#enforcedAtMs.values()) {
      this.#delaysMs.push(Math.max(0, atMs - this.#grantedAtMs));
    }
    for (let missing = this.enforcing; missing < awake; missing += 1) this.#delaysMs.push(Infinity);
  }

  summary() {
    const sorted = this.#delaysMs.toSorted((a, b) => a - b);
    const quantile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    return {
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      slowestMs: sorted.at(-1) ?? Number.NaN,
      requests: this.#requests,
      outdatedRequests: this.#outdated,
      firstAfterSleep: this.#first,
      firstAfterSleepOutdated: this.#firstOutdated,
      failedRequests: this.#failed,
    };
  }
}
