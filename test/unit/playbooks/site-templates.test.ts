/** What a site says in its own words is checked when it is read, and filled with what is known. */
import { describe, it } from "vitest";
import {
  fill,
  templates,
  TEMPLATE_FIELDS,
  USUAL_TEMPLATES,
  type Fields,
} from "../../../src/playbooks/site-templates.ts";

const problem = (given: unknown): string | undefined =>
  templates
    .safeParse(given)
    .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0];

describe("a template", () => {
  it.for([
    [
      { internal: "{title} by {who}" },
      "internal: there is no field {who}; there are {severity}, {title}, {status}, {impact}, {lead}, {duration}, {since}, {next_update}, {site}",
    ],
    [
      { external: { monitoring: "Ask {lead}." } },
      "external.monitoring: there is no field {lead}; there are {site}, {component}, {every}, {impact}, {duration}, {next_update}",
    ],
    [
      { external: { investigating: "[Service] Experiencing Issues" } },
      "external.investigating: [Service] was left to fill in; write a field, such as {site}",
    ],
    [
      { customer: { body: "Write to ada@shop.example." } },
      "customer.body: it has an e-mail address in it, and everybody would read it",
    ],
    [{ customer: { subject: "One\nTwo" } }, "customer.subject: write one line"],
    [
      { customer: { subject: "x".repeat(151) } },
      "customer.subject: Too big: expected string to have <=150 characters",
    ],
    [{ external: { open: "x" } }, 'external: Unrecognized key: "open"'],
  ] as const)("such as %j is refused in words", ([given, message], { expect }) => {
    expect(problem(given)).toBe(message);
  });

  it("of the site's own people may name whom they call", ({ expect }) => {
    expect(problem({ internal: "{severity}: {title}. Call ada@shop.example." })).toBeUndefined();
  });

  it("is filled by what is known, and what is put in is no field", ({ expect }) => {
    const values: Fields<"external"> = {
      site: "{every}",
      component: "Website",
      every: "hour",
      impact: "not known yet",
      duration: "under a minute",
      next_update: "by 14:32 UTC",
    };
    expect(fill<"external">("{component} of {site}, each {every}.", values)).toBe(
      "Website of {every}, each hour.",
    );
  });
});

it("of ours has no placeholder left, and needs no field that there is not", ({ expect }) => {
  const words = Object.values(USUAL_TEMPLATES).flatMap((one) =>
    typeof one === "string" ? [one] : Object.values(one),
  );
  expect(words).toHaveLength(9);
  for (const text of words) expect(text).not.toMatch(/[[\]]/);
  const known = new Set<string>(Object.values(TEMPLATE_FIELDS).flat());
  for (const [, name = ""] of words.join(" ").matchAll(/\{([^{}]*)\}/g)) {
    expect(known).toContain(name);
  }
});
