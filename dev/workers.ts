/** Workers as they would be deployed: bundled by wrangler from their own configuration, run in real workerd. */
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { z } from "zod";
import { run } from "./child.ts";
import { LOOPBACK } from "./loopback.ts";

const CRON = "* * * * *";

export type BuiltWorker = {
  readonly name: string;
  readonly configPath: string;
  /** The bundle. */
  readonly script: string;
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

/** Bundles a Worker below `directory`, exactly as a deploy would. @throws {Error} with wrangler's own words. */
export async function buildWorker(configPath: string, directory: string): Promise<BuiltWorker> {
  // wrangler as a library keeps a log too, and asks its environment where.
  process.env["WRANGLER_LOG_PATH"] = join(directory, "logs");
  const { name, main } = unstable_readConfig({ config: configPath }, { hideWarnings: true });
  if (name === undefined || main === undefined) {
    throw new Error(`${configPath} needs a name and a main`);
  }
  const output = join(directory, name);
  await mkdir(output, { recursive: true });
  const packageFile = createRequire(import.meta.url).resolve("wrangler/package.json");
  const wrangler = join(dirname(packageFile), "bin/wrangler.js");
  await run({
    path: process.execPath,
    args: [wrangler, "deploy", "--dry-run", "--config", configPath, "--outdir", output],
    logPath: join(output, "build.log"),
    options: {
      cwd: dirname(configPath),
      env: {
        ...process.env,
        // A build command that says `node` must get this one.
        PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
        NO_COLOR: "1",
        WRANGLER_SEND_METRICS: "false",
        // npm, in a build command, keeps none.
        NPM_CONFIG_LOGS_MAX: "0",
      },
    },
  });
  return { name, configPath, script: join(output, `${basename(main, extname(main))}.js`) };
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
          resourcePersistencePath: options.storage,
          workers: [
            workerOptions(front),
            ...others.map((other) => ({
              ...workerOptions(other),
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
      const worker = await miniflare.getWorker(name);
      await worker.scheduled({ cron: CRON, scheduledTime: new Date() });
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

function workerOptions({ worker, bindings }: DeployedWorker) {
  const { workerOptions: configured } = unstable_getMiniflareWorkerOptions(worker.configPath);
  // The rules were for the sources; the bundle is one module.
  const { modulesRules: _, ...options } = configured;
  return {
    ...options,
    name: worker.name,
    modules: [{ type: "ESModule" as const, path: worker.script }],
    modulesRoot: dirname(worker.script),
    bindings: { ...variables.parse(options["bindings"]), ...bindings },
  };
}
