import { it } from "vitest";
import { uninhibited } from "../../../src/monitor/inhibition.ts";

const playbook = (id: string, ...inhibits: string[]) => ({ id, inhibits });

const ROWS = [
  ["nobody inhibits", [playbook("a"), playbook("b")], ["a", "b"]],
  ["a cause silences its symptom", [playbook("symptom"), playbook("cause", "symptom")], ["cause"]],
  [
    "a symptom's symptom is silent with it",
    [playbook("c"), playbook("b", "c"), playbook("a", "b")],
    ["a"],
  ],
  ["a cause that is not triggered silences nobody", [playbook("symptom")], ["symptom"]],
  ["two that blame each other both stay", [playbook("a", "b"), playbook("b", "a")], ["a", "b"]],
  [
    "a circle with a cause outside it is silent",
    [playbook("a", "b"), playbook("b", "a"), playbook("cause", "a")],
    ["cause"],
  ],
  [
    "one that names itself is a cause all the same",
    [playbook("a", "a", "b"), playbook("b")],
    ["a"],
  ],
] as const;

it.for(ROWS)("%s", ([, triggered, open], { expect }) => {
  expect(uninhibited(triggered).map(({ id }) => id)).toEqual(open);
});
