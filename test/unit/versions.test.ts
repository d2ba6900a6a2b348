/** Versions that must move together. */
import { readFileSync } from "node:fs";
import { it } from "vitest";
import { z } from "zod";

const manifest = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const manifestOf = (path: string) => manifest.parse(JSON.parse(readFileSync(path, "utf8")));

it.for(["wrangler", "miniflare"])(
  "%s is the one that the tests' plugin brings, to the patch",
  (name, { expect }) => {
    const { devDependencies } = manifestOf("package.json");
    const { dependencies } = manifestOf("node_modules/@cloudflare/vitest-plugin/package.json");
    expect(devDependencies[name]).toMatch(/^\d/);
    expect(dependencies[name]).toBe(devDependencies[name]);
  },
);
