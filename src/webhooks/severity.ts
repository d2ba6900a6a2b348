/** What monitoring tools call their severities, in our four levels. */
import type { Severity } from "../playbooks/schema.ts";

const WORDS: readonly (readonly [Severity, readonly string[]])[] = [
  ["SEV-1", ["critical", "emergency", "disaster", "fatal", "page", "p1", "sev1"]],
  ["SEV-2", ["major", "error", "high", "p2", "sev2"]],
  ["SEV-3", ["minor", "warning", "warn", "medium", "average", "p3", "sev3"]],
  ["SEV-4", ["low", "info", "information", "informational", "notice", "none", "p4", "p5", "sev4"]],
];

const BY_WORD: ReadonlyMap<string, Severity> = new Map(
  WORDS.flatMap(([level, words]) => words.map((word) => [word, level] as const)),
);

/** A word we do not know is neither urgent nor negligible: SEV-3. */
export const severityOf = (word: string | undefined): Severity =>
  BY_WORD.get((word ?? "").trim().toLowerCase().replaceAll(/[-_ ]/g, "")) ?? "SEV-3";
