import { it } from "vitest";
import { equalInConstantTime } from "../../../src/shared/equal.ts";

it.for([
  ["same", "same", true],
  ["same", "sam", false],
  ["same", "samE", false],
  ["", "", true],
  ["é", "e\u0301", false],
] as const)("%j against %j is %s", ([left, right, expected], { expect }) => {
  expect(equalInConstantTime(left, right)).toBe(expected);
});
