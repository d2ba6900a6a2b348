/** How a message begins: the mission's internal template, filled by the journal, or the site's own words. */
import { describe, it } from "vitest";
import type { MessageSite } from "../../../src/notify/message-site.ts";
import { ADA, aJournal, anOutage, type JournalWriter } from "../../support/journal.ts";
import { PAGER, told, toldLast } from "../../support/messages.ts";

describe("the next update", () => {
  const promising: MessageSite = { ...PAGER, updateEveryMs: 30 * 60_000 };
  const promised = (journal: JournalWriter, site = promising) =>
    /^Next Update: (.*)$/m.exec(told(journal, site).at(-1)?.body ?? "")?.[1];

  it("is when something new was promised, not when Firebreak looks again", ({ expect }) => {
    expect(promised(aJournal())).toBe(
      "as soon as something changes, and at 14:32:11 UTC at the latest",
    );
  });

  it("of what promises none is when something changes", ({ expect }) => {
    const tickets = { ...promising, channels: [{ id: "tickets", severities: ["SEV-3" as const] }] };
    expect(promised(aJournal({ severity: "SEV-3" }), tickets)).toBe("as soon as something changes");
    expect(promised(aJournal(), PAGER)).toBe("as soon as something changes");
  });

  it("is due once its time has come, and none follows the end", ({ expect }) => {
    const due = aJournal().write("incident.update_due", { why: "30m are over", draft: "Soon." });
    expect(promised(due)).toBe("due now");
    expect(promised(anOutage())).toBe("none, unless it opens again");
  });
});

it("names the day of what is not due today: a SEV-4 may wait until tomorrow", ({ expect }) => {
  const tickets = { ...PAGER, channels: [{ id: "tickets", severities: ["SEV-4" as const] }] };
  const body = told(aJournal({ severity: "SEV-4" }), tickets).at(-1)?.body;
  expect(body).toMatch(/^- Acknowledge by 2026-11-24 14:02:11 UTC$/m);
  expect(told(aJournal()).at(-1)?.body).toMatch(/^- Acknowledge by 14:17:11 UTC$/m);
});

it("says the worst that was measured where nothing was measured for it", ({ expect }) => {
  const readings = [
    { signal: "traffic.error_ratio", value: 0.82 },
    { signal: "traffic.harmed_addresses_ratio", value: 0.4 },
  ];
  const better = [{ signal: "traffic.error_ratio", value: 0 }];
  const impactOf = (journal: JournalWriter) =>
    /^Impact: .*?(?: Measured: (.*))?$/m.exec(told(journal).at(-1)?.body ?? "")?.[1];
  const answered = aJournal({ readings }).write("incident.acknowledged", {}, ADA);
  const worst = "at the worst, 82 % of requests fail, and 40 % of visitors (by address) met that.";
  expect(impactOf(answered)).toBe(worst);
  const well = answered.write("incident.recovery_seen", { readings: better });
  expect(impactOf(well)).toBe(worst);
});

it("asks who takes the lead over, and of an update that is due whoever leads", ({ expect }) => {
  const ada = { id: "ada", name: "Ada Lovelace", role: "responder" } as const;
  const site = { ...PAGER, people: [ada, { ...ada, id: "bob", name: "Bob" }] };
  const handed = aJournal().write("incident.lead_taken", { lead: ada.name, from: "Bob" });
  expect(toldLast(handed, site)).toMatchObject([{ why: "lead_changed", people: ["ada"] }]);
  const due = handed.write("incident.update_due", { why: "30m are over", draft: "Soon." });
  expect(toldLast(due, site)).toMatchObject([{ why: "update_due", people: ["ada"] }]);
  const unknown = aJournal().write("incident.lead_taken", { lead: "a token", from: "Bob" });
  expect(toldLast(unknown, site)[0]).not.toHaveProperty("people");
});

it("begins as the site says, and a title that looks like a field is none", ({ expect }) => {
  const internal = "{severity}: {title} at {site}\n{lead} leads; next {next_update}";
  const [draft] = toldLast(aJournal({ title: "{lead}" }), { ...PAGER, internal });
  expect(draft?.body.split("\n\n")[0]).toBe(
    "SEV-1: {lead} at Shop\nnobody yet leads; next as soon as something changes",
  );
  const [drill] = toldLast(aJournal({ drill: true }), { ...PAGER, internal });
  expect(drill?.body).toMatch(/^Drill, not a real incident\. SEV-1: /);
});
