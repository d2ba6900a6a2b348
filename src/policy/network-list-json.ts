/** A list as one JSON array. */
import { itemOf, type ListItem } from "./network-list-line.ts";

export type JsonItems = {
  /** By place in the array: an item, or what is wrong with it. */
  readonly items: readonly (ListItem | string)[];
  /** Where an item begins. */
  readonly lineOf: (index: number) => number;
};

export function itemsIn(text: string): JsonItems {
  let lines: readonly number[] | null = null;
  const lineOf = (index: number): number => {
    lines ??= linesOfItems(text);
    return lines[index] ?? 1;
  };
  try {
    const parsed: unknown = JSON.parse(text.trim());
    if (Array.isArray(parsed)) return { items: parsed.map(itemOf), lineOf };
    return { items: ["is no JSON array"], lineOf };
  } catch (error) {
    const said = error instanceof Error ? error.message : "";
    // V8 names the place only in some of its messages.
    const at = Number(/position (\d+)/.exec(said)?.[1] ?? 0);
    const line = text.trimStart().slice(0, at).split("\n").length + linesBefore(text);
    return { items: [`the list is not JSON: ${said}`], lineOf: () => line };
  }
}

/** Empty lines at the beginning. */
const linesBefore = (text: string): number => (/^\s*/.exec(text)?.[0].split("\n").length ?? 1) - 1;

/** The line on which each item of an array begins, in text that is known to be JSON. */
function linesOfItems(text: string): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let isItemNext = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "\n") line++;
    if (/\s/.test(char)) continue;
    if (isItemNext && char !== "]") lines.push(line);
    isItemNext = depth === 1 ? char === "," : depth === 0;
    if (char === '"') at = endOfString(text, at);
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
  }
  return lines;
}

/** The closing quote of the string that opens at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at;
}
