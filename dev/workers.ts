/** Workers as they would be deployed: bundled by wrangler from their own configuration, run in real workerd. */
import { createRequire } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptions,
} from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { z } from "zod";
import { cachedBundle } from "./bundle-cache.ts";
import { run } from "./child.ts";
import { LOOPBACK } from "./loopback.ts";

const CRON = "* * * * *";

export type BuiltWorker = {
  readonly name: string;
  /** Its bundle and its bindings, as Miniflare takes them. */
  readonly options: V4WorkerOptions;
};

/** A Worker as it is deployed: its bundle, and the values of its vars and secrets. */
export type DeployedWorker = {
  readonly worker: BuiltWorker;
  readonly bindings: Readonly<Record<string, string>>;
  /** A port of its own; 0 is a free one. */
  readonly port: number;
};

export type Workers = AsyncDisposable & {
  /** Where a Worker answers, by its name. */
  readonly url: (name: string) => string;
  /** Delivers the cron trigger to a Worker's `scheduled`, as Cloudflare does each minute. */
  readonly deliverCron: (name: string) => Promise<void>;
};

/** What a Worker wrote to its console. */
export type WorkerLog = { readonly level: string; readonly message: string };

/** Bundles a Worker below `directory`, exactly as a deploy would; the same files are bundled once. @throws {Error} with wrangler's own words. */
export async function buildWorker(configPath: string, directory: string): Promise<BuiltWorker> {
  // wrangler writes one log per process: a second stack would bring back the folder that the first one removed.
  process.env["WRANGLER_WRITE_LOGS"] = "false";
  const { name, main } = unstable_readConfig({ config: configPath }, { hideWarnings: true });
  if (name === undefined || main === undefined) {
    throw new Error(`${configPath} needs a name and a main`);
  }
  const output = join(directory, name);
  await cachedBundle(configPath, output, (made) => bundle(configPath, made, directory));
  // The rules say how to read the sources; the bundle is one module.
  const { modulesRules: _, ...options } =
    unstable_getMiniflareWorkerOptions(configPath).workerOptions;
  const path = join(output, `${basename(main, extname(main))}.js`);
  return {
    name,
    options: { ...options, name, modules: [{ type: "ESModule", path }], modulesRoot: output },
  };
}

async function bundle(configPath: string, output: string, directory: string): Promise<void> {
  const packageFile = createRequire(import.meta.url).resolve("wrangler/package.json");
  const program = join(dirname(packageFile), "bin/wrangler.js");
  await run({
    path: process.execPath,
    args: [program, "deploy", "--dry-run", "--config", configPath, "--outdir", output],
    logPath: join(output, "build.log"),
    options: {
      cwd: dirname(configPath),
      env: {
        ...process.env,
        // A build command that says `node` must get this one.
        PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
        NO_COLOR: "1",
        WRANGLER_SEND_METRICS: "false",
        XDG_CONFIG_HOME: join(directory, "config"),
        // npm, in a build command, keeps no log.
        NPM_CONFIG_LOGS_MAX: "0",
      },
    },
  });
}

/** Runs Workers together, bound to each other by name. Visitors ask the first one. */
export async function runWorkers(options: {
  readonly deployed: readonly [DeployedWorker, ...DeployedWorker[]];
  /** Where Durable Objects keep their storage. */
  readonly storage: string;
  readonly onLog: (log: WorkerLog) => void;
}): Promise<Workers> {
  const [front, ...others] = options.deployed;
  const miniflare = withoutSignalListeners(
    () =>
      new Miniflare(
        convertV4MiniflareOptions({
          host: LOOPBACK,
          port: front.port,
          // The constant placeholder, not a look-up on the internet.
          cf: false,
          log: new Log(LogLevel.NONE),
          handleStructuredLogs: options.onLog,
          telemetry: { enabled: false },
          // What `deliverCron` asks.
          unsafeTriggerHandlers: true,
          resourcePersistencePath: options.storage,
          workers: [
            deploy(front),
            ...others.map((other) => ({
              ...deploy(other),
              unsafeDirectSockets: [{ host: LOOPBACK, port: other.port }],
            })),
          ],
        }),
      ),
  );
  const urls = new Map<string, URL>();
  try {
    urls.set(front.worker.name, await miniflare.ready);
    for (const { worker } of others) {
      urls.set(worker.name, await miniflare.unsafeGetDirectURL(worker.name));
    }
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
  return {
    url: (name) => {
      const url = urls.get(name);
      if (url === undefined) throw new Error(`no Worker is called ${name}`);
      return url.origin;
    },
    async deliverCron(name) {
      // Not by Miniflare's handle on a Worker: that blocks this thread until the runtime answers, and the runtime may be waiting for
      // this thread to read its logs.
      const query = new URLSearchParams({ cron: CRON, time: String(Date.now()) });
      const response = await miniflare.dispatchFetch(
        `http://cron.invalid/cdn-cgi/local/scheduled?${query}`,
        { headers: { "MF-Route-Override": name } },
      );
      const outcome = await response.text();
      if (!response.ok) throw new Error(`${name}'s cron ended as ${outcome}`);
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

/** Miniflare ends the process as soon as a signal comes; here whoever started the stack decides when that is. */
function withoutSignalListeners<T>(make: () => T): T {
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = names.map((name) => process.listeners(name));
  const made = make();
  for (const [index, name] of names.entries()) {
    for (const listener of process.listeners(name)) {
      if (before[index]?.includes(listener) !== true) process.removeListener(name, listener);
    }
  }
  return made;
}

const variables = z.record(z.string(), z.json()).default({});

/** What the deployment sets stands over what the configuration says. */
const deploy = ({ worker, bindings }: DeployedWorker): V4WorkerOptions => ({
  ...worker.options,
  bindings: { ...variables.parse(worker.options.bindings), ...bindings },
});
