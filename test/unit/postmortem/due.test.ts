import { it } from "vitest";
import {
  overduePostmortems,
  postmortemDueAtMs,
  POSTMORTEM_MS,
} from "../../../src/postmortem/due.ts";
import { aView, NOW_MS } from "../../support/metrics.ts";

const resolvedAtMs = aView().anchors.resolvedAtMs ?? 0;

it("is due some days after the resolution", ({ expect }) => {
  expect(postmortemDueAtMs(aView())).toBe(resolvedAtMs + POSTMORTEM_MS);
  expect(overduePostmortems([aView()], NOW_MS)).toHaveLength(1);
  expect(overduePostmortems([aView()], resolvedAtMs + POSTMORTEM_MS - 1)).toEqual([]);
});

it.for([
  ["is complete", { postmortem: "completed" }],
  ["paged nobody", { severity: "SEV-3" }],
  ["was a drill", { drill: true }],
  ["is open", { status: "reopened" }],
] as const)("is not due for one that %s", ([, given], { expect }) => {
  expect(postmortemDueAtMs(aView(given))).toBeNull();
});
