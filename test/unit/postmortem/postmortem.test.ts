import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "vitest";
import { EVENT_DATA, type EventData } from "../../../src/incidents/journal.ts";
import { renderPostmortem, TIMELINE_LINES_MAX } from "../../../src/postmortem/postmortem.ts";
import { actId, leaseId } from "../../../src/shared/ids.ts";
import { ADA, aJournal, anOutage, INCIDENT_ID, OPENED_AT_MS } from "../../support/journal.ts";

const golden = readFileSync(
  new URL("../../fixtures/postmortem/outage.md", import.meta.url),
  "utf8",
);
const nowMs = OPENED_AT_MS + 3_600_000;
const render = (journal: { readonly rows: ReturnType<typeof aJournal>["rows"] }): string =>
  renderPostmortem(journal.rows, { nowMs });
const withoutBoxes = (markdown: string): string => markdown.replaceAll(/^- \[ \] /gm, "- ");

const lease = { leaseId: leaseId(INCIDENT_ID, "read-only", 1) };
const proposed: EventData["lease.proposed"] = {
  ...lease,
  step: "read-only",
  attempt: 1,
  actuator: "read-only",
  with: {},
  leaseMs: 60_000,
  release: "at_once",
  mode: "auto",
  shadow: false,
  siteWide: true,
  masks: [],
};
const aRollback: EventData["act.proposed"] = {
  actId: actId(INCIDENT_ID, "rollback", 1),
  step: "rollback",
  attempt: 1,
  actuator: "rollback-deployment",
  with: {},
  mode: "auto",
  shadow: false,
  siteWide: true,
};
const applied = (effectId: string) => ({
  ...lease,
  effectId,
  expiresAtMs: OPENED_AT_MS + 60_000,
  prior: null,
  receipt: null,
});

describe("the post-mortem of an outage", () => {
  it("is filled from the journal, to the word", ({ expect }) => {
    expect(render(anOutage())).toBe(golden);
  });

  it("has the mission's sections in the mission's order", ({ expect }) => {
    const headings = [...golden.matchAll(/^##? (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      `Incident Post-Mortem: \`${INCIDENT_ID}\``,
      "Summary",
      "Timeline",
      "Root Cause",
      "Lessons Learned",
      "Action Items",
      "Prevention Measures",
    ]);
  });

  it("leaves no placeholder", ({ expect }) => {
    expect(withoutBoxes(golden)).not.toMatch(/[[\]]/);
    expect(golden).not.toMatch(/undefined|null|NaN|Invalid Date/);
  });
});

describe("the timeline", () => {
  it("has one line per row, in words, for every kind of event there is", ({ expect }) => {
    const types = Object.keys(EVENT_DATA);
    const unreadable = types.reduce(
      (journal, type) => journal.writeUnknown(type, {}, 2),
      aJournal(),
    );
    const lines = render(unreadable).match(/version 2, which this version cannot read/g);
    expect(lines).toHaveLength(types.length);
  });

  it("shows what a later version wrote, and tells the rest of the story all the same", ({
    expect,
  }) => {
    const journal = aJournal()
      .writeUnknown("supplier.contacted", { supplier: "Neon <b>" })
      .write("incident.acknowledged", {}, ADA);
    const markdown = render(journal);
    expect(markdown).toContain(
      '`supplier.contacted`, version 1, which this version cannot read: {"supplier":"Neon &#60;b&#62;"}',
    );
    expect(markdown).toContain("**Acknowledged** (person `ada@shop.example`)");
  });

  it("writes the date wherever it changes", ({ expect }) => {
    const journal = aJournal()
      .after(10 * 3_600_000)
      .write("incident.acknowledged", {}, ADA);
    const days = render(journal).match(/^- \*\*\d{4}-\d\d-\d\d\*\*$/gm);
    expect(days).toEqual(["- **2026-11-23**", "- **2026-11-24**"]);
  });

  it("gives an anchor of another day its date", ({ expect }) => {
    const journal = aJournal()
      .after(10 * 3_600_000)
      .write("incident.resolved", { why: "done" }, ADA);
    expect(render(journal)).toContain("- 2026-11-24 00:02:11 - Resolution confirmed");
  });

  it.for([
    [TIMELINE_LINES_MAX, null],
    [TIMELINE_LINES_MAX + 1, "- left out here, and in the journal only: 1 rows"],
  ] as const)("of %i rows is bounded", ([rows, said], { expect }) => {
    let journal = aJournal();
    while (journal.rows.length < rows)
      journal = journal.write("incident.noted", { text: "x" }, ADA);
    const markdown = render(journal);
    expect(markdown.match(/^- \d\d:\d\d:\d\d - Note: x/gm)).toHaveLength(TIMELINE_LINES_MAX - 1);
    if (said === null) expect(markdown).not.toContain("left out here");
    else expect(markdown).toContain(said);
  });
});

