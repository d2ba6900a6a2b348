/** A bundle is made once from the same files, and anew as soon as one of them is another. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, onTestFinished } from "vitest";
import { cachedBundle } from "../../../dev/bundle-cache.ts";

const CACHE = "node_modules/.cache/firebreak-bundles";

async function aProject() {
  const root = await mkdtemp(join(tmpdir(), "firebreak-test-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const folder of ["src", "playbooks", "scripts", "examples"]) await mkdir(join(root, folder));
  const write = (path: string, content: string) => writeFile(join(root, path), content);
  await write("src/index.ts", "one");
  await write("package-lock.json", "{}");
  let made = 0;
  let outputs = 0;
  /** What the bundle says that a start gets. */
  const build = async (what = "wrangler.toml"): Promise<string> => {
    outputs += 1;
    const output = join(root, `output-${outputs}`);
    await cachedBundle(
      what,
      output,
      async (directory) => {
        made += 1;
        await writeFile(join(directory, "index.js"), `bundle ${made}`);
      },
      root,
    );
    return readFile(join(output, "index.js"), "utf8");
  };
  return { root, write, build, made: () => made };
}

it("is made once, and every start has a copy of its own", async ({ expect }) => {
  const { build, made, root } = await aProject();
  expect(await build()).toBe("bundle 1");
  await writeFile(join(root, "output-1/index.js"), "spoiled");
  expect(await build()).toBe("bundle 1");
  expect(made()).toBe(1);
});

it.for([
  ["a source", "src/index.ts"],
  ["a new source", "src/new.ts"],
  ["a playbook", "playbooks/outage.yaml"],
  ["the packages", "package-lock.json"],
  ["a configuration", "wrangler.toml"],
])("is made anew when %s changes", async ([, path = ""], { expect }) => {
  const { build, write, made } = await aProject();
  await build();
  await write(path, "another");
  await build();
  expect(made()).toBe(2);
});

it("does not heed what the build itself writes, nor another Worker's bundle", async ({
  expect,
}) => {
  const { build, write, made } = await aProject();
  await build();
  await write("src/bundle.generated.ts", "made by the build");
  expect(await build()).toBe("bundle 1");
  expect(await build("wrangler.guard.toml")).toBe("bundle 2");
  expect(made()).toBe(2);
});

it("keeps nothing of a build that failed", async ({ expect }) => {
  const { root, build } = await aProject();
  const failing = cachedBundle(
    "wrangler.toml",
    join(root, "failed"),
    async (directory) => {
      await writeFile(join(directory, "index.js"), "half");
      throw new Error("it does not compile");
    },
    root,
  );
  await expect(failing).rejects.toThrow("it does not compile");
  expect(await build()).toBe("bundle 1");
});

it("two starts at a time both have it, and one entry is left", async ({ expect }) => {
  const { root, build } = await aProject();
  const both = await Promise.all([build(), build()]);
  expect(both.every((bundle) => /^bundle \d$/.test(bundle))).toBe(true);
  expect(await readdir(join(root, CACHE))).toHaveLength(1);
});
