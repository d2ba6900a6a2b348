/** The checklist: ticked by what is seen, by people, and by neither against the other. */
import { describe, it } from "vitest";
import type { EffectOutcome } from "../../../src/incidents/command.ts";
import { compilePlaybook } from "../../../src/playbooks/compile.ts";
import { catalogue } from "../../../src/signals/catalogue.ts";
import { bundledOf, Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SECOND = 1_000;
const PLAYBOOK = {
  ...SMALL_OUTAGE,
  investigate: [{ collect: "cloudflare-status" }, { collect: "redis-info" }],
  checklist: [
    { item: "Visitors are told", effective: "maintenance-mode" },
    { item: "Looked at", collected: ["cloudflare-status", "redis-info"] },
    { item: "No errors", when: "traffic.error_ratio < 0.1" },
    "Cause identified",
  ],
};
const [TOLD, LOOKED, WELL_AGAIN, CAUSE] = [0, 1, 2, 3];

const drive = (): Drive => new Drive(PLAYBOOK).open();
const ticked = ({ state }: Drive): number[] =>
  Object.entries(state.checklist).flatMap(([item, { isTicked }]) =>
    isTicked ? [Number(item)] : [],
  );
/** To where maintenance is seen to help. */
function mitigated(): Drive {
  const incident = drive();
  incident.see(DOWN);
  incident.settle();
  incident.after(SECOND).see(ENFORCED);
  return incident;
}

describe("what Firebreak sees", () => {
  it("is ticked when all the evidence is there, and not when half of it is", ({ expect }) => {
    const incident = drive();
    const [first] = incident.pending.keys();
    incident.do("report_effect", {
      effectId: first ?? "",
      outcome: { ok: true, value: { summary: "seen", facts: {} } },
    });
    incident.see(DOWN);
    expect(ticked(incident)).toEqual([]);
    incident.settle();
    incident.after(SECOND).see(DOWN);
    expect(ticked(incident)).toContain(LOOKED);
  });

  it("is not ticked by evidence that could not be had", ({ expect }) => {
    const incident = drive();
    incident.settle({ ok: false, failure: { class: "refuse", detail: "not configured" } });
    incident.after(SECOND).see(DOWN);
    expect(ticked(incident)).not.toContain(LOOKED);
  });

  it("is ticked when its step is seen to help, and stays so when the step is taken back", ({
    expect,
  }) => {
    const incident = drive();
    incident.see(DOWN);
    incident.settle();
    expect(ticked(incident)).not.toContain(TOLD);
    incident.after(SECOND).see(ENFORCED);
    expect(ticked(incident)).toContain(TOLD);
    incident.after(SECOND).see(WELL);
    incident.after(60 * SECOND).see(WELL);
    incident.settle();
    expect(ticked(incident)).toContain(TOLD);
  });

  it("is not ticked by a rehearsal", ({ expect }) => {
    const incident = drive();
    incident.see(DOWN, "shadow");
    incident.settle();
    incident.after(SECOND).see(ENFORCED, "shadow");
    expect(ticked(incident)).not.toContain(TOLD);
  });

  it("is ticked by good signals once recovery is seen, with their values, and open again when it is lost", ({
    expect,
  }) => {
    const incident = drive();
    // The errors are gone, but not the harm.
    incident.see({ ...DOWN, "traffic.error_ratio": 0 });
    expect(ticked(incident)).not.toContain(WELL_AGAIN);
    incident.after(SECOND).see(WELL);
    expect(ticked(incident)).toContain(WELL_AGAIN);
    expect(incident.journal.findLast(({ type }) => type === "checklist.ticked")).toMatchObject({
      actor: { kind: "monitor" },
      atMs: incident.atMs,
      data: {
        text: "No errors",
        why: "traffic.error_ratio = 0",
        readings: [{ signal: "traffic.error_ratio", value: 0, atMs: incident.atMs }],
      },
    });
    incident.after(SECOND).see(DOWN);
    expect(ticked(incident)).not.toContain(WELL_AGAIN);
    incident.after(SECOND).see(WELL);
    expect(ticked(incident)).toContain(WELL_AGAIN);
  });

  it("is not ticked by what nobody knows", ({ expect }) => {
    const incident = drive();
    incident.see({ ...WELL, "traffic.error_ratio": null });
    expect(incident.state.recoveredSinceMs).not.toBeNull();
    expect(ticked(incident)).not.toContain(WELL_AGAIN);
  });

  it("is said once, however often it is seen", ({ expect }) => {
    const incident = mitigated();
    for (let tick = 0; tick < 5; tick += 1) incident.after(SECOND).see(ENFORCED);
    const said = incident.journal.filter(({ type }) => type === "checklist.ticked");
    expect(said).toHaveLength(2);
  });
});

describe("what an incident that is over knows of its end", () => {
  const PAGE = 0;
  const MAIL = 1;
  const OWED = 2;
  const RECORDED = {
    ...SMALL_OUTAGE,
    communicate: { status_page: { component: "website", message: "We are looking into it." } },
    checklist: [
      { item: "Page updated", recorded: "status_page" },
      { item: "Customers mailed", recorded: "customers_mailed" },
      { item: "Post-mortem scheduled", recorded: "postmortem_owed" },
    ],
  };
  /** Mail to customers goes out by a public channel. */
  function mailing(spec: object = RECORDED): Drive {
    const incident = new Drive(spec, [], { publicChannels: [{ id: "customers" }] });
    return incident.open();
  }
  const why = ({ state }: Drive, item: number): string => state.checklist[item]?.why ?? "";
  const sent = (mailed?: string): EffectOutcome => ({
    ok: true,
    value: { status: 201, ref: "b1", ...(mailed === undefined ? {} : { mailed }) },
  });

  it("is nothing before it is over", ({ expect }) => {
    const incident = mailing();
    incident.settle(sent("begin"));
    incident.after(SECOND).see(WELL);
    expect(ticked(incident)).toEqual([]);
  });

  it("is what the status page says, and who owes the post-mortem until when", ({ expect }) => {
    const incident = mailing();
    incident.do("resolve", { why: "over" });
    incident.settle();
    expect(ticked(incident)).toEqual([PAGE, OWED]);
    expect(why(incident, PAGE)).toBe("the status page says resolved: website");
    expect(why(incident, OWED)).toBe("tests owes it until 2027-01-20");
  });

  it("is a receipt of the mail to customers that it is over, and no draft of one", ({ expect }) => {
    const incident = mailing();
    incident.settle(sent("begin"));
    incident.do("resolve", { why: "over" });
    incident.settle(sent());
    expect(ticked(incident)).not.toContain(MAIL);
    incident.do("publish", { message: "It was a disk.", status: null, component: null });
    incident.settle(sent("end"));
    expect(ticked(incident)).toContain(MAIL);
    expect(why(incident, MAIL)).toBe("customers were mailed that it is over");
  });

  it("is open again when the incident is, and the mail of an end that was none counts no more", ({
    expect,
  }) => {
    const incident = mailing();
    incident.settle(sent("begin"));
    incident.do("resolve", { why: "over" });
    incident.settle(sent("end"));
    expect(ticked(incident)).toEqual([PAGE, MAIL, OWED]);
    incident.after(SECOND).do("reopen", { why: "it is back" });
    incident.see(DOWN);
    expect(ticked(incident)).toEqual([]);
    expect(why(incident, PAGE)).toBe("it is not so any more");
    incident.settle(sent("begin"));
    incident.after(SECOND).do("resolve", { why: "over" });
    incident.settle(sent());
    expect(ticked(incident)).toEqual([PAGE, OWED]);
    incident.do("publish", { message: "It was a disk.", status: null, component: null });
    incident.settle(sent("end"));
    expect(ticked(incident)).toEqual([PAGE, MAIL, OWED]);
  });

  it("is no post-mortem where none has to be, nor a page where nothing was public", ({
    expect,
  }) => {
    const incident = mailing({ ...RECORDED, communicate: {} });
    incident.do("set_severity", { severity: "SEV-3", why: "it is" });
    incident.do("resolve", { why: "over" });
    expect(ticked(incident)).toEqual([]);
  });
});

describe("people", () => {
  it("tick what only they can know, once", ({ expect }) => {
    const incident = drive();
    expect(incident.do("tick", { item: CAUSE, why: "a bad index" })).toEqual(["checklist.ticked"]);
    expect(incident.state.checklist[CAUSE]).toMatchObject({
      isTicked: true,
      by: "ada",
      why: "a bad index",
    });
    expect(incident.do("tick", { item: CAUSE, why: "" })).toMatchObject({
      reason: "already_ticked",
    });
    expect(incident.do("tick", { item: 4, why: "" })).toMatchObject({
      reason: "unknown_item",
      detail: "the checklist has 4 items, from 0",
    });
    expect(incident.do("untick", { item: LOOKED, why: "" })).toMatchObject({
      reason: "not_ticked",
    });
  });

  it("are not contradicted by what is seen, either way", ({ expect }) => {
    const incident = mitigated();
    incident.do("untick", { item: TOLD, why: "the app shows an old page" });
    incident.do("tick", { item: WELL_AGAIN, why: "I looked" });
    incident.after(SECOND).see(ENFORCED);
    incident.after(SECOND).see(WELL);
    incident.after(SECOND).see(DOWN);
    expect(ticked(incident)).toEqual([LOOKED, WELL_AGAIN]);
  });

  it("tick after it is over as well", ({ expect }) => {
    const incident = drive();
    incident.do("resolve", { why: "over" });
    expect(incident.do("tick", { item: CAUSE, why: "" })).toEqual(["checklist.ticked"]);
  });
});

describe("a post-mortem", () => {
  it.for([
    ["SEV-1", "", "reason_required"],
    ["SEV-2", " ", "reason_required"],
    ["SEV-2", "nobody noticed", null],
    ["SEV-3", "", null],
  ] as const)(
    "of a %s with open items, because of %j: %s",
    ([severity, why, refused], { expect }) => {
      const incident = drive();
      incident.do("set_severity", { severity, why: "it is" });
      incident.do("tick", { item: TOLD, why: "" });
      incident.do("resolve", { why: "over" });
      const answer = incident.do("complete_postmortem", { why });
      if (refused === null) {
        expect(answer).toEqual(["postmortem.completed"]);
        expect(incident.journal.at(-1)?.data).toEqual({
          why,
          open: ["Looked at", "No errors", "Cause identified"],
        });
      } else {
        expect(answer).toMatchObject({
          reason: refused,
          detail: expect.stringContaining("Looked at; No errors; Cause identified"),
        });
      }
    },
  );

  it("of a checklist that is done needs no reason", ({ expect }) => {
    const incident = drive();
    for (const item of [TOLD, LOOKED, WELL_AGAIN, CAUSE]) incident.do("tick", { item, why: "" });
    incident.do("resolve", { why: "over" });
    expect(incident.do("complete_postmortem", {})).toEqual(["postmortem.completed"]);
    expect(incident.journal.at(-1)?.data).toEqual({});
  });
});

describe("a playbook's item is refused when it waits for", () => {
  it.for([
    [{ item: "x", collected: ["redis-info"] }, '"redis-info" is not collected'],
    [{ item: "x", effective: "read-only" }, 'no step "read-only"'],
    [{ item: "x", when: "probe.nothing > 1" }, "nothing"],
  ] as const)("%j", ([item, why], { expect }) => {
    const compiled = compilePlaybook(bundledOf({ ...SMALL_OUTAGE, checklist: [item] }), {
      signals: catalogue,
      actuators: new Drive().ground.actuators,
      collectors: ["redis-info"],
      selectors: {},
    });
    expect(JSON.stringify(compiled)).toContain(JSON.stringify(why).slice(1, -1));
    expect(compiled.ok).toBe(false);
  });
});