describe("what was measured", () => {
  const impactOf = (journal: ReturnType<typeof aJournal>): string | undefined =>
    /^- Impact: (.*)$/m.exec(render(journal))?.[1];

  it("is the worst error ratio that visitors met", ({ expect }) => {
    const journal = aJournal({
      readings: [{ signal: "traffic.error_ratio", value: 0.4, atMs: OPENED_AT_MS }],
    }).write("incident.triggered", {
      rules: ["errors"],
      readings: [{ signal: "traffic.error_ratio", value: 0.82, atMs: OPENED_AT_MS + 10_000 }],
    });
    expect(impactOf(journal)).toBe(
      "users: 82 % of requests failed at the worst sample, at 14:02:21; revenue: not measured",
    );
  });

  it("is the worst share of visitors, too, each at its own time", ({ expect }) => {
    const readings = (errors: number, harmed: number, atMs: number) => [
      { signal: "traffic.error_ratio", value: errors, atMs },
      { signal: "traffic.harmed_addresses_ratio", value: harmed, atMs },
    ];
    const journal = aJournal({ readings: readings(0.82, 0.3, OPENED_AT_MS) }).write(
      "incident.triggered",
      { rules: ["errors"], readings: readings(0.5, 0.45, OPENED_AT_MS + 10_000) },
    );
    expect(impactOf(journal)).toBe(
      "users: 82 % of requests failed at the worst sample, at 14:02:11; 45 % of visitors (by address) met that at the worst, at 14:02:21; revenue: not measured",
    );
  });

  it("reads the samples that were collected around onset", ({ expect }) => {
    const journal = aJournal({ readings: [] })
      .write("evidence.requested", { collector: "signals-around-onset" })
      .write("evidence.collected", {
        effectId: "2:0",
        collector: "signals-around-onset",
        summary: "2 samples",
        facts: {
          "traffic.error_ratio": [
            { atMs: OPENED_AT_MS - 5_000, value: 0.25 },
            { atMs: OPENED_AT_MS - 4_000, unknown: "no_data" },
          ],
        },
      });
    expect(impactOf(journal)).toBe(
      "users: 25 % of requests failed at the worst sample, at 14:02:06; revenue: not measured",
    );
  });

  it("is not what was measured while all was well", ({ expect }) => {
    const journal = aJournal({
      readings: [{ signal: "probe.around_success_ratio", value: 0, atMs: OPENED_AT_MS }],
    })
      .write("evidence.requested", { collector: "signals-around-onset" })
      .write("evidence.collected", {
        effectId: "2:0",
        collector: "signals-around-onset",
        summary: "2 samples",
        facts: {
          "traffic.error_ratio": [
            { atMs: OPENED_AT_MS - 60_000, value: 0 },
            { atMs: OPENED_AT_MS - 1_000, unknown: "no_data" },
          ],
        },
      });
    expect(impactOf(journal)).toMatch(/^users: 100 % of probes failed at the worst sample/);
  });

  it("ends what could not be taken back when guards did", ({ expect }) => {
    const journal = aJournal({ readings: [] })
      .write("lease.proposed", proposed)
      .write("lease.applying", { ...lease, expiresAtMs: OPENED_AT_MS + 60_000 })
      .write("lease.applied", applied("3:0"))
      .write("lease.reverting", { ...lease, because: "person", why: "" })
      .write("lease.failed", {
        ...lease,
        effectId: "5:0",
        during: "revert",
        failure: { class: "retry", detail: "no answer" },
      });
    expect(impactOf(journal)).toContain("a mitigation was in force for 1m;");
  });

  it("counts two mitigations at once as one time", ({ expect }) => {
    const maintenance = { leaseId: leaseId(INCIDENT_ID, "maintenance-mode", 1) };
    const journal = aJournal({ readings: [] })
      .write("lease.proposed", proposed)
      .write("lease.proposed", { ...proposed, ...maintenance })
      .write("lease.applied", applied("2:0"))
      .after(30_000)
      .write("lease.applied", { ...applied("3:0"), ...maintenance })
      .after(30_000)
      .write("lease.reverted", { ...lease, effectId: "5:0", outcome: "restored" })
      .after(30_000)
      .write("lease.reverted", { ...maintenance, effectId: "6:0", outcome: "restored" });
    expect(impactOf(journal)).toBe(
      "users: not measured; a mitigation was in force for 1m 30s; revenue: not measured",
    );
  });

  it("is the revenue that waited to be charged, at its worst and in the end", ({ expect }) => {
    const look = (effectId: string, unpaid: readonly object[]) =>
      ({ effectId, collector: "payments-unpaid", summary: "x", facts: { unpaid } }) as const;
    const journal = aJournal({ readings: [] })
      .write("evidence.requested", { collector: "payments-unpaid" })
      .write("evidence.collected", look("2:0", [{ currency: "usd", count: 15, amount: 73_500 }]))
      .write("evidence.requested", { collector: "payments-unpaid" })
      .write("evidence.collected", look("4:0", []));
    expect(impactOf(journal)).toBe(
      "users: not measured; revenue: at the worst look USD 73500 in minor units (15 payments) waited to be charged; at the last look nothing",
    );
  });

  it("is never made up", ({ expect }) => {
    const journal = aJournal({
      readings: [{ signal: "traffic.error_ratio", unknown: "no_data" }],
    });
    expect(impactOf(journal)).toBe("users: not measured; revenue: not measured");
  });
});

