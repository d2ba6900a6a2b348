/**
 * Many isolates on one machine: a workerd for each location, with its isolates and an HTTP cache that they share; and one for
 * the control side, with the real objects, behind a proxy that makes it far away. Ends only what it started.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trafficName } from "../../src/traffic/traffic-api.ts";
import { callControl, CONTROL, putEntry, STAND_WORKERS } from "../stands.ts";
import { bundle } from "../workerd/bundle.ts";
import type { Service } from "../workerd/config.ts";
import { startWorkerd, type Workerd } from "../workerd/process.ts";
import type { Distance } from "./faults.ts";
import { startLocationCache, type LocationCache } from "./location-cache.ts";
import { startProxy, type Proxy } from "./proxy.ts";

export type RigSize = {
  readonly locations: number;
  readonly isolatesPerLocation: number;
  readonly distance: Distance;
};

/** One of many places where requests are decided. */
export type Isolate = { readonly location: number; readonly url: string };

export type Rig = AsyncDisposable & {
  readonly isolates: readonly Isolate[];
  readonly proxy: Proxy;
  readonly caches: readonly LocationCache[];
  /** Grants a lease, as an incident would. */
  readonly grant: (entry: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly release: (id: string) => Promise<void>;
  /** The pace that an incident, or the end of all, sets. */
  readonly setPollMs: (pollMs: number) => Promise<void>;
  /** What guards have reported of the last seconds, as `TrafficApi` has it. */
  readonly traffic: (seconds: number) => Promise<unknown>;
  /** CPU of all its workerd processes so far, microseconds. */
  readonly cpuUs: () => number;
};

export async function startRig({
  locations,
  isolatesPerLocation,
  distance,
}: RigSize): Promise<Rig> {
  await using starting = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "firebreak-rig-"));
  starting.defer(async () => rmSync(directory, { recursive: true, force: true }));
  await bundle({ ...WORKERS, control: STAND_WORKERS.control }, directory);
  const control = starting.use(
    await startWorkerd({
      name: "control",
      directory,
      services: [CONTROL],
      sockets: [{ name: "http", service: "control" }],
      core: null,
    }),
  );
  const port = control.port("http");
  const proxy = starting.use(await startProxy(port, distance));
  const caches: LocationCache[] = [];
  const workerds: Workerd[] = [control];
  const isolates: Isolate[] = [];
  for (let location = 0; location < locations; location += 1) {
    const cache = starting.use(await startLocationCache());
    const names = Array.from({ length: isolatesPerLocation }, (_, at) => `isolate-${at}`);
    const workerd = starting.use(
      await startWorkerd({
        name: `location-${location}`,
        directory,
        services: [...servicesAround(proxy.port, cache.port), ...names.map(isolateService)],
        sockets: names.map((name) => ({ name, service: name })),
        core: null,
      }),
    );
    caches.push(cache);
    workerds.push(workerd);
    for (const name of names) {
      isolates.push({ location, url: `http://127.0.0.1:${workerd.port(name)}` });
    }
  }
  const running = starting.move();
  return {
    isolates,
    proxy,
    caches,
    grant: (entry) => putEntry(port, entry),
    release: async (id) => void (await callControl(port, "POLICY/policy/remove", id)),
    setPollMs: async (pollMs) => void (await callControl(port, "POLICY/policy/setPollMs", pollMs)),
    traffic: (seconds) =>
      callControl(
        port,
        `TRAFFIC/${trafficName(0)}/window`,
        seconds,
        Math.floor(Date.now() / 1_000),
      ),
    cpuUs: () => workerds.reduce((sum, workerd) => sum + workerd.cpuUs(), 0),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const WORKERS = {
  isolate: "bench/workers/isolate.ts",
  "slow-production": "bench/workers/slow-production.ts",
} as const;

const servicesAround = (proxyPort: number, cachePort: number): readonly Service[] => [
  { name: "far", of: { kind: "external", address: `127.0.0.1:${proxyPort}` } },
  { name: "cache", of: { kind: "external", address: `127.0.0.1:${cachePort}` } },
  {
    name: "slow-production",
    of: { kind: "worker", module: "slow-production.js", bindings: {} },
  },
];

/** The same module under several names: each service has an isolate of its own. */
const isolateService = (name: string): Service => ({
  name,
  of: {
    kind: "worker",
    module: "isolate.js",
    bindings: { ORIGIN: { service: "slow-production" }, FAR: { service: "far" } },
    cache: "cache",
  },
});
