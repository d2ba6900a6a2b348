/** `docs/vendors.md` has a row for each vendor that there is, and names nothing that there is not. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import { channels, publicChannels } from "../../../src/notify/registry.ts";
import { WEBHOOKS } from "../../../src/webhooks/registry.ts";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/vendors.md", root), "utf8");

/** The rows below a heading, cell by cell, without those of its head. */
const rowsOf = (heading: string): readonly (readonly string[])[] => {
  const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\|(.*)\|$/gm)]
    .map(([, row = ""]) => row.split("|").map((cell) => cell.trim()))
    .slice(2);
};
const idsOf = (heading: string): readonly string[] =>
  rowsOf(heading).map(([id = ""]) => /^`([^`]+)`/.exec(id)?.[1] ?? id);
const marked = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = ""]) => word);

const KINDS = /^(?:real|captured|published|SDK|template|stand-in|ours)\b/;

describe("docs/vendors.md", () => {
  it.for([
    ["Webhooks", [...Object.keys(WEBHOOKS), "webhooks"] as readonly string[]],
    ["Channels", Object.keys(channels)],
    ["Where the public reads it too", Object.keys(publicChannels)],
  ] as const)("%s: one row each, saying what stood for it", ([heading, ids], { expect }) => {
    expect(idsOf(heading)).toEqual([...ids].sort((one, other) => (one < other ? -1 : 1)));
    for (const [id, what = "", ...others] of rowsOf(heading)) {
      expect(what, `${id}`).toMatch(KINDS);
      expect(others.at(-1), `${id} says what could not be checked`).not.toBe("");
    }
  });

  it("names every captured body once, and none that is not there", ({ expect }) => {
    const names = readdirSync(new URL("test/fixtures/webhooks/", root))
      .filter((name) => name.endsWith(".json") && name !== "signature-vectors.json")
      .map((name) => name.slice(0, -".json".length));
    const listed = [...rowsOf("Webhooks"), ...rowsOf("Channels")]
      .flatMap((row) => marked(row.slice(1).join(" ")))
      .filter((word) => /^[a-z0-9]+(?:-[a-z0-9]+)+$/.test(word) && !isPackage(word));
    expect(listed.toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      expect(existsSync(new URL(`test/fixtures/webhooks/${name}.source.txt`, root)), name).toBe(
        true,
      );
    }
  });

  it("claims no SDK that no test uses", ({ expect }) => {
    const claimed = [...page.matchAll(/SDK:? `([^`]+)`/g)].map(([, name = ""]) => name);
    expect(claimed.length).toBeGreaterThan(4);
    for (const name of claimed) {
      expect(Object.keys(packageJson.devDependencies)).toContain(name);
      expect(isImportedByATest(name), name).toBe(true);
    }
  });
});

/** Debian's or npm's, and no body. */
const isPackage = (word: string): boolean => word === "prometheus-alertmanager";

const isImportedByATest = (name: string): boolean =>
  readdirSync(new URL("test/", root), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .some((file) => readFileSync(new URL(`test/${file}`, root), "utf8").includes(`from "${name}"`));
