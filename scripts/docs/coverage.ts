/** The table of what carries out each line of the playbook document. Throws when the source does not match the document. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { table } from "./table.ts";

const DOCUMENT = "test/fixtures/mission/incident-response-playbooks.md";
const SOURCE = "docs/coverage.yaml";

const words = z.string().trim().min(1);
const row = z.union([
  z.strictObject({ line: words, by: words, test: words }),
  z.strictObject({ line: words, not_yet: words }),
]);
const source = z.array(z.strictObject({ section: words, rows: z.array(row).min(1) }));

/** What counts as a line: a list item, a numbered comment, a severity, an arrow, and who reviews the document how often. */
const LINE = /^(?:- |\d+\. |(?:#|--|\/\/) \d+\. |\| \*\*SEV|\*(?:Review|Owner))|-->/;
/** Templates are what the document has as Markdown; each of their lines counts but the headings. */
const TEMPLATE = "```markdown";
const HEADING = /^(?:## |\*\*)/;

export function coverageTable(): string {
  const sections = source.parse(parse(readFileSync(SOURCE, "utf8")));
  const document = readFileSync(DOCUMENT, "utf8")
    .split("\n")
    .map((line) => line.trim());
  const wanted = linesOf(document);
  const given = sections.flatMap(({ rows }) => rows.map(({ line }) => line));
  requireSame(wanted, given);
  return sections
    .map(({ section, rows }) => {
      const cells = rows.map((one) =>
        "test" in one
          ? [code(one.line), one.by, testsOf(one.test)]
          : [code(one.line), `not yet: ${one.not_yet}`, ""],
      );
      return `## ${section}\n\n${table(["the document says", "carried out by", "shown by"], cells)}`;
    })
    .join("\n");
}

function linesOf(document: readonly string[]): readonly string[] {
  let isTemplate = false;
  return document.filter((line) => {
    if (line.startsWith("```")) isTemplate = line === TEMPLATE;
    else if (isTemplate) return line !== "" && !HEADING.test(line);
    return LINE.test(line);
  });
}

function requireSame(wanted: readonly string[], given: readonly string[]): void {
  const index = wanted.findIndex((line, at) => line !== given[at]);
  if (index >= 0) {
    throw new Error(
      `${SOURCE}: line ${index + 1} of the document is "${wanted[index]}", but "${given[index] ?? "nothing"}" is given`,
    );
  }
  if (given.length > wanted.length) {
    throw new Error(`${SOURCE} has a line that the document does not: "${given[wanted.length]}"`);
  }
}

function testsOf(paths: string): string {
  for (const path of paths.split(", ")) {
    if (!existsSync(path)) throw new Error(`${SOURCE} names ${path}, which does not exist`);
  }
  return paths
    .split(", ")
    .map((path) => `\`${path}\``)
    .join(", ");
}

const code = (line: string): string => `\`${line}\``;
