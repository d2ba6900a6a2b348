/** What others put in front of production for the same work, each in a bare workerd of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "../src/shared/assert.ts";
import { BRIDGE_TOKEN } from "./redis-bridge.ts";
import { startApp, type Stand, type StandOptions } from "./stands.ts";

const LISTS = [
  [1_000, "1 000"],
  [10_000, "10 000"],
  [100_000, "100 000"],
] as const;

/** All of them are starting. */
export const startPeers = (options: StandOptions): readonly Promise<Stand>[] => [
  ...LISTS.map(([count, text]) =>
    startApp(
      "ip-restriction",
      {
        name: `hono/ip-restriction, ${text} networks`,
        bindings: { NETWORKS: { text: String(count) } },
      },
      options,
    ),
  ),
  startApp("hono-rate-limiter", { name: "hono-rate-limiter in memory" }, options),
  startUpstash(options),
  startApp(
    "object-call",
    {
      name: "one Durable Object call",
      bindings: { COUNTER: { object: "Counter", of: "object-call" } },
      objects: ["Counter"],
    },
    options,
  ),
  startApp(
    "kv-read",
    {
      name: "one KV read",
      bindings: { BLOCKED: { kv: "kv-store" } },
      services: [{ name: "kv-store", of: { kind: "worker", module: "kv-store.js", bindings: {} } }],
    },
    options,
  ),
];

/** With a Redis behind it, which ends when the stand does. */
async function startUpstash(options: StandOptions): Promise<Stand> {
  const program = fileURLToPath(new URL("redis-bridge.ts", import.meta.url));
  const bridge = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const [url]: unknown[] = await once(createInterface({ input: bridge.stdout }), "line");
  assert(typeof url === "string", "the bridge says where it is");
  const { name, workerd } = await startApp(
    "upstash-ratelimit",
    {
      name: "@upstash/ratelimit over HTTP",
      bindings: { REDIS_URL: { text: url }, REDIS_TOKEN: { text: BRIDGE_TOKEN } },
    },
    options,
  );
  return {
    name,
    workerd: {
      ...workerd,
      async [Symbol.asyncDispose]() {
        await workerd[Symbol.asyncDispose]();
        bridge.stdin.end();
        await once(bridge, "exit");
      },
    },
  };
}
