/** What one call costs the objects that isolates share: the figure that says how many isolates one object can serve. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFacts } from "../src/guard/facts.ts";
import { Telemetry } from "../src/guard/telemetry.ts";
import type { TrafficFlush } from "../src/traffic/traffic-api.ts";
import { goal, short, type Goal } from "./goal.ts";
import { spreadOf, type Spread } from "./measure.ts";
import { requestsLike } from "./request-like.ts";
import { CONTROL, STAND_WORKERS } from "./stands.ts";
import { bundle } from "./workerd/bundle.ts";
import { load } from "./workerd/load.ts";
import { startWorkerd } from "./workerd/process.ts";

export type ObjectFigure = {
  readonly name: string;
  readonly bytes: number;
  /** CPU of the whole process, with HTTP and JSON around the call: more than what the object itself needs. */
  readonly cpuUs: Spread;
};

export type ObjectsReport = { readonly rounds: number; readonly figures: readonly ObjectFigure[] };

const CALLS_PER_ROUND = 1_000;
const CONNECTIONS = 8;
/** What an isolate has seen when it flushes, a second later. */
const REQUESTS_PER_FLUSH = 100;
const ISOLATES = 50;

export async function objects(rounds: number): Promise<ObjectsReport> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  try {
    await bundle({ control: STAND_WORKERS.control }, directory);
    await using control = await startWorkerd({
      name: "control",
      directory,
      services: [CONTROL],
      sockets: [{ name: "http", service: "control" }],
      core: null,
    });
    const port = control.port("http");
    const calls = await callsOf();
    const figures: ObjectFigure[] = [];
    for (const { name, requests } of calls) {
      const samples: number[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const fromUs = control.cpuUs();
        const { statuses } = await load({
          port,
          requests,
          count: CALLS_PER_ROUND,
          connections: CONNECTIONS,
        });
        if (statuses.get(200) !== CALLS_PER_ROUND) throw new Error(`${name} failed`);
        samples.push((control.cpuUs() - fromUs) / CALLS_PER_ROUND);
      }
      // The first was to warm up.
      figures.push({ name, bytes: requests[0]?.length ?? 0, cpuUs: spreadOf(samples.slice(1)) });
    }
    return { rounds, figures };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function callsOf() {
  const flushes: TrafficFlush[] = [];
  for (let isolate = 0; isolate < ISOLATES; isolate += 1) flushes.push(await flushOf(isolate));
  const ask = { quota: { limit: 100, windowMs: 10_000, burst: 100 }, spent: 2, want: 5 };
  const asks = Array.from({ length: 4 }, (_, high) => ({ high, low: high, ...ask }));
  return [
    { name: "a policy read that brings no news", requests: [call("POLICY/policy/read", [LATER])] },
    { name: "a policy read that brings all", requests: [call("POLICY/policy/read", [null])] },
    {
      name: `a flush of ${REQUESTS_PER_FLUSH} requests`,
      requests: flushes.map((flush) => call("TRAFFIC/traffic:0/flush", [flush])),
    },
    { name: "a lease of four keys", requests: [call("LIMITER/limiter:0/lease", [1, asks])] },
  ];
}

const LATER = { epoch: Number.MAX_SAFE_INTEGER, n: 0 };

function call(path: string, args: readonly unknown[]): Buffer {
  const body = JSON.stringify(args);
  return Buffer.from(
    `POST /${path} HTTP/1.1\r\nhost: control\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** What an isolate really sends, sketches and all. */
async function flushOf(isolate: number): Promise<TrafficFlush> {
  const sent: TrafficFlush[] = [];
  const telemetry = new Telemetry({
    traffic: () => ({ flush: async (flush) => void sent.push(flush) }),
    shards: () => 1,
    newIsolateId: () => `isolate-${isolate}`,
  });
  const visitors = requestsLike({ hasCf: true });
  const nowMs = Date.now();
  for (let at = 0; at < REQUESTS_PER_FLUSH; at += 1) {
    const request = visitors[(at * 7 + isolate) % visitors.length];
    if (request === undefined) continue;
    const facts = readFacts(request, { clientAddress: "cloudflare" }, null);
    const outcome = { kind: "served", latencyMs: at % 60, status: 200 } as const;
    const counted = { outcome, facts, policySeq: "1.1", refusedBy: null, shadowedIds: [] };
    telemetry.record(
      { ...counted, unknownEntries: 0, isFault: false, isLogged: false },
      nowMs,
      () => undefined,
    );
  }
  await telemetry.flush();
  const [flush] = sent;
  if (flush === undefined) throw new Error("nothing was flushed");
  return flush;
}

/** A Durable Object's soft limit, as documented: beyond it, callers are turned away. */
const CALLS_PER_SECOND = 1_000;

export const objectsGoals = ({ rounds, figures }: ObjectsReport): readonly Goal[] =>
  figures.map(({ name, cpuUs }) =>
    goal({
      what: `${name}: a second of CPU is enough for ${CALLS_PER_SECOND} of them`,
      value: cpuUs.median / 1_000,
      unit: "ms",
      limit: { atMost: 1_000 / CALLS_PER_SECOND },
      rounds,
      spread: {
        median: cpuUs.median / 1_000,
        p25: cpuUs.p25 / 1_000,
        p75: cpuUs.p75 / 1_000,
      },
    }),
  );

export const sayObjects = ({ figures }: ObjectsReport): string =>
  [
    "One call of an object, HTTP and JSON around it included",
    ...figures.map(
      ({ name, bytes, cpuUs }) =>
        `  ${name.padEnd(36)}${short(cpuUs.median).padStart(6)} µs CPU (half between ${short(cpuUs.p25)} and ${short(cpuUs.p75)}), ${bytes} bytes`,
    ),
  ].join("\n");
