/**
 * Matchers, as Alertmanager has them: `name="value"`, `!=`, and `=~`, `!~` with a regular expression for the whole value. A label that is
 * missing is an empty one. Pure.
 */
import { err, ok, type Result } from "../shared/result.ts";
import { readPattern } from "./pattern.ts";

export const MATCHERS_MAX = 16;
export const MATCHER_CHARS_MAX = 500;

export type Labels = Readonly<Record<string, string>>;

export type Matcher = {
  readonly name: string;
  /** Does it hold for this value, empty for a label that is missing? */
  readonly holds: (value: string) => boolean;
};

const WRITTEN = /^\s*([A-Za-z_:][\w:.-]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/su;
const QUOTED = /^"((?:[^"\\]|\\["\\n])*)"$/su;
/** Without quotes a value is one word, and has none of what would be mistaken for something else. */
const BARE = /^[^\s"'{},]*$/u;

/** A matcher from its text, or what is wrong with it. */
export function readMatcher(text: string): Result<Matcher, string> {
  if (text.length > MATCHER_CHARS_MAX) {
    return err(`a matcher has at most ${MATCHER_CHARS_MAX} characters`);
  }
  const [, name, operator, written = ""] = WRITTEN.exec(text) ?? [];
  if (name === undefined) return err('write a matcher such as alertname="DiskFull"');
  const value = valueOf(written);
  if (value === null) return err(`put the value of ${name} in double quotes`);
  if (operator === "=") return ok({ name, holds: (given) => given === value });
  if (operator === "!=") return ok({ name, holds: (given) => given !== value });
  const pattern = readPattern(value);
  if (!pattern.ok) return err(`the regular expression of ${name} is not taken: ${pattern.error}`);
  const matches = remembered(pattern.value);
  return ok({
    name,
    holds: operator === "=~" ? matches : (given) => !matches(given),
  });
}

function valueOf(written: string): string | null {
  const [, inside] = QUOTED.exec(written) ?? [];
  if (inside !== undefined) {
    return inside.replaceAll(/\\(["\\n])/g, (_, char: string) => (char === "n" ? "\n" : char));
  }
  return BARE.test(written) ? written : null;
}

/** Values that a pattern's answer is remembered for: alerts share most of theirs. */
const REMEMBERED_MAX = 2_000;

function remembered(matches: (value: string) => boolean): (value: string) => boolean {
  const answers = new Map<string, boolean>();
  return (value) => {
    const known = answers.get(value);
    if (known !== undefined) return known;
    if (answers.size >= REMEMBERED_MAX) answers.clear();
    const answer = matches(value);
    answers.set(value, answer);
    return answer;
  };
}

/** Reads all, or says of each that is wrong which it is, counted from 0, and why. */
export function readMatchers(
  texts: readonly string[],
): Result<readonly Matcher[], readonly (readonly [place: number, problem: string])[]> {
  const read = texts.map(readMatcher);
  const problems = read.flatMap((one, place) => (one.ok ? [] : [[place, one.error] as const]));
  return problems.length > 0
    ? err(problems)
    : ok(read.flatMap((one) => (one.ok ? [one.value] : [])));
}

/** Do all of them hold? */
export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean =>
  matchers.every(({ name, holds }) => holds(valueIn(labels, name)));

/** Would they hold for whatever has no labels at all? Such matchers match by accident. */
export const matchesNothingSaid = (matchers: readonly Matcher[]): boolean =>
  matchers.every(({ holds }) => holds(""));

export const valueIn = (labels: Labels, name: string): string =>
  Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
