/** Bundles Workers for bare workerd: minified, as they are deployed, unless a profile is to name functions. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Writes `<name>.js` into `directory` for each Worker, whose source is given from the root of the repository. */
export async function bundle(
  workers: Readonly<Record<string, string>>,
  directory: string,
  { isMinified = true }: { readonly isMinified?: boolean } = {},
): Promise<void> {
  await build({
    entryPoints: Object.entries(workers).map(([name, source]) => ({
      in: join(ROOT, source),
      out: name,
    })),
    outdir: directory,
    bundle: true,
    minify: isMinified,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
}
