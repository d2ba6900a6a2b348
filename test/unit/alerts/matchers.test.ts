import { describe, it } from "vitest";
import {
  matchesAll,
  matchesNothingSaid,
  MATCHER_CHARS_MAX,
  readMatchers,
} from "../../../src/alerts/matchers.ts";

const read = (...texts: readonly string[]) => {
  const all = readMatchers(texts);
  if (!all.ok) throw new Error(JSON.stringify(all.error));
  return all.value;
};
const LABELS = { alertname: "DiskFull", instance: "db-1", team: "a b" };

describe("matchers", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['alertname="DiskFull"', true],
    ["alertname=DiskFull", true],
    [' alertname = "DiskFull" ', true],
    ['alertname="Disk"', false],
    ['alertname!="Disk"', true],
    ['instance=~"db-.+"', true],
    ['instance=~"db"', false],
    ['instance!~"web-.+"', true],
    ['team="a b"', true],
    // A label that is missing is an empty one.
    ['region=""', true],
    ['region!="eu"', true],
    ['region=~".+"', false],
    ['region!~".+"', true],
    ['region=~"eu|"', true],
    // Not what every object has.
    ['constructor=~".+"', false],
    ["alertname=", false],
  ];
  it.for(cases)("%s", ([text, expected], { expect }) => {
    expect(matchesAll(read(text), LABELS)).toBe(expected);
  });

  it("hold together or not at all", ({ expect }) => {
    expect(matchesAll(read('alertname="DiskFull"', 'instance="db-1"'), LABELS)).toBe(true);
    expect(matchesAll(read('alertname="DiskFull"', 'instance="db-2"'), LABELS)).toBe(false);
  });

  it("take quotes, backslashes and ends of lines in their values", ({ expect }) => {
    const value = 'say "no"\n\\now';
    expect(matchesAll(read('text="say \\"no\\"\\n\\\\now"'), { text: value })).toBe(true);
  });

  it("answer the same again, however many values they have seen", ({ expect }) => {
    const [matcher] = read('instance=~"db-[0-9]+"');
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 2_500; n += 1) {
        expect([matcher?.holds(`db-${n}`), matcher?.holds(`web-${n}`)]).toEqual([true, false]);
      }
    }
  });

  it.for([
    ["alertname", 'write a matcher such as alertname="DiskFull"'],
    ['1name="x"', 'write a matcher such as alertname="DiskFull"'],
    ['name="x', "put the value of name in double quotes"],
    ["name=two words", "put the value of name in double quotes"],
    ['name=~"("', "the regular expression of name is not taken: a ( without its )"],
    [
      `name="${"x".repeat(MATCHER_CHARS_MAX)}"`,
      `a matcher has at most ${MATCHER_CHARS_MAX} characters`,
    ],
  ] as const)("%s is refused", ([text, problem], { expect }) => {
    expect(readMatchers(['fine="yes"', text])).toEqual({ ok: false, error: [[1, problem]] });
  });

  it("that hold for nothing said are told from those that do not", ({ expect }) => {
    expect(matchesNothingSaid(read('a=""', 'b!="x"', 'c=~".*"'))).toBe(true);
    expect(matchesNothingSaid(read('a=""', 'b="x"'))).toBe(false);
  });
});
