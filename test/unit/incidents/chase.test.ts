/** Whoever owes a post-mortem, or what was agreed on in one, is reminded: once each time, and never of what is done. */
import { describe, it } from "vitest";
import type { Severity } from "../../../src/playbooks/schema.ts";
import { Drive, SMALL_OUTAGE, T0 } from "../../support/incident.ts";

const DAY = 24 * 3_600_000;
const CHANNELS = [{ id: "pager", severities: ["SEV-1" as const, "SEV-2" as const] }];
const PEOPLE = [
  { id: "ada", name: "Ada Lovelace", role: "responder" as const },
  { id: "grace", name: "Grace Hopper", role: "admin" as const },
];

const resolved = (severity: Severity = "SEV-1"): Drive => {
  const incident = new Drive(SMALL_OUTAGE, CHANNELS, { people: PEOPLE }).open();
  incident.do("set_severity", { severity, why: "it is" });
  incident.do("resolve", { why: "over" });
  incident.settle();
  return incident;
};

/** Alarms until it sleeps for good: the days after the resolution on which it spoke, and what it said. */
function reminders(incident: Drive): readonly (readonly [number, string])[] {
  const from = incident.journal.length;
  for (let times = 0; times < 40; times += 1) {
    const wakeAtMs = incident.nextWakeAtMs();
    if (wakeAtMs === null) break;
    incident.atMs = wakeAtMs;
    incident.do("wake", {});
    // An alarm that comes twice says nothing.
    const again = incident.do("wake", {});
    if (!Array.isArray(again) || again.length > 0) throw new Error("it was said twice");
    incident.settle();
  }
  return incident.journal
    .slice(from)
    .filter(({ type }) => type === "postmortem.chased")
    .map(({ atMs, data }) => [(atMs - T0) / DAY, (data as { why: string }).why]);
}

const days = (incident: Drive): readonly number[] => reminders(incident).map(([day]) => day);
const text = (...items: readonly string[]): string => `## Action Items\n${items.join("\n")}\n`;
const dayAfter = (day: number): string => new Date(T0 + day * DAY).toISOString().slice(0, 10);

describe("a post-mortem", () => {
  it("is asked for on days 4, 5, 8, 15 and 30, and then no more", ({ expect }) => {
    expect(days(resolved())).toEqual([4, 5, 8, 15, 30]);
  });

  it.for([
    ["SEV-2", 5],
    ["SEV-3", 0],
    ["SEV-4", 0],
  ] as const)("of a %s is asked for %d times", ([severity, times], { expect }) => {
    expect(days(resolved(severity))).toHaveLength(times);
  });

  it("that is complete is asked for no more; one that was only saved is", ({ expect }) => {
    const incident = resolved().after(2 * DAY);
    incident.do("save_postmortem", { markdown: "It was DNS." });
    expect(incident.nextWakeAtMs()).toBe(T0 + 4 * DAY);
    incident.do("complete_postmortem", {});
    expect(incident.nextWakeAtMs()).toBeNull();
    incident.do("save_postmortem", { markdown: "It was DNS, indeed." });
    expect(incident.state.postmortem).toBe("completed");
    expect(incident.nextWakeAtMs()).toBeNull();
  });

  it("of a rehearsal is nobody's duty", ({ expect }) => {
    const incident = resolved();
    const { opened } = incident.state;
    if (opened === null) throw new Error("it was opened");
    incident.state = { ...incident.state, opened: { ...opened, drill: true } };
    expect(incident.nextWakeAtMs()).toBeNull();
  });

  it("of what opened again counts from the next end", ({ expect }) => {
    const incident = resolved().after(3 * DAY);
    incident.do("reopen", { why: "again" });
    incident.do("acknowledge", {});
    incident.after(2 * DAY).do("resolve", { why: "over" });
    incident.settle();
    expect(days(incident)).toEqual([9, 10, 13, 20, 35]);
  });

  it("that was overslept is asked for once, not once for each reminder", ({ expect }) => {
    const incident = resolved().after(9 * DAY);
    expect(incident.do("wake", {})).toEqual(["postmortem.chased", "message.requested"]);
    expect(days(incident)).toEqual([15, 30]);
  });

  it("is asked for of whoever led, by name, in words that say what to do", ({ expect }) => {
    const incident = resolved();
    incident.do("take_lead", { lead: "Ada Lovelace" });
    incident.after(4 * DAY).do("wake", {});
    const message = incident.journal.findLast(({ type }) => type === "message.requested")?.data;
    expect(message).toMatchObject({
      why: "follow_up_due",
      people: ["ada"],
      state: "resolved",
      news: `Still owed: the post-mortem (Ada Lovelace) is due on ${dayAfter(5)}.`,
      body: expect.stringMatching(
        /It is your turn: Ada Lovelace\n- Complete the post-mortem\n- Do it here: .*\/incidents\/inc_/,
      ),
    });
    expect(message).toMatchObject({
      body: expect.stringContaining("Next Update: none, unless it opens again"),
    });
  });

  it("kept back by a silence is asked for when that ends", ({ expect }) => {
    const incident = resolved();
    const mute = { id: "sil_1", because: "silenced", by: "ada", why: "moving" } as const;
    incident.do("mute", { mutes: [{ ...mute, startsAtMs: T0, endsAtMs: T0 + 6 * DAY }] });
    expect(days(incident)).toEqual([6, 8, 15, 30]);
  });
});

