import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { it } from "vitest";

const SRC = resolve(import.meta.dirname, "../../../src");
/** A static import of a value; `import type` is gone at run time. */
const VALUE_IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?\bfrom\s+"([^"]+)"/gms;

/** Every module that loading this file loads; packages by name, our own by path below src. */
function graphOf(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    const name = relative(SRC, file);
    if (seen.has(name)) return;
    seen.add(name);
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(VALUE_IMPORT)) {
      if (specifier.startsWith(".")) visit(resolve(dirname(file), specifier));
      else seen.add(specifier);
    }
  };
  visit(resolve(SRC, entry));
  return seen;
}

it("is small: the guard loads its own room, the formats that it shares, and hashes, and no library", ({
  expect,
}) => {
  const graph = [...graphOf("guard/worker.ts")];
  const rooms = new Set(graph.map((name) => name.split("/")[0]));
  expect([...rooms].toSorted()).toEqual([
    "guard",
    "limiter",
    "policy",
    "shared",
    "sketches",
    "traffic",
  ]);
  expect(graph.filter((name) => name.endsWith("-object.ts"))).toEqual([]);
});
