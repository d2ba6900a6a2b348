/** How clients used what there is within the last minute, as guards reported it: bounded in clients and in what is kept of each. Pure. */
import {
  CONDUCT_SECONDS,
  type ClientConduct,
  type ConductReport,
  type ConductWindow,
} from "./traffic-api.ts";

/** Clients remembered; the one heard of longest ago is forgotten. */
export const CLIENTS_KEPT_MAX = 256;
/** Paths of one client, all routes together; likewise. More are "at least so many". */
export const PATHS_KEPT_MAX = 512;
/** Counts are forgotten in steps of this. */
const STEP_SECONDS = 5;

type Counts = { requests: number; clientErrors: number; scannerPaths: number };
type Client = {
  readonly steps: Map<number, Counts>;
  /** By both hashes: when it was last asked for. Insertion order is order of last hearing. */
  readonly paths: Map<
    number,
    { readonly pair: readonly [number, number]; readonly second: number }
  >;
};

export class ConductMemory {
  readonly #all = new Map<number, Counts>();
  /** Insertion order is order of last hearing. */
  readonly #clients = new Map<string, Client>();

  add({ requests, clientErrors, clients }: ConductReport, nowSecond: number): void {
    count(this.#all, { requests, clientErrors, scannerPaths: 0 }, nowSecond);
    for (const report of clients) this.#hear(report, nowSecond);
  }

  window(nowSecond: number): ConductWindow {
    const { requests, clientErrors } = sum(this.#all, nowSecond);
    const clients: ClientConduct[] = [];
    for (const [client, { steps, paths }] of this.#clients) {
      const counts = sum(steps, nowSecond);
      if (counts.requests === 0) {
        this.#clients.delete(client);
        continue;
      }
      const pairs = [...paths.values()]
        .filter(({ second }) => second > nowSecond - CONDUCT_SECONDS)
        .flatMap(({ pair }) => pair);
      clients.push({ client, ...counts, paths: Uint32Array.from(pairs) });
    }
    return { requests, clientErrors, clients };
  }

  #hear({ client: name, paths, ...counts }: ClientConduct, nowSecond: number): void {
    const client = this.#clients.get(name) ?? { steps: new Map(), paths: new Map() };
    this.#clients.delete(name);
    this.#clients.set(name, client);
    dropOldest(this.#clients, CLIENTS_KEPT_MAX);
    count(client.steps, counts, nowSecond);
    for (let at = 0; at + 1 < paths.length; at += 2) {
      const pair = [paths[at] ?? 0, paths[at + 1] ?? 0] as const;
      const key = keyOf(pair);
      client.paths.delete(key);
      client.paths.set(key, { pair, second: nowSecond });
    }
    dropOldest(client.paths, PATHS_KEPT_MAX);
  }
}

/** What several shards remember, as one. */
export function mergeConduct(windows: readonly ConductWindow[]): ConductWindow {
  const clients = new Map<string, ClientConduct>();
  for (const one of windows.flatMap((window) => window.clients)) {
    const known = clients.get(one.client);
    clients.set(one.client, known === undefined ? one : together(known, one));
  }
  return {
    requests: windows.reduce((total, { requests }) => total + requests, 0),
    clientErrors: windows.reduce((total, { clientErrors }) => total + clientErrors, 0),
    clients: [...clients.values()],
  };
}

/** Different paths of one template: the most that there are of any. */
export function idsOf({ paths }: Pick<ClientConduct, "paths">): number {
  const seen = new Set<number>();
  const ofTemplate = new Map<number, number>();
  let most = 0;
  for (let at = 0; at + 1 < paths.length; at += 2) {
    const pair = [paths[at] ?? 0, paths[at + 1] ?? 0] as const;
    if (seen.has(keyOf(pair))) continue;
    seen.add(keyOf(pair));
    const ids = (ofTemplate.get(pair[0]) ?? 0) + 1;
    ofTemplate.set(pair[0], ids);
    most = Math.max(most, ids);
  }
  return most;
}

/** Both words in one number that is exact. */
const keyOf = ([template, path]: readonly [number, number]): number =>
  (template & 0xf_ffff) * 2 ** 32 + path;

const together = (one: ClientConduct, two: ClientConduct): ClientConduct => ({
  client: one.client,
  requests: one.requests + two.requests,
  clientErrors: one.clientErrors + two.clientErrors,
  scannerPaths: one.scannerPaths + two.scannerPaths,
  paths: Uint32Array.from([...one.paths, ...two.paths]),
});

function count(steps: Map<number, Counts>, counts: Counts, nowSecond: number): void {
  const step = Math.floor(nowSecond / STEP_SECONDS);
  const known = steps.get(step) ?? { requests: 0, clientErrors: 0, scannerPaths: 0 };
  steps.set(step, {
    requests: known.requests + counts.requests,
    clientErrors: known.clientErrors + counts.clientErrors,
    scannerPaths: known.scannerPaths + counts.scannerPaths,
  });
  forget(steps, nowSecond);
}

function sum(steps: Map<number, Counts>, nowSecond: number): Counts {
  forget(steps, nowSecond);
  const total = { requests: 0, clientErrors: 0, scannerPaths: 0 };
  for (const { requests, clientErrors, scannerPaths } of steps.values()) {
    total.requests += requests;
    total.clientErrors += clientErrors;
    total.scannerPaths += scannerPaths;
  }
  return total;
}

function forget(steps: Map<number, Counts>, nowSecond: number): void {
  for (const step of steps.keys()) {
    if ((step + 1) * STEP_SECONDS <= nowSecond - CONDUCT_SECONDS) steps.delete(step);
  }
}

function dropOldest(kept: Map<unknown, unknown>, most: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(key);
  }
}
