/** Ten million visitors, each with an address of its own, through one isolate of bare workerd: its memory must stay flat. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RateLimits } from "../src/guard/limits/rate-limit.ts";
import { TopTalkers } from "../src/sketches/top-talkers.ts";
import { goal, short, type Goal } from "./goal.ts";
import { bundle } from "./workerd/bundle.ts";
import { startWorkerd } from "./workerd/process.ts";

export type CrowdReport = {
  readonly visitors: number;
  readonly microsecondsEach: number;
  /** Resident memory of the process after so many visitors. */
  readonly memory: readonly { readonly visitors: number; readonly bytes: number }[];
  /** What limits and sketches hold, however many come. */
  readonly heldBytes: number;
};

const VISITORS = 10_000_000;
const PER_REQUEST = 100_000;
/** V8's heap has found its size by then. */
const WARM = 2_000_000;

export async function crowd(): Promise<CrowdReport> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  try {
    await bundle({ crowd: "bench/workers/crowd.ts" }, directory);
    await using workerd = await startWorkerd({
      name: "one-isolate",
      directory,
      services: [{ name: "crowd", of: { kind: "worker", module: "crowd.js", bindings: {} } }],
      sockets: [{ name: "http", service: "crowd" }],
      core: null,
    });
    const url = `http://127.0.0.1:${workerd.port("http")}/`;
    const memory: { visitors: number; bytes: number }[] = [];
    for (let from = 0; from < VISITORS; from += PER_REQUEST) {
      const response = await fetch(`${url}?from=${from}&count=${PER_REQUEST}`);
      if (!response.ok) throw new Error(await response.text());
      memory.push({ visitors: from + PER_REQUEST, bytes: workerd.memoryBytes() });
    }
    return {
      visitors: VISITORS,
      microsecondsEach: workerd.cpuUs() / VISITORS,
      memory,
      heldBytes: new RateLimits(4).byteLength + new TopTalkers().byteLength,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const mib = (bytes: number): number => bytes / 2 ** 20;

const growth = ({ memory }: CrowdReport): number => {
  const warm = memory.filter(({ visitors }) => visitors > WARM).map(({ bytes }) => mib(bytes));
  const half = Math.floor(warm.length / 2);
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  return median(warm.slice(half)) - median(warm.slice(0, half));
};

export const crowdGoals = (report: CrowdReport): readonly Goal[] => [
  goal({
    what: `memory gained over the second half of ${report.visitors} addresses`,
    value: growth(report),
    unit: "MiB",
    // What a heap breathes.
    limit: { atMost: 4 },
    baseline: "the first half, after two million",
  }),
  goal({
    what: "limits and sketches, whatever comes",
    value: mib(report.heldBytes),
    unit: "MiB",
    limit: { atMost: 4 },
  }),
];

export const sayCrowd = ({ visitors, memory, microsecondsEach }: CrowdReport): string =>
  [
    `${visitors} addresses through one isolate, ${short(microsecondsEach)} µs of CPU each`,
    ...memory
      .filter((at) => at.visitors % WARM === 0 || at.visitors === PER_REQUEST)
      .map(
        (at) => `  after ${String(at.visitors).padStart(9)}: ${short(mib(at.bytes))} MiB resident`,
      ),
  ].join("\n");
