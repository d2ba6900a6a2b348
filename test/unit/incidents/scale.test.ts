/** What the page says that no step is left: what is at its limit, by its figures, and what nobody knows. */
import { it } from "vitest";
import { Drive, DOWN, SMALL_OUTAGE } from "../../support/incident.ts";

const SCALED = {
  ...SMALL_OUTAGE,
  mitigate: [],
  scale: [
    { what: "The CPU", when: "origin.cpu_ratio > 0.95", raise: "more instances" },
    { what: "Postgres's CPU", when: "postgres.cpu_ratio > 0.9", raise: "a larger compute" },
  ],
};
const pageAfter = (spec: object, signals: Readonly<Record<string, number>>): unknown => {
  const incident = new Drive(spec).open();
  incident.see({ ...DOWN, ...signals });
  return incident.journal.find(({ type }) => type === "incident.escalated")?.data;
};

it.for([
  [
    "one is at its limit",
    { "origin.cpu_ratio": 0.97, "postgres.cpu_ratio": 0.5 },
    "nothing is left to try. The CPU is at its limit (origin.cpu_ratio = 0.97): more instances",
  ],
  [
    "none is",
    { "origin.cpu_ratio": 0.95, "postgres.cpu_ratio": 0.9 },
    "nothing is left to try. Not at their limit: The CPU, Postgres's CPU",
  ],
  [
    "one is, and of the other nobody knows",
    { "postgres.cpu_ratio": 0.91 },
    "nothing is left to try. Postgres's CPU is at its limit (postgres.cpu_ratio = 0.91): a larger compute. Not known whether at their limit: The CPU",
  ],
  [
    "nobody knows of any",
    {},
    "nothing is left to try. Not known whether at their limit: The CPU, Postgres's CPU",
  ],
] as const)("says what to scale when %s", ([, signals, why], { expect }) => {
  expect(pageAfter(SCALED, signals)).toEqual({ because: "exhausted", why });
});

it("says nothing of it where a playbook names nothing", ({ expect }) => {
  const page = pageAfter({ ...SMALL_OUTAGE, mitigate: [] }, { "origin.cpu_ratio": 1 });
  expect(page).toEqual({ because: "exhausted", why: "nothing is left to try" });
});
