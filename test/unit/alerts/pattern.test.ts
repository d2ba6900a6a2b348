import fc from "fast-check";
import { describe, it } from "vitest";
import { PATTERN_CHARS_MAX, PATTERN_STEPS_MAX, readPattern } from "../../../src/alerts/pattern.ts";

const matches = (source: string, text: string): boolean => {
  const read = readPattern(source);
  if (!read.ok) throw new Error(`${source}: ${read.error}`);
  return read.value(text);
};

describe("an expression", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["db-1", "db-1", true],
    ["db-1", "db-12", false],
    ["db", "a db", false],
    ["", "", true],
    ["", "a", false],
    ["db-.+", "db-", false],
    ["db-.*", "db-", true],
    [".*", "two\nlines", false],
    ["[\\s\\S]*", "two\nlines", true],
    ["a|b|", "", true],
    ["(?:db|web)-\\d{1,3}", "web-042", true],
    ["(db|web)-\\d{1,3}", "web-0421", false],
    ["a{2}", "aaa", false],
    ["a{2,}", "aaa", true],
    ["a{,2}", "a{,2}", true],
    ["x{y", "x{y", true],
    ["[a-c]+?", "abc", true],
    ["[^a-c]+", "abd", false],
    ["[]a]+", "]a", true],
    ["[a\\]-]+", "a]-", true],
    ["[\\W]", "-", true],
    ["[^\\D]", "7", true],
    ["\\.", "x", false],
    ["^db$", "db", true],
    ["(?i)DiskFull", "diskfull", true],
    ["(?i)[a-z]+", "ABC", true],
    ["(?i)[^a]", "A", false],
    ["caf\u{e9}.\u{1f600}", "caf\u{e9}!\u{1f600}", true],
    ["(a*)*", "aaa", true],
    ["(){9}a", "a", true],
  ];
  it.for(cases)("%s and %s", ([source, text, expected], { expect }) => {
    expect(matches(source, text)).toBe(expected);
  });

  it.for([
    ["(a", "a ( without its )"],
    ["a)", "an unexpected )"],
    ["[a", "it ends too early"],
    ["*a", "a * with nothing before it"],
    ["a**", "a second * behind a repetition"],
    ["a\\", "it ends too early"],
    ["\\bdb", "\\b"],
    ["(a)\\1", "\\1"],
    ["(?=a)b", "a group of the kind (?…) other than (?:…)"],
    ["(?<n>a)", "a group of the kind (?…) other than (?:…)"],
    ["a^b", "a ^ inside: the whole value is matched anyway"],
    ["[b-a]", "a range that goes backwards"],
    ["[\\d-z]", "a range that does not go from one character to another"],
    ["[[:alpha:]]", "a class such as [:alpha:]"],
    ["a{3,2}", "the repetition {3,2}"],
    ["(a{100}){100}", `more than ${PATTERN_STEPS_MAX} steps, its repetitions written out`],
    ["((((){999}){999}){999}){999}", "repetitions of repetitions"],
    [
      "a".repeat(PATTERN_CHARS_MAX + 1),
      `a regular expression has at most ${PATTERN_CHARS_MAX} characters`,
    ],
  ] as const)("%s is refused", ([source, problem], { expect }) => {
    expect(readPattern(source)).toEqual({ ok: false, error: problem });
  });
});

it.for(["(a*)*b", "(a|a)*b", "(a+)+b", "(.*)(.*)(.*)(.*)(.*)b", "(a?){300}a{300}b"])(
  "%s takes no longer for a text that a backtracking engine does not come back from",
  (source, { expect }) => {
    expect(matches(source, "a".repeat(2_000))).toBe(false);
  },
);

/** Expressions that both this engine and JavaScript's read, of a small alphabet. */
const expression: fc.Arbitrary<string> = fc.letrec<{ node: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\d"),
    tie("node").map((inner) => `(?:${inner})`),
  ),
  node: fc.oneof(
    { maxDepth: 4 },
    tie("atom"),
    fc
      .tuple(tie("atom"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}"))
      .map((parts) => parts.join("")),
    fc.array(tie("atom"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
    fc.tuple(tie("atom"), tie("atom")).map((parts) => parts.join("|")),
  ),
})).node;

it("matches what JavaScript's engine matches", ({ expect }) => {
  const text = fc.stringMatching(/^[abc1\n]{0,8}$/);
  fc.assert(
    fc.property(expression, text, (source, given) => {
      const read = readPattern(source);
      // Repetitions of repetitions can be too many.
      fc.pre(read.ok);
      expect(read.ok && read.value(given)).toBe(new RegExp(`^(?:${source})$`, "u").test(given));
    }),
    { numRuns: 2_000 },
  );
});

it("never throws, and never takes long", ({ expect }) => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60, unit: fc.constantFrom(...Array.from("ab()[]{}|*+?^$\\.-,09d:")) }),
      (source) => {
        const read = readPattern(source);
        expect(typeof (read.ok ? read.value("abba") : false)).toBe("boolean");
      },
    ),
    { numRuns: 5_000 },
  );
});
