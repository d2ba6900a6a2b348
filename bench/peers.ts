/** What others put in front of production for the same work, each in a bare workerd of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "../src/shared/assert.ts";
import { BRIDGE_TOKEN } from "./redis-bridge.ts";
import { EXPERIMENTAL } from "./workerd/config.ts";
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
  startRateLimitBinding(options),
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

const RATE_LIMIT_BINDING = "the rate-limit binding, Miniflare's stand-in";
/** What its figure is not. */
export const ON_RATE_LIMIT_BINDING =
  "workerd has no rate-limit binding: at Cloudflare its counters are documented to be on the machine, which cannot be run here. " +
  "What is measured is what Miniflare puts in its place, wired as it does it: a binding around a Durable Object with rows.";

/** Miniflare's own files, in the bare workerd of all others. */
const STAND_IN = {
  module: "ratelimit/ratelimit.worker.js",
  object: "ratelimit/ratelimit-object.worker.js",
  shared: "shared/index.worker.js",
  entry: "shared/object-entry.worker.js",
} as const;
const RATE_LIMIT_MODULE = "cloudflare-internal:ratelimit:module";

async function startRateLimitBinding(options: StandOptions): Promise<Stand> {
  const miniflare = dirname(createRequire(import.meta.url).resolve("miniflare"));
  const named = (file: keyof typeof STAND_IN): string => `ratelimit-${file}.js`;
  for (const [file, path] of Object.entries(STAND_IN)) {
    copyFileSync(join(miniflare, "workers", path), join(options.directory, `ratelimit-${file}.js`));
  }
  const object = { object: "RateLimiterObject", of: "ratelimit-object" };
  return startApp(
    "ratelimit-binding",
    {
      name: RATE_LIMIT_BINDING,
      bindings: {
        LIMIT: {
          wrappedBy: RATE_LIMIT_MODULE,
          inner: {
            fetcher: { service: "ratelimit-entry" },
            limit: { json: "1000000000" },
            period: { json: "60" },
          },
        },
      },
      services: [
        {
          name: "ratelimit-entry",
          of: {
            kind: "worker",
            module: named("entry"),
            bindings: { MINIFLARE_OBJECT: object, MINIFLARE_NAMESPACE: { text: "1001" } },
          },
        },
        {
          name: "ratelimit-object",
          of: {
            kind: "worker",
            module: named("object"),
            bindings: {},
            objects: ["RateLimiterObject"],
            flags: [EXPERIMENTAL],
          },
        },
      ],
      extensions: [
        { name: RATE_LIMIT_MODULE, path: named("module"), isInternal: true },
        { name: "miniflare:shared", path: named("shared"), isInternal: false },
      ],
    },
    options,
  );
}

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