describe("what was agreed on", () => {
  it("is asked for before its day is over, then, and ever more rarely", ({ expect }) => {
    const incident = resolved().after(DAY);
    incident.do("save_postmortem", {
      markdown: text(
        `- [ ] grace - Watch the lag - due ${dayAfter(10)}`,
        `- [x] ada - Raise the pool - due ${dayAfter(2)}`,
        "- [ ] ada - Some day",
      ),
    });
    incident.do("complete_postmortem", { why: "the rest is for later" });
    const said = reminders(incident);
    const dueAtDay = (Date.parse(`${dayAfter(10)}T00:00:00Z`) + DAY - T0) / DAY;
    expect(said.map(([day]) => day)).toEqual(
      [-1, 0, 3, 10, 25].map((more) => expect.closeTo(dueAtDay + more)),
    );
    expect(said[0]?.[1]).toBe(`"Watch the lag" (grace) is due on ${dayAfter(10)}`);
    expect(said[1]?.[1]).toBe(`"Watch the lag" (grace) was due on ${dayAfter(10)}`);
  });

  it("is asked for together with what is due at the same time", ({ expect }) => {
    const incident = resolved();
    incident.do("save_postmortem", {
      markdown: text(
        ...Array.from({ length: 9 }, (_, n) => `- [ ] ada - Part ${n} - due ${dayAfter(20)}`),
      ),
    });
    incident.do("complete_postmortem", {});
    const [first] = reminders(incident);
    expect(first?.[1]).toMatch(/^"Part 0" .*; "Part 7" .*; and 1 more$/);
  });

  it("is asked for no more once its box is ticked", ({ expect }) => {
    const incident = resolved();
    const item = (mark: string) => text(`- [${mark}] ada - Mend it - due ${dayAfter(10)}`);
    incident.do("save_postmortem", { markdown: item(" ") });
    incident.do("complete_postmortem", {});
    expect(incident.nextWakeAtMs()).not.toBeNull();
    incident.do("save_postmortem", { markdown: item("x") });
    expect(incident.nextWakeAtMs()).toBeNull();
  });

  it.for([
    ["- [ ] ada - Mend it - due 2027-02-01", null],
    ["- [ ] ada - Mend it", '"Mend it" has no due date'],
    ["- [ ] no owner yet - Mend it - due 2027-02-01", '"Mend it" has no owner'],
    ["- [x] no owner yet - Mend it", null],
  ] as const)("as %j, of a SEV-1, lacks: %s", ([line, lacks], { expect }) => {
    const incident = resolved();
    incident.do("save_postmortem", { markdown: text(line) });
    const answer = incident.do("complete_postmortem", {});
    if (lacks === null) {
      expect(answer).toEqual(["postmortem.completed"]);
      return;
    }
    expect(answer).toMatchObject({
      reason: "reason_required",
      detail: expect.stringContaining(lacks),
    });
    expect(incident.do("complete_postmortem", { why: "later" })).toEqual(["postmortem.completed"]);
  });
});
