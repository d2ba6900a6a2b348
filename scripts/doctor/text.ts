/** The doctor's report as a table that fits a terminal. */
import type { z } from "zod";
import type { doctorReport } from "../../src/http/schemas.ts";

/** Where the findings come from, in words; the rest is the API's report. */
export type Report = z.infer<typeof doctorReport> & { readonly source: string };
type Finding = Report["site"][number];

export function doctorText({ source, ok, site, playbooks }: Report): string {
  const sections = [
    [source, ""],
    ...(site.length > 0 ? [section("site", site)] : []),
    ...playbooks.map(({ playbook, findings }) => section(playbook, findings)),
    [verdict(ok, [...site, ...playbooks.flatMap(({ findings }) => findings)])],
  ];
  return sections.flat().join("\n");
}

function section(title: string, findings: readonly Finding[]): readonly string[] {
  const idWidth = Math.max(...findings.map(({ id }) => id.length));
  const lines = findings.flatMap(({ kind, id, state, detail, mend }) => [
    `  ${state.padEnd(7)}  ${kind.padEnd(8)}  ${id.padEnd(idWidth)}  ${detail ?? ""}`.trimEnd(),
    ...(mend === null ? [] : [`           → ${mend}`]),
  ]);
  return [title, ...lines, ""];
}

function verdict(ok: boolean, findings: readonly Finding[]): string {
  const count = (state: Finding["state"]): number =>
    findings.filter((finding) => finding.state === state).length;
  const counts = `${count("failing")} failing, ${count("missing")} missing, ${count("due")} due`;
  return `${ok ? "Nothing that a playbook needs is failing" : "Something that a playbook needs is failing"}: ${counts}.`;
}
