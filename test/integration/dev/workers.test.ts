/** Workers run as a deploy would run them, and their cron is delivered beside whatever else they do. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, onTestFinished } from "vitest";
import { runWorkers, type WorkerLog } from "../../../dev/workers.ts";

const LOUD_REQUESTS = 200;

const script = (name: string): string => `
  export default {
    fetch() {
      for (let line = 0; line < 100; line += 1) console.log("x".repeat(1_000));
      return new Response();
    },
    scheduled({ cron, scheduledTime }) {
      if (${JSON.stringify(name)} === "broken") throw new Error("cannot");
      console.log(${JSON.stringify(name)}, cron, scheduledTime > 0);
    },
  };`;

async function start(names: readonly [string, ...string[]]) {
  const storage = await mkdtemp(join(tmpdir(), "firebreak-test-"));
  onTestFinished(() => rm(storage, { recursive: true }));
  const heard: string[] = [];
  const deployed = names.map((name) => ({
    worker: { name, options: { name, modules: true as const, script: script(name) } },
    bindings: {},
    port: 0,
  }));
  const [first, ...others] = deployed;
  if (first === undefined) throw new Error("name at least one");
  const workers = await runWorkers({
    deployed: [first, ...others],
    storage,
    onLog: ({ message }: WorkerLog) => heard.push(message),
  });
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return { workers, heard };
}

describe("a Worker's cron", () => {
  it("comes to the one that is named, and its failure is told", async ({ expect }) => {
    const { workers, heard } = await start(["front", "monitor", "broken"]);
    await workers.deliverCron("monitor");
    await expect(workers.deliverCron("broken")).rejects.toThrow(/broken's cron ended as exception/);
    await expect
      .poll(() => heard.filter((line) => line.startsWith("monitor")))
      .toEqual(["monitor * * * * * true"]);
  });

  it("is delivered while Workers write more than anybody has read yet", async ({ expect }) => {
    const { workers, heard } = await start(["front", "monitor"]);
    const loud = Array.from({ length: LOUD_REQUESTS }, () => fetch(workers.url("monitor")));
    await once(AbortSignal.timeout(50), "abort");
    await workers.deliverCron("monitor");
    await Promise.all(loud);
    await expect.poll(() => heard.filter((line) => line.startsWith("monitor"))).toHaveLength(1);
  });
});