describe("what the journal can judge", () => {
  it("counts an open incident to now", ({ expect }) => {
    const markdown = render(aJournal());
    expect(markdown).toContain("- Duration: 1h 7s, from 14:02:04, and not resolved yet");
    expect(markdown).toContain("- not known yet - Resolution confirmed");
    expect(markdown).toContain("Nobody acknowledged it.");
  });

  it("names the mitigation that did not help, and the work it leaves", ({ expect }) => {
    const journal = aJournal()
      .write("lease.proposed", proposed)
      .write("lease.applying", { ...lease, expiresAtMs: OPENED_AT_MS + 60_000 })
      .write("lease.applied", applied("3:0"))
      .after(30_000)
      .write("lease.ineffective", { ...lease, why: "errors went on", readings: [] })
      .write("lease.reverting", { ...lease, because: "ineffective", why: "errors went on" })
      .write("lease.reverted", { ...lease, effectId: "6:0", outcome: "changed" });
    const markdown = render(journal);
    expect(markdown).toContain("   - `read-only` did not help: errors went on.");
    expect(markdown).toContain("- [ ] platform-team - Review why `read-only` did not help");
    expect(markdown).toContain("Decide what to do with what `read-only` could not take back");
  });

  it("leaves nobody to mend a rollback that was not applicable, and somebody one that failed", ({
    expect,
  }) => {
    const failed = (failure: { readonly notApplicable?: true }): string =>
      render(
        aJournal()
          .write("act.proposed", aRollback)
          .write("act.failed", {
            effectId: "2:0",
            actId: aRollback.actId,
            during: "judge",
            failure: { class: "refuse", detail: "deployed long before", ...failure },
          }),
      );
    const mend = "Mend why `rollback-deployment` failed";
    expect(failed({})).toContain(mend);
    expect(failed({})).toContain("`rollback-deployment` failed to judge: deployed long before.");
    const declined = failed({ notApplicable: true });
    expect(declined).not.toMatch(/mend|failed to/i);
    expect(declined).toContain("never done; not a case for it: deployed long before");
    expect(declined).toContain("not done, as this is no case for it: deployed long before");
  });

  it("leaves nobody to mend an act that asked for a person's word, until that was not enough", ({
    expect,
  }) => {
    const refused = (options: EventData["act.proposed"]["with"]): string =>
      render(
        aJournal()
          .write("act.proposed", { ...aRollback, with: options })
          .write("act.failed", {
            effectId: "2:0",
            actId: aRollback.actId,
            during: "perform",
            failure: { class: "refuse", detail: "secrets have changed", ask: { force: true } },
          }),
      );
    const asked = refused({ force: false });
    expect(asked).not.toMatch(/Mend why/);
    expect(asked).toContain("never done; asked for a person's word: secrets have changed");
    expect(refused({ force: true })).toContain("Mend why `rollback-deployment` failed");
  });

  it("calls it luck when production recovered by itself", ({ expect }) => {
    const journal = aJournal().after(60_000).write("incident.recovery_seen", { readings: [] });
    expect(render(journal)).toContain(
      "3. Where we got lucky\n   - Production recovered before any mitigation was confirmed in force.",
    );
  });

  it("misses a target at the target itself", ({ expect }) => {
    const detectedAfter = (ms: number): string =>
      render(aJournal({ onsetAtMs: OPENED_AT_MS - ms }));
    const well = /went well\n {3}- Detected/;
    expect(detectedAfter(299_999)).toMatch(well);
    expect(detectedAfter(300_000)).not.toMatch(well);
  });

  it("says which message reached nobody", ({ expect }) => {
    const message = { deliveryId: "dlv_1", channel: "on-call" } as const;
    const journal = aJournal()
      .write("message.requested", {
        ...message,
        message: "opened",
        why: "opened",
        subject: "SEV-1",
        body: "",
      })
      .write("message.failed", {
        deliveryId: "dlv_1",
        effectId: "2:0",
        failure: { class: "refuse", detail: "the receiver answered 410: it unsubscribed" },
      });
    expect(render(journal)).toContain(
      "`on-call`, opened: not delivered: the receiver answered 410: it unsubscribed",
    );
  });
});

describe("whatever people wrote", () => {
  it("cannot forge a field, a heading, a box or a placeholder", ({ expect }) => {
    const forgery = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.constantFrom(
        "- [ ] me - pay - today",
        "\n## Root Cause\nIt was Bob",
        "[Owner]",
        "<b>",
        "**",
      ),
    );
    fc.assert(
      fc.property(fc.record({ title: forgery, note: forgery, why: forgery }), (texts) => {
        const journal = aJournal({ title: texts.title })
          .write(
            "incident.noted",
            { text: texts.note },
            { kind: "person", id: texts.why.slice(0, 200) },
          )
          .write("incident.lead_taken", { lead: texts.note }, ADA)
          .write("incident.severity_set", { from: "SEV-1", to: "SEV-2", why: texts.why });
        const markdown = render(journal);
        expect(withoutBoxes(markdown)).not.toMatch(/[[\]<>]/);
        expect(markdown.match(/^## /gm)).toHaveLength(6);
        expect(markdown.match(/^- \[ \]/gm)).toHaveLength(3);
      }),
      { numRuns: 50 },
    );
  });
});
