/**
 * Regular expressions that people write into matchers: the part of RE2's syntax that names labels. Anchored at both ends, and matched
 * by stepping through all that is possible at once, so that no expression takes longer than its length times the text's. Pure.
 */
import { err, ok, type Result } from "../shared/result.ts";

export const PATTERN_CHARS_MAX = 300;
/** Steps of the compiled expression, its repetitions written out. */
export const PATTERN_STEPS_MAX = 1_000;

/** Does all of the text match? */
export type Pattern = (text: string) => boolean;

type Range = readonly [from: number, to: number];
type Chars = { readonly ranges: readonly Range[]; readonly isNegated: boolean };
type Node =
  | { readonly kind: "chars"; readonly chars: Chars }
  | { readonly kind: "all" | "any"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly min: number; readonly max: number };

/** One step: a character to be seen, other steps to go on at, or the end. */
type Step = { readonly chars: Chars } | { readonly goesTo: readonly number[] } | "end";

/** `(?i)` at the start ignores case. Look-around, back-references and anchors inside are refused by name. */
export function readPattern(source: string): Result<Pattern, string> {
  if (source.length > PATTERN_CHARS_MAX) {
    return err(`a regular expression has at most ${PATTERN_CHARS_MAX} characters`);
  }
  try {
    const ignoresCase = source.startsWith("(?i)");
    const node = new Reader(ignoresCase ? source.slice("(?i)".length) : source).read();
    return ok(matcherOf(stepsOf(node), ignoresCase));
  } catch (fault) {
    if (fault instanceof Refused) return err(fault.message);
    throw fault;
  }
}

class Refused extends Error {}

const DIGITS: readonly Range[] = [[48, 57]];
const WORDS: readonly Range[] = [...DIGITS, [65, 90], [95, 95], [97, 122]];
const SPACES: readonly Range[] = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const CLASSES: Readonly<Record<string, Chars>> = {
  d: { ranges: DIGITS, isNegated: false },
  D: { ranges: DIGITS, isNegated: true },
  w: { ranges: WORDS, isNegated: false },
  W: { ranges: WORDS, isNegated: true },
  s: { ranges: SPACES, isNegated: false },
  S: { ranges: SPACES, isNegated: true },
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };
/** As RE2 has it, a dot is anything but the end of a line. */
const DOT: Chars = { ranges: [[10, 10]], isNegated: true };
const LAST_CODE_POINT = 0x10ffff;
const REPEATS_MAX = PATTERN_STEPS_MAX;
const PARTS_MAX = 10 * PATTERN_STEPS_MAX;

class Reader {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#chars = Array.from(source);
  }

  read(): Node {
    if (this.#peek() === "^") this.#at += 1;
    const node = this.#alternatives();
    if (this.#at < this.#chars.length) throw new Refused(`an unexpected ${this.#peek()}`);
    return node;
  }

  #peek(ahead = 0): string | undefined {
    return this.#chars[this.#at + ahead];
  }

  #take(): string {
    const char = this.#chars[this.#at];
    if (char === undefined) throw new Refused("it ends too early");
    this.#at += 1;
    return char;
  }

  #takes(wanted: string): boolean {
    if (this.#peek() !== wanted) return false;
    this.#at += 1;
    return true;
  }

  #alternatives(): Node {
    const nodes = [this.#sequence()];
    while (this.#takes("|")) nodes.push(this.#sequence());
    return { kind: "any", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")";) {
      // At the very end it says what holds anyway.
      if (next === "$" && this.#at === this.#chars.length - 1) this.#at += 1;
      else nodes.push(this.#repeated(this.#atom()));
      next = this.#peek();
    }
    return { kind: "all", nodes };
  }

  #repeated(node: Node): Node {
    const bounds = this.#bounds();
    if (bounds === null) return node;
    // Lazy or not: all of the text has to match.
    this.#takes("?");
    const next = this.#peek();
    if (next === "*" || next === "+") throw new Refused(`a second ${next} behind a repetition`);
    return { kind: "repeat", node, ...bounds };
  }

  #bounds(): { readonly min: number; readonly max: number } | null {
    if (this.#takes("*")) return { min: 0, max: Infinity };
    if (this.#takes("+")) return { min: 1, max: Infinity };
    if (this.#takes("?")) return { min: 0, max: 1 };
    const rest = this.#chars.slice(this.#at).join("");
    const [all, least = "", comma, most = ""] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(rest) ?? [];
    if (all === undefined) return null;
    this.#at += all.length;
    const min = Number(least);
    const max = comma === "" ? min : most === "" ? Infinity : Number(most);
    if (max < min || min > REPEATS_MAX) throw new Refused(`the repetition ${all}`);
    return { min, max };
  }

  #atom(): Node {
    const char = this.#take();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "chars", chars: this.#set() };
      case ".":
        return { kind: "chars", chars: DOT };
      case "\\":
        return { kind: "chars", chars: this.#escaped() };
      case "*":
      case "+":
      case "?":
        throw new Refused(`a ${char} with nothing before it`);
      case "^":
      case "$":
        throw new Refused(`a ${char} inside: the whole value is matched anyway`);
      default:
        return { kind: "chars", chars: one(codeOf(char)) };
    }
  }

  #group(): Node {
    if (this.#takes("?") && !this.#takes(":")) {
      throw new Refused("a group of the kind (?…) other than (?:…)");
    }
    const node = this.#alternatives();
    if (!this.#takes(")")) throw new Refused("a ( without its )");
    return node;
  }

  #escaped(): Chars {
    const char = this.#take();
    const known = CLASSES[char];
    if (known !== undefined) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return one(control);
    if (/[0-9A-Za-z]/.test(char)) throw new Refused(`\\${char}`);
    return one(codeOf(char));
  }

  #set(): Chars {
    const isNegated = this.#takes("^");
    const ranges: Range[] = [];
    // A ] right at the start is one of the characters.
    for (let isFirst = true; isFirst || this.#peek() !== "]"; isFirst = false) {
      const member = this.#member();
      const [from] = member.ranges;
      const isRange = this.#peek() === "-" && this.#peek(1) !== "]" && this.#peek(1) !== undefined;
      if (!isRange) {
        ranges.push(...positive(member));
        continue;
      }
      this.#at += 1;
      const [to] = this.#member().ranges;
      if (from === undefined || to === undefined || from[0] !== from[1] || to[0] !== to[1]) {
        throw new Refused("a range that does not go from one character to another");
      }
      if (to[0] < from[0]) throw new Refused("a range that goes backwards");
      ranges.push([from[0], to[0]]);
    }
    this.#at += 1;
    return { ranges, isNegated };
  }

  #member(): Chars {
    const char = this.#take();
    if (char === "[" && this.#peek() === ":") throw new Refused("a class such as [:alpha:]");
    return char === "\\" ? this.#escaped() : one(codeOf(char));
  }
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0;
const one = (code: number): Chars => ({ ranges: [[code, code]], isNegated: false });

/** The same characters without a "not". */
function positive({ ranges, isNegated }: Chars): readonly Range[] {
  if (!isNegated) return ranges;
  const gaps: Range[] = [];
  let from = 0;
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    if (start > from) gaps.push([from, start - 1]);
    from = Math.max(from, end + 1);
  }
  if (from <= LAST_CODE_POINT) gaps.push([from, LAST_CODE_POINT]);
  return gaps;
}

