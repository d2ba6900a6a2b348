import { it } from "vitest";
import { CATALOGUE } from "../../../src/signals/catalogue.ts";

/** What the last word of a name may be, and how the catalogue writes that unit. A count is of whatever the unit names. */
const UNITS: Readonly<Record<string, RegExp>> = {
  ratio: /^(?:ratio|times)$/,
  ms: /^ms$/,
  seconds: /^seconds$/,
  second: /^[a-z]+\/second$/,
  minute: /^[a-z]+\/minute$/,
  count: /^[A-Za-z]+(?: [a-z]+)*$/,
  cu: /^CU$/,
  level: /^level$/,
};

it.for(Object.entries(CATALOGUE))(
  "%s is <source>.<what>_<unit>, in the unit that the catalogue has",
  ([name, { unit }], { expect }) => {
    const [, last = ""] = /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*_([a-z]+)$/.exec(name) ?? [];
    expect(Object.keys(UNITS)).toContain(last);
    expect(unit).toMatch(UNITS[last] ?? /^$/);
  },
);
