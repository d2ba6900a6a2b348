import { describe, it } from "vitest";
import type { RuleState } from "../../../src/detection/rule-state.ts";
import {
  firingRules,
  firstBadSampleAtMs,
  isAnyStirring,
  isTriggered,
} from "../../../src/detection/trigger.ts";

const inactive: RuleState = { status: "inactive" };
const pending: RuleState = { status: "pending", sinceMs: 100 };
const firing: RuleState = { status: "firing", sinceMs: 300 };
const clearing: RuleState = { status: "clearing", firingSinceMs: 200, sinceMs: 900 };

describe("isTriggered", () => {
  const rows = [
    ["any", { a: inactive, b: pending }, false],
    ["any", { a: inactive, b: firing }, true],
    ["any", { a: clearing }, true],
    ["any", {}, false],
    ["all", { a: firing, b: pending }, false],
    ["all", { a: firing, b: clearing }, true],
    ["all", {}, false],
    [{ at_least: 2 }, { a: firing, b: pending, c: inactive }, false],
    [{ at_least: 2 }, { a: firing, b: clearing, c: inactive }, true],
    [{ at_least: 2 }, { a: firing, b: firing, c: firing }, true],
  ] as const;

  it.for(rows)("%j with %j is %s", ([trigger, states, expected], { expect }) => {
    expect(isTriggered(trigger, states)).toBe(expected);
  });
});

describe("what rules say together", () => {
  it("names the rules that fire, those that are clearing included", ({ expect }) => {
    expect(firingRules({ a: pending, b: clearing, c: firing })).toEqual(["b", "c"]);
  });

  it("begins with the first true reading of a rule that fires", ({ expect }) => {
    expect(firstBadSampleAtMs({ a: pending, b: clearing, c: firing })).toBe(200);
    expect(firstBadSampleAtMs({ a: pending })).toBeNull();
  });

  it("stirs as soon as one rule is pending", ({ expect }) => {
    expect(isAnyStirring({ a: inactive })).toBe(false);
    expect(isAnyStirring({ a: inactive, b: pending })).toBe(true);
  });
});
