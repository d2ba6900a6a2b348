/** What is wrong in a file, for the person who edits it: where, at which key, and what to write instead. */
import type { Path } from "./problem.ts";

export type Diagnostic = {
  readonly file: string;
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
  /** `detect.rules[0].when`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
};

/** By file, then from top to bottom. */
export const sorted = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.toSorted((a, b) => byText(a.file, b.file) || a.line - b.line || a.column - b.column);

/** `playbooks/outage.yaml:12:5 detect.rules[0].for: …`, a form that editors turn into links. */
export function formatDiagnostic({ file, line, column, path, message }: Diagnostic): string {
  return `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
}

/** `["detect", "rules", 0]` as `detect.rules[0]`. */
export const formatPath = (path: Path): string =>
  path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
