/** What the public reads of an incident goes forward, whatever the incident itself goes through. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { INCIDENT_STATUSES, type IncidentStatus } from "../../../src/incidents/journal.ts";
import { publicStatus, updatesAfter, type PublicUpdate } from "../../../src/incidents/public.ts";
import { T0 } from "../../support/incident.ts";

/** What was said, as an incident goes from one status to the next. */
function said(statuses: readonly IncidentStatus[]): readonly PublicUpdate[] {
  let updates: readonly PublicUpdate[] = [];
  for (const [index, to] of statuses.entries()) {
    const from = statuses[index - 1] ?? to;
    const data = { from, to, why: "" };
    const event =
      to === "resolved"
        ? ({ type: "incident.resolved", data: { why: "" } } as const)
        : to === "reopened"
          ? ({ type: "incident.reopened", data: { why: "" } } as const)
          : ({ type: "incident.status_changed", data } as const);
    updates = updatesAfter(updates, event, { from, to, seq: index + 1, atMs: T0 + index });
  }
  return updates;
}

const read = (...statuses: readonly IncidentStatus[]): readonly string[] =>
  said(statuses).map(({ status }) => status);

describe("in public", () => {
  it.for([
    [
      "a measure that did not help is followed by another",
      ["triaged", "investigating", "mitigating", "investigating", "mitigating", "monitoring"],
      ["investigating", "identified", "monitoring"],
    ],
    [
      "harm that comes back is something to be mended, not to be looked for",
      ["investigating", "mitigating", "monitoring", "investigating", "mitigating", "monitoring"],
      ["investigating", "identified", "monitoring", "identified", "monitoring"],
    ],
    [
      "what began again is looked for again",
      ["investigating", "mitigating", "resolved", "reopened", "investigating", "mitigating"],
      ["investigating", "identified", "resolved", "investigating", "identified"],
    ],
  ] as const)("%s", ([, statuses, reads], { expect }) => {
    expect(read(...statuses)).toEqual(reads);
  });

  it("nothing is said twice in a row, and nobody goes back to looking", ({ expect }) => {
    const lives = fc.array(fc.constantFrom(...INCIDENT_STATUSES), { maxLength: 30 });
    fc.assert(
      fc.property(lives, (statuses) => {
        const all = read(...statuses);
        for (const [index, status] of all.entries()) {
          const before = all[index - 1];
          expect(status).not.toBe(before);
          if (status !== "investigating" || before === undefined) continue;
          const isAnew = before === "resolved" || statuses.includes("reopened");
          expect(isAnew).toBe(true);
        }
      }),
    );
  });

  it("a person may say that we look for it again, and it stands until a measure is taken", ({
    expect,
  }) => {
    const updates = updatesAfter(
      said(["investigating", "mitigating"]),
      {
        type: "status.published",
        data: { message: "It was not the disk.", status: "investigating", component: null },
      },
      { from: "mitigating", to: "mitigating", seq: 9, atMs: T0 },
    );
    expect(publicStatus(updates, "mitigating")).toBe("investigating");
    const changed = {
      type: "incident.status_changed",
      data: { from: "mitigating", to: "monitoring", why: "" },
    } as const;
    const turn = { from: "mitigating", to: "monitoring", seq: 10, atMs: T0 } as const;
    expect(updatesAfter(updates, changed, turn).at(-1)).toMatchObject({ status: "monitoring" });
  });
});
