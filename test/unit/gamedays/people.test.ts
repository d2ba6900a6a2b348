import { describe, it } from "vitest";
import type { Incident, JournalRow } from "../../../gamedays/firebreak.ts";
import { peopleIn, type Told } from "../../../gamedays/people.ts";

const PERSON = { kind: "person", id: "ops" };
const MACHINE = { kind: "firebreak", id: "incident" };
const at = (second: number): string => new Date(second * 1_000).toISOString();

let lastSeq = 0;
const row = (
  type: string,
  data: unknown,
  { actor = MACHINE, second = 1 }: { actor?: JournalRow["actor"]; second?: number } = {},
): JournalRow => {
  lastSeq += 1;
  return { seq: lastSeq, type, v: 1, at: at(second), actor, cause: "cmd_1", data };
};

const mitigation = (changes: Partial<Incident["mitigations"][number]>) => ({
  id: "act_1",
  incident: "inc_1",
  step: "end",
  actuator: "end-long-queries",
  kind: "act" as const,
  status: "effective" as const,
  mode: "approve" as const,
  shadow: false,
  share: 1,
  expiresAt: null,
  says: null,
  approvals: null,
  enforcementLagMs: null,
  why: "",
  ...changes,
});
const item = (changes: Partial<Incident["checklist"][number]>) => ({
  item: 0,
  text: "Root cause identified",
  seenBy: "people" as const,
  ticked: false,
  by: null,
  at: null,
  why: null,
  ...changes,
});

const incident = (changes: Partial<Incident> = {}): Incident => ({
  id: "inc_1",
  instance: "outage",
  playbook: "outage",
  scope: "site",
  title: "Outage",
  severity: "SEV-1",
  status: "resolved",
  lead: "ops",
  acknowledgedBy: "ops",
  drill: false,
  firingRules: [],
  mitigations: [],
  times: {
    onsetAt: at(0),
    detectedAt: at(1),
    respondedAt: null,
    acknowledgedAt: null,
    mitigatedAt: null,
    enforcedAt: null,
    recoveredAt: null,
    releasedAt: null,
    resolvedAt: null,
  },
  postmortem: "completed",
  nextWakeAt: null,
  seq: 1,
  reachedAt: null,
  statusPage: null,
  mutes: [],
  mutedMessages: 0,
  links: [],
  checklist: [],
  ...changes,
});

const told = (changes: Partial<Told>): Told => ({
  incident: incident(),
  rows: [],
  postmortem: "",
  ...changes,
});
const brief = (given: Partial<Told>): readonly string[] =>
  peopleIn(told(given), []).map(
    ({ what, why, doneAtMs }) =>
      `${doneAtMs === null ? "open" : doneAtMs / 1_000}: ${what}: ${why}`,
  );

it("says nothing where a machine did everything and nothing is left", ({ expect }) => {
  const rows = [
    row("incident.opened", { severity: "SEV-1" }),
    row("act.approved", { actId: "act_1", why: "the playbook says so" }),
    row("lease.reverting", { leaseId: "lse_1", because: "recovered", why: "" }),
  ];
  const whole = incident({
    checklist: [item({ ticked: true })],
    mitigations: [mitigation({}), mitigation({ kind: "lease", status: "reverted" })],
  });
  expect(brief({ rows, incident: whole })).toEqual([]);
});

it("tells what people did, when, and why it was theirs to do", ({ expect }) => {
  const by = (second: number) => ({ actor: PERSON, second });
  const rows = [
    row("incident.opened", { severity: "SEV-1" }),
    row("act.proposed", { actId: "a", step: "end", actuator: "end-long-queries", mode: "approve" }),
    row("act.judged", { actId: "a", says: "end 5 queries" }),
    row("lease.proposed", { leaseId: "l", actuator: "read-only", release: "manual", mode: "auto" }),
    row("incident.severity_set", { from: "SEV-3", to: "SEV-2", why: "two signs" }),
    row("incident.acknowledged", {}, by(2)),
    row("incident.severity_set", { from: "SEV-2", to: "SEV-1", why: "worse" }),
    row("act.approved", { actId: "a", why: "it can run tomorrow" }, by(3)),
    row("act.performing", { actId: "a" }, by(3)),
    row("lease.reverting", { leaseId: "l", because: "person", why: "rows are back" }, by(5)),
  ];
  const byHand = [{ what: "ran a script", why: "Firebreak never does", doneAtMs: 4_000 }];
  const parts = peopleIn(told({ rows }), byHand);
  expect(parts.map(({ what, why, doneAtMs }) => [doneAtMs, what, why])).toEqual([
    [2_000, "acknowledged it", "SEV-2: people are asked until one of them answers"],
    [
      3_000,
      "agreed to end-long-queries: end 5 queries",
      'step end waits for a person\'s word; "it can run tomorrow"',
    ],
    [4_000, "ran a script", "Firebreak never does"],
    [5_000, "took read-only back", 'it is held until a person lets go; "rows are back"'],
  ]);
});

