import fc from "fast-check";
import { describe, it } from "vitest";
import { evolve } from "../../../src/incidents/evolve.ts";
import { readEvent, type EventData } from "../../../src/incidents/journal.ts";
import { initialState } from "../../../src/incidents/state.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { plainSite } from "../../../src/notify/message-site.ts";
import { messagesFor } from "../../../src/notify/pipeline.ts";
import { BODY_CHARS_MAX, SUBJECT_CHARS_MAX } from "../../../src/notify/templates.ts";
import { leaseId } from "../../../src/shared/ids.ts";
import {
  ADA,
  aJournal,
  anOutage,
  INCIDENT_ID,
  OPENED_AT_MS,
  type JournalWriter,
} from "../../support/journal.ts";
import { PAGER, told, toldLast } from "../../support/messages.ts";

const SITE = plainSite({
  title: "Shop",
  channels: [
    { id: "on-call", severities: ["SEV-1", "SEV-2"] },
    { id: "tickets", severities: ["SEV-3", "SEV-4"] },
    { id: "everything", severities: ["SEV-1", "SEV-2", "SEV-3", "SEV-4"] },
  ],
  url: "https://shop.example/",
});
const id = leaseId(INCIDENT_ID, "maintenance-mode", 1);

const proposal = (over: Partial<EventData["lease.proposed"]> = {}) => ({
  leaseId: id,
  step: "maintenance-mode",
  attempt: 1,
  actuator: "maintenance-mode",
  with: {},
  leaseMs: 900_000,
  release: "staged" as const,
  mode: "auto" as const,
  shadow: false,
  siteWide: true,
  masks: [],
  ...over,
});
const inForce = (over: Partial<EventData["lease.proposed"]> = {}): JournalWriter =>
  aJournal()
    .write("lease.proposed", proposal(over))
    .write("lease.applying", { leaseId: id, expiresAtMs: OPENED_AT_MS + 900_000 })
    .write("lease.applied", {
      effectId: "3:0",
      leaseId: id,
      expiresAtMs: OPENED_AT_MS + 900_000,
      prior: null,
      receipt: null,
    })
    .write("lease.effective", { leaseId: id, readings: [] });
const failure = { class: "refuse", detail: "the policy is full" } as const;

describe("an outage, from first to last message", () => {
  it("tells each state people should know about, once", ({ expect }) => {
    expect(told(anOutage()).map(({ message, why }) => [message, why])).toEqual([
      ["opened", "opened"],
      [`mitigated:${id}`, "mitigated"],
      ["acknowledged:13", "acknowledged"],
      [`recovery:${id}`, "recovery"],
      [`released:${id}`, "released"],
      ["resolved:22", "resolved"],
    ]);
  });

  it("wakes someone with what is wrong, what was done and what is asked", ({ expect }) => {
    const [opened] = toldLast(aJournal());
    expect(opened?.subject).toBe("SEV-1 opened: Complete service outage (Shop)");
    expect(opened?.body).toBe(
      `SEV-1 Incident: Complete service outage
Status: Detected
Impact: The shop is down for everybody. Measured: 100 % of probes fail.
Lead: nobody yet
Duration: 7s, since 14:02:04 UTC
Next Update: as soon as something changes

What is new:
- Opened by playbook outage.

What is wrong:
- Rule probes-failing fires
- probe.around_success_ratio = 0
- redis.reachable_ratio is unknown (not_configured)

What was done:
- Nothing yet.

What is asked of you:
- Acknowledge by 14:17:11 UTC
- Take the lead
- Do it here: https://shop.example/_firebreak/incidents/${INCIDENT_ID}

Incident ${INCIDENT_ID}, shop.test: https://shop.example/_firebreak/incidents/${INCIDENT_ID}`,
    );
  });

  it("says what is in force, and asks nothing of someone who has answered", ({ expect }) => {
    const answered = anOutage();
    const recovery = told(answered).find(({ why }) => why === "recovery");
    expect(recovery?.body).toContain(
      "What was done:\n- maintenance-mode: in force for every client until 14:17:11 UTC, confirmed",
    );
    expect(recovery?.body).toContain("What is asked of you:\n- Nothing right now.");
    expect(recovery?.body).toContain("Lead: ada@shop.example");
  });

  it("asks for the post-mortem at the end", ({ expect }) => {
    expect(told(anOutage()).at(-1)?.body).toContain(
      `- Complete the post-mortem\n- Do it here: https://shop.example/_firebreak/incidents/${INCIDENT_ID}`,
    );
  });

  it("leaves no field empty and no placeholder", ({ expect }) => {
    for (const { subject, body } of told(anOutage(), { ...PAGER, url: null })) {
      expect(`${subject}\n${body}`).not.toMatch(
        /[[\]]|undefined|null|NaN|^(?:Status|Impact|Lead|Duration|Next Update): *$/m,
      );
    }
  });
});

