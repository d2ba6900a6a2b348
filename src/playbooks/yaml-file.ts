/**
 * Reads one YAML file strictly: one document, no anchors, aliases or tags, every key once, and a place for each path.
 * Only the build and the tests come here; the Worker gets data.
 */
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Scalar,
  type YAMLError,
} from "yaml";
import { err, ok, type Result } from "../shared/result.ts";
import { formatPath, sorted, type Diagnostic } from "./diagnostics.ts";
import type { Problem } from "./problem.ts";

export const FILE_BYTES_MAX = 64 * 1024;
/** Levels of maps and lists; the schema needs a quarter of it. */
export const NESTING_MAX = 40;
export const DIAGNOSTICS_MAX = 50;

export type SourceFile = { readonly name: string; readonly text: string };

/** A file that is YAML; whether it means anything is another question. */
export type YamlFile = {
  readonly value: unknown;
  /** Gives problems their lines, in order; at most `DIAGNOSTICS_MAX`. */
  readonly locate: (problems: readonly Problem[]) => readonly Diagnostic[];
};

/** Reads the file, or says everything that keeps it from being read. Never throws. */
export function readYaml({ name, text }: SourceFile): Result<YamlFile, readonly Diagnostic[]> {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > FILE_BYTES_MAX) {
    return err([at(name, 1, 1, `the file has ${bytes} bytes, at most ${FILE_BYTES_MAX} are read`)]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    version: "1.2",
  });
  const place = (offset: number, message: string, path = ""): Diagnostic => {
    const { line, col } = lines.linePos(offset);
    return at(name, Math.max(line, 1), Math.max(col, 1), message, path);
  };
  const found = [
    ...syntaxProblems([...document.errors, ...document.warnings]),
    ...(document.errors.length === 0 ? foreignParts(document) : []),
  ];
  if (found.length > 0) {
    return err(bounded(found.map(({ offset, message }) => place(offset, message))));
  }
  return ok({
    value: document.toJS({ maxAliasCount: 0 }) as unknown,
    locate: (problems) =>
      bounded(
        problems.map((problem) =>
          place(offsetOf(document, problem), problem.message, formatPath(problem.path)),
        ),
      ),
  });
}

type Found = { readonly offset: number; readonly message: string };

function syntaxProblems(errors: readonly YAMLError[]): readonly Found[] {
  const tooDeep = errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  // After this one the others are only its echo.
  if (tooDeep !== undefined) return [{ offset: 0, message: NESTED_TOO_DEEPLY }];
  return errors.map(({ code, message, pos }) => ({
    offset: pos[0],
    message: IN_WORDS[code] ?? message,
  }));
}

const IN_WORDS: Partial<Record<YAMLError["code"], string>> = {
  DUPLICATE_KEY: "this key is there twice",
  MULTIPLE_DOCS: "a second document begins here; a file holds one",
  TAG_RESOLVE_FAILED: "tags are not part of the format",
};

const NESTED_TOO_DEEPLY = `nested more than ${NESTING_MAX} levels deep`;

/** Parts of YAML that a playbook has no use for, and that hide what a file says. */
function foreignParts(document: Document.Parsed): readonly Found[] {
  const found: Found[] = [];
  visit(document, {
    Node(_key, node, path) {
      const offset = node.range?.[0] ?? 0;
      if (path.length > NESTING_MAX) {
        found.push({ offset, message: NESTED_TOO_DEEPLY });
        return visit.BREAK;
      }
      if ("source" in node && !isScalar(node)) {
        found.push({
          offset,
          message: "aliases are not part of the format: write the value again",
        });
      } else if ("anchor" in node && node.anchor !== undefined) {
        found.push({ offset, message: "anchors are not part of the format" });
      }
      return undefined;
    },
  });
  return found;
}

/** Where a problem stands: at its value, at its key when the value is a map or list, or at the nearest thing above that exists. */
function offsetOf(document: Document.Parsed, { path, offset: into, isKey }: Problem): number {
  let node: Node | null = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    const child = childOf(node, part);
    if (child === null) return offset;
    offset = isKey && index === path.length - 1 ? child.keyOffset : child.offset;
    node = child.value;
  }
  return into !== undefined && isScalar(node) ? offset + textBefore(node, into) : offset;
}

type Child = {
  readonly value: Node | null;
  readonly offset: number;
  readonly keyOffset: number;
};

function childOf(node: Node | null, part: string | number): Child | null {
  if (isSeq<Node>(node) && typeof part === "number") {
    const value = node.items[part];
    const offset = startOf(value ?? null) ?? 0;
    return value === undefined ? null : { value, offset, keyOffset: offset };
  }
  if (!isMap<Scalar, Node | null>(node)) return null;
  const pair = node.items.find(({ key }) => key.value === part);
  if (pair === undefined) return null;
  const keyOffset = startOf(pair.key) ?? 0;
  const offset = (isScalar(pair.value) ? startOf(pair.value) : undefined) ?? keyOffset;
  return { value: pair.value, offset, keyOffset };
}

const startOf = (node: Node | null): number | undefined => node?.range?.[0];

/** Characters of the file that stand before character `into` of a scalar's value, if it is written as it is, in one line. */
function textBefore(scalar: Scalar, into: number): number {
  const { value, range, type } = scalar;
  if (typeof value !== "string" || value.includes("\n") || !range) return 0;
  const quote = type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE" ? 1 : 0;
  // A length that differs means escapes or folded lines: then only the start is certain.
  if (range[1] - range[0] !== value.length + 2 * quote) return 0;
  return quote + (value.length - value.trimStart().length) + into;
}

const at = (
  file: string,
  line: number,
  column: number,
  message: string,
  path = "",
): Diagnostic => ({ file, line, column, path, message });

const bounded = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  sorted(diagnostics).slice(0, DIAGNOSTICS_MAX);