/** Steps in order, from the first to the end. */
function stepsOf(root: Node): readonly Step[] {
  const steps: Step[] = [];
  const add = (step: Step): number => {
    if (steps.length >= PATTERN_STEPS_MAX) {
      throw new Refused(`more than ${PATTERN_STEPS_MAX} steps, its repetitions written out`);
    }
    return steps.push(step) - 1;
  };
  let written = 0;
  /** Writes a part; whoever comes next goes on at `steps.length`. */
  const write = (node: Node): void => {
    // Repetitions of nothing add no step, and take their time all the same.
    written += 1;
    if (written > PARTS_MAX) throw new Refused("repetitions of repetitions");
    switch (node.kind) {
      case "chars":
        add({ chars: node.chars });
        return;
      case "all":
        node.nodes.forEach(write);
        return;
      case "any":
        return writeAny(node.nodes);
      case "repeat":
        return writeRepeat(node.node, node.min, node.max);
    }
  };
  const writeAny = (nodes: readonly Node[]): void => {
    const [first, ...others] = nodes;
    if (first === undefined) return;
    if (others.length === 0) return write(first);
    const fork = add("end");
    write(first);
    const leave = add("end");
    steps[fork] = { goesTo: [fork + 1, steps.length] };
    writeAny(others);
    steps[leave] = { goesTo: [steps.length] };
  };
  const writeRepeat = (node: Node, min: number, max: number): void => {
    for (let times = 0; times < min; times += 1) write(node);
    if (max === Infinity) {
      const fork = add("end");
      write(node);
      add({ goesTo: [fork] });
      steps[fork] = { goesTo: [fork + 1, steps.length] };
      return;
    }
    const forks = Array.from({ length: max - min }, () => {
      const fork = add("end");
      write(node);
      return fork;
    });
    for (const fork of forks) steps[fork] = { goesTo: [fork + 1, steps.length] };
  };
  write(root);
  add("end");
  return steps;
}

/** Steps through the text with the set of all steps that are possible. */
function matcherOf(steps: readonly Step[], ignoresCase: boolean): Pattern {
  return (text) => {
    let now = reached([0], steps);
    for (const char of text) {
      const codes = ignoresCase
        ? [char, char.toLowerCase(), char.toUpperCase()].map(codeOf)
        : [codeOf(char)];
      const next: number[] = [];
      for (const at of now) {
        const step = steps[at];
        if (step === undefined || step === "end" || !("chars" in step)) continue;
        if (holds(step.chars, codes)) next.push(at + 1);
      }
      if (next.length === 0) return false;
      now = reached(next, steps);
    }
    return now.some((at) => steps[at] === "end");
  };
}

/** One character, in each of its cases where case is ignored. */
const holds = ({ ranges, isNegated }: Chars, codes: readonly number[]): boolean =>
  ranges.some(([from, to]) => codes.some((code) => from <= code && code <= to)) !== isNegated;

/** All steps that can be reached without a character, each once. */
function reached(starts: readonly number[], steps: readonly Step[]): readonly number[] {
  const seen = new Set(starts);
  // A set is walked through while it grows.
  for (const at of seen) {
    const step = steps[at];
    if (step === undefined || step === "end" || !("goesTo" in step)) continue;
    for (const next of step.goesTo) seen.add(next);
  }
  return [...seen];
}