describe("what is news", () => {
  const sev = (from: "SEV-1" | "SEV-3", to: "SEV-1" | "SEV-3") =>
    aJournal({ severity: from }).write("incident.severity_set", { from, to, why: "it grew" });
  const ended = (over: Partial<EventData["lease.proposed"]> = {}) =>
    inForce(over).write("lease.reverting", { leaseId: id, because: "recovered", why: "held" });
  const cleared = { from: { status: "firing", sinceMs: 0 }, to: { status: "inactive" } } as const;
  const readings: [] = [];

  const cases: readonly (readonly [string, JournalWriter, string | null])[] = [
    ["an opening", aJournal(), "opened opened"],
    ["a raised severity", sev("SEV-3", "SEV-1"), "severity_raised:SEV-1:2 severity_raised"],
    ["a severity set to itself", sev("SEV-1", "SEV-1"), null],
    [
      "an escalation",
      aJournal().write("incident.escalated", { because: "silence", why: "nobody answered" }),
      "escalated:2 escalated",
    ],
    [
      "a step that waits for approval",
      aJournal().write("lease.proposed", proposal({ mode: "approve" })),
      `approval:${id} approval_needed`,
    ],
    ["an automatic step", aJournal().write("lease.proposed", proposal()), null],
    [
      "a step in shadow",
      aJournal().write("lease.proposed", proposal({ shadow: true })),
      `shadow:${id} needs_person`,
    ],
    ["a mitigation in force", inForce(), `mitigated:${id} mitigated`],
    ["a shadow that would be in force", inForce({ shadow: true }), null],
    [
      "a mitigation that did not help",
      inForce().write("lease.ineffective", { leaseId: id, why: "errors went on", readings }),
      `ineffective:${id} ineffective`,
    ],
    [
      "a failed mitigation",
      inForce().write("lease.failed", { leaseId: id, effectId: "9:0", during: "revert", failure }),
      `failed:revert:${id} needs_person`,
    ],
    [
      "a mitigation that ran out while the rule fires",
      inForce().write("lease.expired", { leaseId: id }),
      `expired:${id} needs_person`,
    ],
    [
      "a mitigation that ran out when nothing fires",
      inForce()
        .write("rule.changed", { rule: "probes-failing", ...cleared, truth: "false", readings })
        .write("lease.expired", { leaseId: id }),
      null,
    ],
    [
      "recovery",
      inForce().write("incident.recovery_seen", { readings }),
      `recovery:${id} recovery`,
    ],
    [
      "recovery by itself",
      aJournal().write("incident.recovery_seen", { readings }),
      "recovery:none recovery",
    ],
    [
      "recovery that was lost",
      inForce().write("incident.recovery_lost", { readings }),
      `recovery_lost:${id} recovery_lost`,
    ],
    [
      "harm that came back during a release",
      inForce()
        .write("lease.releasing", { leaseId: id, share: 0.5, why: "held" })
        .write("lease.rearmed", { leaseId: id, expiresAtMs: OPENED_AT_MS, why: "harm" }),
      `recovery_lost:${id} recovery_lost`,
    ],
    [
      "a stage of a release",
      inForce().write("lease.releasing", { leaseId: id, share: 0.5, why: "held" }),
      null,
    ],
    [
      "a mitigation taken back",
      ended().write("lease.reverted", { leaseId: id, effectId: "6:0", outcome: "restored" }),
      `released:${id} released`,
    ],
    [
      "a shadow taken back",
      ended({ shadow: true }).write("lease.reverted", {
        leaseId: id,
        effectId: "6:0",
        outcome: "restored",
      }),
      null,
    ],
    ["a resolution", aJournal().write("incident.resolved", { why: "well" }), "resolved:2 resolved"],
    ["a reopening", aJournal().write("incident.reopened", { why: "again" }), "reopened:2 reopened"],
    ["a note", aJournal().write("incident.noted", { text: "hm" }, ADA), null],
    [
      "an acknowledgement",
      aJournal().write("incident.acknowledged", {}, ADA),
      "acknowledged:2 acknowledged",
    ],
    [
      "a skipped step",
      aJournal().write("step.skipped", { step: "rollback", why: "not configured" }),
      null,
    ],
  ];

  it.for(cases)("%s", ([, journal, key], { expect }) => {
    const drafts = toldLast(journal).map(({ message, why }) => `${message} ${why}`);
    expect(drafts).toEqual(key === null ? [] : [key]);
  });

  it("tells recovery that comes and goes once per mitigation", ({ expect }) => {
    let journal = inForce();
    for (let swing = 0; swing < 5; swing += 1) {
      journal = journal
        .write("incident.recovery_seen", { readings })
        .write("incident.recovery_lost", { readings });
    }
    const keys = told(journal).map(({ message }) => message);
    expect([...new Set(keys)]).toEqual([
      "opened",
      `mitigated:${id}`,
      `recovery:${id}`,
      `recovery_lost:${id}`,
    ]);
  });

  it("gives a second raise to the same severity a message of its own", ({ expect }) => {
    const [up, down] = [
      { from: "SEV-2", to: "SEV-1", why: "it grew" },
      { from: "SEV-1", to: "SEV-2", why: "it shrank" },
    ] as const;
    const journal = aJournal({ severity: "SEV-2" })
      .write("incident.severity_set", up)
      .write("incident.severity_set", down)
      .write("incident.severity_set", up);
    expect(toldLast(journal).map(({ message }) => message)).toEqual(["severity_raised:SEV-1:4"]);
    const keys = told(journal, SITE).map(({ channel, message }) => `${channel} ${message}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("gives a second resolution a message of its own", ({ expect }) => {
    const journal = aJournal()
      .write("incident.resolved", { why: "well" })
      .write("incident.reopened", { why: "again" })
      .write("incident.resolved", { why: "well at last" });
    expect(told(journal).map(({ message }) => message)).toEqual([
      "opened",
      "resolved:2",
      "reopened:3",
      "resolved:4",
    ]);
  });
});

describe("who hears of it", () => {
  const heard = (journal: JournalWriter) => toldLast(journal, SITE).map(({ channel }) => channel);

  it("is decided by the severity", ({ expect }) => {
    expect(heard(aJournal({ severity: "SEV-1" }))).toEqual(["on-call", "everything"]);
    expect(heard(aJournal({ severity: "SEV-4" }))).toEqual(["tickets", "everything"]);
  });

  it("pages at once when a ticket becomes a SEV-1", ({ expect }) => {
    const raised = aJournal({ severity: "SEV-3" }).write("incident.severity_set", {
      from: "SEV-3",
      to: "SEV-1",
      why: "payments fail too",
    });
    expect(heard(raised)).toEqual(["on-call", "everything"]);
    expect(toldLast(raised, SITE)[0]?.body).toContain(
      "Raised from SEV-3 to SEV-1: payments fail too",
    );
  });

  it("lets those go who were paged, when it turns out smaller", ({ expect }) => {
    const lowered = aJournal().write("incident.severity_set", {
      from: "SEV-1",
      to: "SEV-3",
      why: "one page only",
    });
    expect(heard(lowered)).toEqual(["on-call", "tickets", "everything"]);
  });

  it("is nobody when no channel is declared", ({ expect }) => {
    expect(told(anOutage(), { ...SITE, channels: [] })).toEqual([]);
  });
});

describe("what is asked", () => {
  it("names both answers to a request for approval", ({ expect }) => {
    const waiting = aJournal().write("lease.proposed", proposal({ mode: "approve" }));
    const [draft] = toldLast(waiting);
    expect(draft?.body).toContain("- Approve maintenance-mode, or decline it\n");
    expect(draft?.body).toContain(
      `- Do it here: https://shop.example/_firebreak/incidents/${INCIDENT_ID}\n`,
    );
  });

  it.for([
    [15 * 60_000 - 1, "Acknowledge by 14:17:11 UTC"],
    [15 * 60_000, "Acknowledge now; it was due at 14:17:11 UTC"],
  ] as const)("counts the response time, %i ms in", ([afterMs, said], { expect }) => {
    const journal = aJournal()
      .after(afterMs)
      .write("incident.escalated", { because: "silence", why: "nobody answered" });
    expect(toldLast(journal)[0]?.body).toContain(said);
  });

  it("gives paths when the site's address is not configured", ({ expect }) => {
    const [draft] = toldLast(aJournal(), { ...PAGER, url: null });
    expect(draft?.body).toContain(`- Do it here: /_firebreak/incidents/${INCIDENT_ID}\n`);
  });

  it("is a person's work when a mitigation cannot be taken back", ({ expect }) => {
    const failed = inForce().write("lease.failed", {
      leaseId: id,
      effectId: "9:0",
      during: "revert",
      failure,
    });
    const [draft] = toldLast(failed);
    expect(draft?.body).toContain("could not be taken back: the policy is full");
    expect(draft?.body).toContain("Look at what maintenance-mode left behind");
  });
});

