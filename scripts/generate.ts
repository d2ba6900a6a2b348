/**
 * `npm run generate`: turns playbooks/*.yaml into the data that the Worker carries, and publishes the JSON Schemas that
 * editors read. Prints everything that is wrong and changes nothing when anything is.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPlaybooks, type SourceFile } from "../src/playbooks/check.ts";
import { formatDiagnostic } from "../src/playbooks/diagnostics.ts";
import { bundleModule, playbookJsonSchema, siteJsonSchema } from "../src/playbooks/publish.ts";
import { vocabulary } from "./vocabulary.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "playbooks");

const files: readonly SourceFile[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"))
  .toSorted()
  .map((name) => ({
    name: relative(ROOT, join(FOLDER, name)),
    text: readFileSync(join(FOLDER, name), "utf8"),
  }));

const checked = checkPlaybooks(files, vocabulary());
if (checked.ok) {
  writeIfChanged("src/playbooks/bundle.generated.ts", bundleModule(checked.value));
  writeIfChanged("playbooks/playbook.schema.json", playbookJsonSchema());
  writeIfChanged("playbooks/site.schema.json", siteJsonSchema());
} else {
  for (const diagnostic of checked.error) console.error(formatDiagnostic(diagnostic));
  process.exitCode = 1;
}

/** A file that stays as it is keeps its time, so that watchers and builds do not run for nothing. */
function writeIfChanged(name: string, text: string): void {
  const path = join(ROOT, name);
  let before: string | null = null;
  try {
    before = readFileSync(path, "utf8");
  } catch (error) {
    // Absent is the one reason not to be readable that writing mends.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  if (before === text) return;
  writeFileSync(path, text);
  console.log(`wrote ${name}`);
}
