/** How large the Workers are, and what they cost before their first request: in bare workerd, next to one that does nothing. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { goal, short, type Goal } from "./goal.ts";
import { spreadOf, type Spread } from "./measure.ts";
import { bundle } from "./workerd/bundle.ts";
import { startWorkerd } from "./workerd/process.ts";

export type StartUpFigure = {
  readonly name: string;
  readonly gzippedBytes: number;
  /** CPU of loading it, beyond that of a Worker that does nothing, started in the same round. */
  readonly loadMs: Spread;
};

export type StartUpReport = { readonly rounds: number; readonly figures: readonly StartUpFigure[] };

const IDLE = "production";
const WORKERS = {
  [IDLE]: "bench/workers/production.ts",
  guard: "src/guard/worker.ts",
  firebreak: "src/index.ts",
} as const;

export async function startUp(rounds: number): Promise<StartUpReport> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  try {
    await bundle(WORKERS, directory);
    const loads = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1) {
      const idleMs = await startMs(IDLE, directory);
      for (const name of ["guard", "firebreak"]) {
        const loadMs = (await startMs(name, directory)) - idleMs;
        loads.set(name, [...(loads.get(name) ?? []), loadMs]);
      }
    }
    const figures = [...loads].map(([name, ms]) => ({
      name,
      gzippedBytes: gzipSync(readFileSync(join(directory, `${name}.js`)), { level: 9 }).length,
      loadMs: spreadOf(ms),
    }));
    return { rounds, figures };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** CPU milliseconds until it listens; workerd has then run the module. */
async function startMs(name: string, directory: string): Promise<number> {
  await using workerd = await startWorkerd({
    name: `start-${name}`,
    directory,
    services: [{ name, of: { kind: "worker", module: `${name}.js`, bindings: {} } }],
    sockets: [{ name: "http", service: name }],
    core: null,
  });
  return workerd.cpuUs() / 1_000;
}

const LIMITS = {
  guard: { kilobytes: 60, ms: 10 },
  firebreak: { kilobytes: 600, ms: 150 },
} as const;

export const startUpGoals = ({ rounds, figures }: StartUpReport): readonly Goal[] =>
  figures.flatMap(({ name, gzippedBytes, loadMs }) => {
    const { kilobytes, ms } = name === "guard" ? LIMITS.guard : LIMITS.firebreak;
    return [
      goal({
        what: `${name}, gzipped`,
        value: gzippedBytes / 1_000,
        unit: "kB",
        limit: { atMost: kilobytes },
      }),
      goal({
        what: `${name}, CPU of its start`,
        value: loadMs.median,
        unit: "ms",
        limit: { atMost: ms },
        baseline: "a Worker that does nothing",
        rounds,
        spread: loadMs,
      }),
    ];
  });

export const sayStartUp = ({ figures }: StartUpReport): string =>
  [
    "Before the first request",
    ...figures.map(
      ({ name, gzippedBytes, loadMs }) =>
        `  ${name.padEnd(12)}${(gzippedBytes / 1_000).toFixed(1).padStart(7)} kB gzipped, ` +
        `${short(loadMs.median)} ms CPU (half between ${short(loadMs.p25)} and ${short(loadMs.p75)})`,
    ),
  ].join("\n");