describe("a drill", () => {
  it("says so before anything else", ({ expect }) => {
    const [draft] = toldLast(aJournal({ drill: true }));
    expect(draft?.subject).toMatch(/^Drill: SEV-1 opened/);
    expect(draft?.body).toMatch(/^Drill, not a real incident\. SEV-1 Incident/);
  });
});

describe("text from outside", () => {
  it("cannot pose as a field, and cannot outgrow the message", ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20_000 }), (title) => {
        const forged = `${title}\r\nLead: mallory\nImpact: none`;
        const [draft] = toldLast(aJournal({ title: forged }));
        expect(draft?.body.match(/^Lead: .*$/gm)).toEqual(["Lead: nobody yet"]);
        expect(draft?.body).toContain("What is asked of you:\n- Acknowledge by");
        expect(draft?.subject.length).toBeLessThanOrEqual(SUBJECT_CHARS_MAX);
        expect(draft?.body.length).toBeLessThanOrEqual(BODY_CHARS_MAX);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what a message says beside its words", () => {
  it("is how the incident stands, from the incident and never from the text", ({ expect }) => {
    const said = told(anOutage()).map(({ why, state, severity }) => [why, state, severity]);
    expect(said).toEqual([
      ["opened", "open", "SEV-1"],
      ["mitigated", "open", "SEV-1"],
      ["acknowledged", "acknowledged", "SEV-1"],
      ["recovery", "acknowledged", "SEV-1"],
      ["released", "acknowledged", "SEV-1"],
      ["resolved", "resolved", "SEV-1"],
    ]);
  });

  it("links the incident only where somebody said where the guard answers", ({ expect }) => {
    const link = `https://shop.example/_firebreak/incidents/${INCIDENT_ID}`;
    expect(toldLast(aJournal())[0]?.link).toBe(link);
    expect(toldLast(aJournal(), { ...PAGER, url: null })[0]?.link).toBeNull();
  });
});

