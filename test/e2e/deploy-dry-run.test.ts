/** Every Worker of this repository can be deployed as it stands, and stays small: what is big starts late. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { it, onTestFinished } from "vitest";

const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);

/** Compressed, as wrangler counts it. A Worker on the free plan may have 3 MiB. */
const WORKERS = [
  { config: "wrangler.toml", gzipKbMax: 600 },
  { config: "wrangler.guard.toml", gzipKbMax: 60 },
  { config: "examples/storefront/wrangler.toml", gzipKbMax: 220 },
] as const;

const KB_PER_KIB = 1.024;

it.for(WORKERS)("$config deploys, below $gzipKbMax kB", async (worker, { expect }) => {
  const output = await dryRun(worker.config);
  const [, total, gzip] =
    /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(output) ?? expect.fail(output);
  // For whoever reads the log of the run.
  console.info(`${worker.config}: ${total} KiB, ${gzip} KiB compressed`);
  expect(Number(gzip)).toBeGreaterThan(0);
  expect(Number(gzip) * KB_PER_KIB).toBeLessThan(worker.gzipKbMax);
  expect(output).not.toMatch(/\bWARNING\b/);
});

/** What wrangler says. @throws {Error} with its words when it would not deploy. */
async function dryRun(config: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "firebreak-bundle-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [WRANGLER, "deploy", "--dry-run", "--config", config, "--outdir", directory],
    {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
        NO_COLOR: "1",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_LOG_PATH: join(directory, "logs"),
        XDG_CONFIG_HOME: join(directory, "config"),
      },
    },
  );
  return stdout + stderr;
}
