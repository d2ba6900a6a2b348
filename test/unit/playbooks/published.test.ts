import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { vocabulary } from "../../../scripts/vocabulary.ts";
import { checkPlaybooks } from "../../../src/playbooks/check.ts";
import { compilePlaybook } from "../../../src/playbooks/compile.ts";
import {
  bundleModule,
  playbookJsonSchema,
  siteJsonSchema,
} from "../../../src/playbooks/publish.ts";

const FOLDER = new URL("../../../playbooks/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");

const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
  .map((name) => ({ name: `playbooks/${name}`, text: read(name) }));

describe("the playbooks of this repository", () => {
  it("are right, all of them", ({ expect }) => {
    const checked = checkPlaybooks(files, vocabulary());

    expect(checked.ok ? [] : checked.error).toEqual([]);
  });

  it("compile again from the bundle, as the Worker does", ({ expect }) => {
    const checked = checkPlaybooks(files, vocabulary());
    if (!checked.ok) throw new Error("the playbooks are not right");

    for (const bundled of checked.value.playbooks) {
      const compiled = compilePlaybook(bundled, vocabulary());
      expect(compiled.ok).toBe(true);
    }
  });

  it("make the same bundle whatever order the files come in", ({ expect }) => {
    const there = checkPlaybooks(files, vocabulary());
    const back = checkPlaybooks(files.toReversed(), vocabulary());
    if (!there.ok || !back.ok) throw new Error("the playbooks are not right");

    expect(bundleModule(back.value)).toBe(bundleModule(there.value));
  });
});

describe("the published JSON Schemas", () => {
  it("are what `npm run generate` writes", ({ expect }) => {
    expect(read("playbook.schema.json")).toBe(playbookJsonSchema());
    expect(read("site.schema.json")).toBe(siteJsonSchema());
  });
});