it("asks for as many people as the act does", ({ expect }) => {
  const rows = [
    row(
      "act.proposed",
      { actId: "a", actuator: "restore-in-place", mode: "manual", approvals: 2 },
      { actor: PERSON, second: 1 },
    ),
    row("act.approved", { actId: "a", why: "I would" }, { actor: PERSON, second: 2 }),
    row("act.declined", { actId: "a", why: "no need" }, { actor: PERSON, second: 3 }),
  ];
  expect(brief({ rows })).toEqual([
    "1: asked for restore-in-place: no step of the playbook proposes it",
    '2: agreed to restore-in-place: it needs 2 different people; "I would"',
    '3: decided against restore-in-place: "no need"',
  ]);
});

describe("what still waits for a person is", () => {
  const table: readonly (readonly [what: string, given: Partial<Told>, says: readonly string[]])[] =
    [
      [
        "an item that nothing can show",
        { incident: incident({ checklist: [item({})] }) },
        ["open: Root cause identified: nothing that Firebreak watches can show it"],
      ],
      [
        "an item that signals did not show",
        {
          rows: [
            row("incident.opened", {
              severity: "SEV-1",
              playbook: {
                spec: {
                  checklist: [
                    "Cause",
                    { item: "Alerts cleared", when: "alerts.firing_count == 0" },
                  ],
                },
              },
            }),
          ],
          incident: incident({
            checklist: [item({ item: 1, text: "Alerts cleared", seenBy: "signals" })],
          }),
        },
        ["open: Alerts cleared: it was not seen, or not known, that alerts.firing_count == 0"],
      ],
      [
        "an item that was opened again",
        { incident: incident({ checklist: [item({ why: "the recovery was lost", by: "x" })] }) },
        ["open: Root cause identified: opened again: the recovery was lost"],
      ],
      [
        "an act that nobody decided on",
        {
          incident: incident({ mitigations: [mitigation({ status: "waiting", says: "end 5" })] }),
        },
        ["open: decide on end-long-queries: end 5: it waits for a person's word"],
      ],
      [
        "an act that one more must agree to",
        {
          incident: incident({
            mitigations: [mitigation({ status: "waiting", approvals: { needed: 2, by: ["ops"] } })],
          }),
        },
        ["open: decide on end-long-queries: it needs 2 different people, and 1 agreed"],
      ],
      [
        "an act of which nobody knows whether it was done",
        { incident: incident({ mitigations: [mitigation({ status: "unclear" })] }) },
        ["open: find out whether end-long-queries was done: its answer never came"],
      ],
      [
        "a lease that outlasts its incident",
        {
          incident: incident({
            mitigations: [
              mitigation({ kind: "lease", actuator: "strict-mode", status: "effective" }),
            ],
          }),
        },
        ["open: take strict-mode back, or let it run out: it is still in force"],
      ],
      [
        "evidence that could not be had",
        {
          rows: [
            row("evidence.failed", { collector: "redis-info", failure: { detail: "timeout" } }),
          ],
        },
        ["open: look at redis-info by hand: timeout"],
      ],
      [
        "no evidence that came at last",
        {
          rows: [
            row("evidence.failed", { collector: "redis-info", failure: { detail: "timeout" } }),
            row("evidence.collected", { collector: "redis-info", summary: "up" }),
          ],
        },
        [],
      ],
      [
        "a message that never got through",
        { rows: [row("message.failed", { deliveryId: "d", failure: { detail: "410" } })] },
        ["open: tell by hand what was not said: 410"],
      ],
      [
        "the post-mortem, and what is asked for in it",
        {
          incident: incident({ postmortem: "drafted" }),
          postmortem:
            "Not known yet: x\n## Action Items\n- [ ] ops - Mend it - due 2026-12-01\n- [x] ops - Done - due 2026-12-01",
        },
        [
          'open: complete the post-mortem: ops\'s, who led; it is drafted, and says "not known yet" 1 times',
          "open: Mend it: asked for in it; ops, due 2026-12-01",
        ],
      ],
      [
        "a post-mortem that nobody owns",
        { incident: incident({ postmortem: "drafted", lead: null }) },
        [
          'open: complete the post-mortem: nobody owns it, as nobody led; it is drafted, and says "not known yet" 0 times',
        ],
      ],
    ];
  it.for(table)("%s", ([, given, says], { expect }) => {
    expect(brief(given)).toEqual(says);
  });
});