it("tells channels of the incident's playbook, and who was told of another hears only its end", ({
  expect,
}) => {
  const site = {
    ...SITE,
    channels: [
      { id: "on-call", severities: ["SEV-1" as const], playbooks: ["outage"] },
      { id: "safety", severities: ["SEV-1" as const], playbooks: ["security"] },
    ],
  };
  expect(toldLast(aJournal(), site).map(({ channel }) => channel)).toEqual(["on-call"]);
  const renamed = { ...site, channels: site.channels.slice(1) };
  expect(toldLast(aJournal(), renamed).map(({ channel }) => channel)).toEqual(["safety"]);
});

it("tells of the end whoever heard of the incident, whatever its severity is by then", ({
  expect,
}) => {
  const journal = aJournal()
    .write("incident.severity_set", { from: "SEV-1", to: "SEV-3", why: "it shrank" })
    .write("incident.resolved", { why: "over" });
  const view = viewOf(journal.rows.reduce(evolve, initialState), null);
  const row = journal.rows.at(-1);
  const event = row === undefined ? null : readEvent(row);
  if (view === null || event === null) return expect.unreachable();
  const hears = (heard: readonly string[]): readonly string[] =>
    messagesFor(event, view, SITE, OPENED_AT_MS, heard).map(({ channel }) => channel);
  expect(hears([])).toEqual(["tickets", "everything"]);
  expect(hears(["on-call", "gone"])).toEqual(["on-call", "tickets", "everything"]);
});
