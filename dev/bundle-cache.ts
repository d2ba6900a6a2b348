/** Bundles made before from the very same files, so that the next stack need not make them again. */
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
/** Beside the packages: who installs them anew begins anew. */
const CACHE = "node_modules/.cache/firebreak-bundles";
const ENTRIES_MAX = 16;

/** All that a bundle can be made of. */
const SOURCES = ["src", "playbooks", "scripts", "examples"];
const ROOT_FILES = /^(?:package(?:-lock)?|tsconfig.*|wrangler.*)\.(?:json|toml)$/;
/** Made by the build itself, from the rest. */
const GENERATED = /\.generated\.ts$/;

/** Puts into `output` what `make` puts into the folder that it is given: from the cache, where the same was made before. */
export async function cachedBundle(
  what: string,
  output: string,
  make: (directory: string) => Promise<void>,
  project = PROJECT,
): Promise<void> {
  const cache = join(project, CACHE);
  const entry = join(cache, await digestOf(what, project));
  try {
    await cp(entry, output, { recursive: true });
    return;
  } catch {
    // Nobody made it yet, or it is being tidied away just now.
    await rm(output, { recursive: true, force: true });
  }
  await mkdir(output, { recursive: true });
  await make(output);
  await keep(output, entry, cache);
}

/** Whole or not at all: another start may look for it at the same time, or keep it first. */
async function keep(output: string, entry: string, cache: string): Promise<void> {
  try {
    await mkdir(cache, { recursive: true });
    const copy = await mkdtemp(join(cache, "making-"));
    await cp(output, copy, { recursive: true });
    await rename(copy, entry).catch(() => rm(copy, { recursive: true, force: true }));
    await tidy(cache);
  } catch {
    // Without a cache the next one only takes longer.
  }
}

async function tidy(cache: string): Promise<void> {
  const entries = await Promise.all(
    (await readdir(cache)).map(async (name) => {
      const path = join(cache, name);
      return { path, atMs: (await stat(path)).mtimeMs };
    }),
  );
  const old = entries.toSorted((a, b) => b.atMs - a.atMs).slice(ENTRIES_MAX);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function digestOf(what: string, project: string): Promise<string> {
  const hash = createHash("sha256").update(`${what}\0${process.version}\0`);
  for (const path of await sourceFiles(project)) {
    hash
      .update(`${relative(project, path)}\0`)
      .update(await readFile(path))
      .update("\0");
  }
  return hash.digest("hex");
}

async function sourceFiles(project: string): Promise<readonly string[]> {
  const below = await Promise.all(
    SOURCES.map(async (folder) => {
      const found = await readdir(join(project, folder), { recursive: true, withFileTypes: true });
      return found
        .filter(
          (one) => one.isFile() && !relative(project, one.parentPath).includes("node_modules"),
        )
        .map((one) => join(one.parentPath, one.name));
    }),
  );
  const root = (await readdir(project)).filter((name) => ROOT_FILES.test(name));
  return [...below.flat(), ...root.map((name) => join(project, name))]
    .filter((path) => !GENERATED.test(path))
    .toSorted();
}
