/** An incident's page shows what can be done as the incident stands, and nothing in it can pose as something else. */
import { describe, it } from "vitest";
import { deedNamed } from "../../../src/incident-page/deeds.ts";
import { incidentPage, LINES_MAX, type IncidentPage } from "../../../src/incident-page/page.ts";
import { lastReadings } from "../../../src/incident-page/story.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { mitigationId } from "../../../src/http/schemas.ts";
import { timelineOf } from "../../../src/postmortem/timeline.ts";
import { Drive, DOWN, SMALL_OUTAGE } from "../../support/incident.ts";

const asking = {
  ...SMALL_OUTAGE,
  mitigate: SMALL_OUTAGE.mitigate.map((step) => ({ ...step, mode: "approve" })),
};

/** The labels of the forms in it that would be sent to this deed, or none. */
const formsOf = (text: string): readonly string[] =>
  [...text.matchAll(/<form method="post" action="[^"]*\/([a-z-]+)"/g)].map(
    ([, deed]) => deed ?? "",
  );

async function shown(incident: Drive, given: Partial<IncidentPage> = {}): Promise<string> {
  const view = viewOf(incident.state, null);
  if (view === null) throw new Error("not open");
  const page = incidentPage({
    view,
    timeline: timelineOf(incident.journal),
    readings: lastReadings(incident.journal),
    site: { title: "Shop", suppliers: [{ id: "neon", name: "Neon" }] },
    caller: { name: "ada", mayAct: true },
    respondByMs: incident.atMs + 60_000,
    press: `prs_${"0".repeat(26)}`,
    refused: null,
    draft: null,
    postmortem: view.status === "resolved" ? { markdown: "# Draft", savedAt: 0 } : null,
    nowMs: incident.atMs,
    ...given,
  });
  return String(await page);
}

const waits = (): Drive => {
  const incident = new Drive(asking).open();
  incident.see(DOWN);
  return incident;
};
const inForce = (): Drive => {
  const incident = new Drive().open();
  incident.see(DOWN);
  incident.settle();
  return incident;
};

describe("what can be done from an incident's page", () => {
  it("is what nobody has done yet", async ({ expect }) => {
    const incident = new Drive().open();
    expect(formsOf(await shown(incident))).toEqual(
      expect.arrayContaining(["acknowledge", "lead", "resolve"]),
    );
    incident.do("acknowledge", {});
    incident.do("take_lead", { lead: "ada" });
    const later = formsOf(await shown(incident));
    expect(later).not.toEqual(expect.arrayContaining(["acknowledge"]));
    expect(later).not.toEqual(expect.arrayContaining(["lead"]));
    expect(later).toContain("hand-over");
    incident.do("resolve", { why: "over" });
    expect(formsOf(await shown(incident))).toEqual([
      "postmortem",
      "complete",
      "note",
      "reopen",
      "sign-out",
    ]);
  });

  it("is an answer to what waits, and the way back from what is in force", async ({ expect }) => {
    const waiting = waits();
    expect(formsOf(await shown(waiting))).toEqual(expect.arrayContaining(["approve", "decline"]));
    expect(formsOf(await shown(waiting))).not.toContain("revert");
    const [lease] = waiting.state.leases;
    waiting.do("approve", { leaseId: mitigationId.parse(lease?.id), why: "" });
    const after = formsOf(await shown(waiting));
    expect(after).toEqual(expect.arrayContaining(["revert", "extend"]));
    expect(after).not.toContain("approve");
  });

  it("is nothing for whoever may only look", async ({ expect }) => {
    const text = await shown(waits(), { caller: { name: "vic", mayAct: false } });
    expect(formsOf(text)).toEqual(["sign-out"]);
  });

  it("each says what the deed reads", async ({ expect }) => {
    const texts = [await shown(waits()), await shown(inForce())];
    const named = new Set(texts.flatMap(formsOf).filter((name) => name !== "sign-out"));
    expect(named.size).toBeGreaterThan(9);
    for (const name of named) expect(deedNamed(name), name).not.toBeNull();
  });

  it("asks for words where what still fires is said to be over", async ({ expect }) => {
    const incident = inForce();
    const resolve = (text: string) => text.slice(text.indexOf('/resolve"'));
    expect(resolve(await shown(incident))).toMatch(
      /It still fires \([a-z, ]+\)[\s\S]*?<textarea[^>]* required>/,
    );
  });

  it("opens again what was refused, with what was written", async ({ expect }) => {
    const incident = new Drive().open();
    const written = { why: 'a "reason" & more' };
    const text = await shown(incident, { refused: { deed: "escalate", because: "no", written } });
    expect(text.match(/<details open>/g)).toHaveLength(1);
    expect(text).toContain("a &quot;reason&quot; &amp; more</textarea>");
    expect(text).toContain("Nothing was done: no.");
  });
});

describe("what an incident's page says", () => {
  it("is whose each button is, and on which day what was", async ({ expect }) => {
    const [lease] = waits().state.leases;
    expect(await shown(waits())).toContain(`<summary>Approve: ${lease?.actuator}</summary>`);
    const incident = new Drive().open();
    incident.after(86_400_000).do("note", { text: "the day after" });
    expect(await shown(incident)).toMatch(/since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  });

  it("has what may be said in public where an update is due", async ({ expect }) => {
    const text = await shown(new Drive().open(), { draft: "We are still looking into it." });
    expect(text).toContain("We are still looking into it.</textarea>");
  });

  it("is what is wrong by its last readings, and until when an answer is due", async ({
    expect,
  }) => {
    const text = await shown(inForce());
    expect(text).toContain("Rule probes fires");
    expect(text).toContain("traffic.error_ratio = 1 <time>");
    expect(text).toContain("An answer is due by");
    expect(text).toContain("maintenance-mode: in force for every client");
    const late = await shown(inForce(), { respondByMs: 0 });
    expect(late).toContain("An answer was due at 1970-01-01 00:00:00 UTC.");
  });

  it("cannot be written by those whom it quotes", async ({ expect }) => {
    const incident = new Drive().open();
    incident.do("note", { text: '</li><script>alert("x")</script>**bold** `code`' });
    const text = await shown(incident);
    expect(text).not.toContain("<script");
    expect(text).toContain(
      "Note: &lt;/li&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;**bold** `code`",
    );
  });

  it("is the newest of a long story, and says where the rest is", async ({ expect }) => {
    const incident = new Drive().open();
    for (let nth = 0; nth < LINES_MAX + 5; nth += 1) incident.do("note", { text: `note ${nth}.` });
    const text = await shown(incident);
    expect(text).toContain(`note ${LINES_MAX + 4}.`);
    expect(text).not.toContain("note 1.");
    expect(text).toMatch(/\d+ earlier lines are in/);
  });
});
