/** What the security gameday promises: each promise holds on a good day, and is broken by what should break it. */
import { describe, it } from "vitest";
import type { Try } from "../../../gamedays/credential-stuffing.ts";
import type { JournalRow } from "../../../gamedays/firebreak.ts";
import type { Visit } from "../../../gamedays/measure.ts";
import type { Arrival } from "../../../gamedays/members.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { aPage, heardAsPromised, publicUpdates } from "../../support/heard.ts";
import {
  attackTable,
  judgeSecurity,
  peopleTable,
  stoppedAtMs,
  type Seen,
} from "../../../gamedays/security-expectations.ts";

const limits = (await readScenario("security")).expect;

const aVisit = (atMs: number, outcome: Visit["outcome"] = "served"): Visit => ({
  atMs,
  tookMs: 50,
  visitor: "198.51.100.1",
  errand: "sign-in",
  outcome,
});
const aTry = (atMs: number, answer: Try["answer"], n: number): Try => ({
  atMs,
  from: n % 10 === 0 ? "machine" : "once",
  address: n % 10 === 0 ? `203.0.113.${(n % 60) + 1}` : `10.0.${n >> 8}.${n & 255}`,
  answer,
});
const anArrival = (n: number, given: Partial<Arrival> = {}): Arrival => ({
  atMs: n * 200,
  who: "newcomer",
  errand: "browse",
  wasChallenged: false,
  answer: "denied",
  ...given,
});
const aRow = (type: string, atMs: number, data: unknown = {}): JournalRow =>
  ({ type, at: new Date(atMs).toISOString(), data }) as unknown as JournalRow;
const evidence = (collector: string, facts: object = { networks: ["203.0.113.0/24"] }) =>
  aRow("evidence.collected", 9_000, { collector, summary: "seen", facts });
const MESSAGES = [
  "opened",
  "acknowledged:4",
  "severity_raised:SEV-1",
  "mitigated:lse_2",
  "approval:lse_1",
  "recovery:lse_2",
  "released:lse_2",
  "resolved:90",
];
const PAGER = { refused: 0, pages: MESSAGES.map((message) => aPage(message)) };

const hearing = (day: Seen, pages: typeof PAGER.pages): Seen => ({
  ...day,
  heard: day.heard && { ...day.heard, pager: { ...PAGER, pages } },
});

/** Attacked from 5 s to 45 s, a hundred times a second; stopped from 12 s on. */
function aDay(): Seen {
  const tries = Array.from({ length: 4_000 }, (_, n) => {
    const atMs = 5_000 + n * 10;
    const stopped = n % 10 === 0 ? "blocked" : "challenged";
    return aTry(atMs, atMs < 12_000 ? "denied" : stopped, n);
  });
  return {
    faultAtMs: 5_000,
    overAtMs: 45_000,
    incident: "inc_1",
    rows: [
      aRow("lease.proposed", 10_000, { leaseId: "lse_0", actuator: "security-logging" }),
      aRow("lease.applied", 11_000, { leaseId: "lse_0" }),
      aRow("lease.reverted", 60_000),
      ...["audit-sign-ins", "audit-accesses", "sign-in-offenders", "password-reset"].map((one) =>
        evidence(one),
      ),
      aRow("evidence.collected", 16_000, {
        collector: "suspicious-requests",
        summary: "seen",
        facts: { requests: [{}] },
      }),
    ],
    tries,
    loot: [
      { member: 100, session: "session=a" },
      { member: 101, session: "session=b" },
    ],
    arrivals: [
      ...Array.from({ length: 100 }, (_, n) => anArrival(n)),
      anArrival(100, { errand: "sign-in", wasChallenged: true, answer: "opened" }),
      anArrival(101, { who: "office", errand: "sign-in", wasChallenged: true, answer: "opened" }),
      anArrival(102, { who: "office", errand: "sign-in", answer: "denied" }),
    ],
    thieves: { wereIn: 2, approvedAtMs: 20_000, outAtMs: 20_400 },
    flushed: 12,
    reset: [100, 101],
    heard: { ...heardAsPromised(limits.told), pager: PAGER },
    told: { words: "Please sign in again.", isPublic: true },
    after: {
      policyEntries: [{ id: "act_1", kind: "sessions-revoked" }],
      postmortem: "## Timeline\n- all of it",
      publicUpdates: publicUpdates(limits.told),
      openIncidents: [],
    },
    brokenOff: null,
    visits: Array.from({ length: 500 }, (_, n) => aVisit(n * 150)),
    times: {
      faultAtMs: 5_000,
      onsetAtMs: 6_000,
      detectedAtMs: 9_000,
      acknowledgedAtMs: 9_500,
      mitigatedAtMs: 11_000,
      enforcedAtMs: stoppedAtMs(tries),
      recoveredAtMs: 50_000,
      releasedAtMs: 60_000,
      resolvedAtMs: 63_000,
    },
  };
}

const failedIn = (seen: Seen): readonly string[] =>
  judgeSecurity(seen, limits).flatMap(({ id, ok }) => (ok ? [] : [id]));

describe("the security gameday", () => {
  it("counts as heard what comes in a bundle", ({ expect }) => {
    const day = aDay();
    const [last] = PAGER.pages.slice(-1);
    if (last === undefined) throw new Error("there are pages");
    const isReleased = ({ payload }: typeof last): boolean =>
      payload.data.message.startsWith("released");
    const bundle = { message: "bundle:9", bundled: ["act.effective:act_1", "released:lse_1"] };
    const pages = PAGER.pages.map((page) =>
      isReleased(page) ? { ...page, payload: { data: { ...page.payload.data, ...bundle } } } : page,
    );
    expect(pages).not.toEqual(PAGER.pages);
    expect(failedIn(hearing(day, pages))).not.toContain("people");
  });

  it("keeps every promise on a good day", ({ expect }) => {
    expect(failedIn(aDay())).toEqual([]);
    expect(aDay().times.enforcedAtMs).toBe(11_900);
    expect(attackTable(aDay()).rows).toEqual([
      ["machine, before", "69", "0", "69", "0", "0", "0", "0 %"],
      ["machine, stopped", "331", "0", "1", "0", "330", "0", "99.7 %"],
      ["once, before", "621", "0", "621", "0", "0", "0", "0 %"],
      ["once, stopped", "2979", "0", "9", "2970", "0", "0", "99.7 %"],
    ]);
    expect(peopleTable(aDay()).rows).toEqual([
      ["visitors", "500", "0", "0", "0", "0"],
      ["office", "2", "1", "1", "0", "0"],
      ["newcomers", "101", "1", "1", "0", "0"],
    ]);
  });

  const broken: readonly (readonly [string, string, (day: Seen) => Seen])[] = [
    [
      "an attack from a handful of addresses",
      "attack",
      (day) => ({
        ...day,
        tries: day.tries.map((one) => ({ ...one, address: "203.0.113.1" })),
      }),
    ],
    [
      "a late detection",
      "detected",
      (day) => ({ ...day, times: { ...day.times, detectedAtMs: 40_000 } }),
    ],
    [
      "an attack that is stopped late",
      "stopped",
      (day) => ({ ...day, times: { ...day.times, enforcedAtMs: 40_000 } }),
    ],
    [
      "attempts that get past it later",
      "attack-stopped",
      (day) => ({
        ...day,
        tries: day.tries.map((one) =>
          one.atMs > 40_000 ? { ...one, answer: "denied" as const } : one,
        ),
      }),
    ],
    [
      "a block of who tried once",
      "blocked",
      (day) => ({ ...day, tries: [...day.tries, aTry(30_000, "blocked", 1)] }),
    ],
    ["sessions that stay in Redis", "flushed", (day) => ({ ...day, flushed: null })],
    ["stolen sessions that nobody saw end", "thieves-out", (day) => ({ ...day, thieves: null })],
    ["a new password for a bystander", "passwords", (day) => ({ ...day, reset: [100, 7] })],
    [
      "a visitor who is turned away before the attack",
      "calm",
      (day) => ({ ...day, visits: [...day.visits, aVisit(1_000, "broken")] }),
    ],
    [
      "visitors who are turned away",
      "known-clients",
      (day) => ({
        ...day,
        visits: [...day.visits, aVisit(20_000, "refused"), aVisit(21_000, "broken")],
      }),
    ],
    [
      "an office that is blocked",
      "known-clients",
      (day) => ({
        ...day,
        arrivals: [
          ...day.arrivals,
          anArrival(103, { who: "office", answer: "blocked" }),
          anArrival(104, { who: "office", answer: "blocked" }),
        ],
      }),
    ],
    [
      "a newcomer who is blocked",
      "newcomers-blocked",
      (day) => ({ ...day, arrivals: [...day.arrivals, anArrival(99, { answer: "blocked" })] }),
    ],
    [
      "many newcomers who are challenged",
      "newcomers-challenged",
      (day) => ({
        ...day,
        arrivals: day.arrivals.map((one, n) =>
          n % 2 === 0 ? { ...one, wasChallenged: true, answer: "opened" as const } : one,
        ),
      }),
    ],
    [
      "a newcomer who does not get through",
      "newcomers-through",
      (day) => ({
        ...day,
        arrivals: day.arrivals.map((one) =>
          one.who === "newcomer" && one.wasChallenged
            ? { ...one, answer: "challenged" as const }
            : one,
        ),
      }),
    ],
    ["an end that nobody hears of", "paged", (day) => hearing(day, PAGER.pages.slice(0, -1))],
    [
      "a question that nobody hears",
      "people",
      (day) =>
        hearing(
          day,
          PAGER.pages.filter(({ id }) => id !== "dlv_approval:lse_1"),
        ),
    ],
    [
      "an end that the public is not told of",
      "public",
      (day) => ({
        ...day,
        after: day.after && { ...day.after, publicUpdates: [] },
      }),
    ],
    ["words that the public does not read", "words", (day) => ({ ...day, told: null })],
    [
      "records that nobody looked at",
      "evidence",
      (day) => ({
        ...day,
        rows: day.rows.filter(({ data }) => !JSON.stringify(data).includes("audit-accesses")),
      }),
    ],
    [
      "suspicious requests that nobody wrote down",
      "logged",
      (day) => ({ ...day, rows: day.rows.slice(0, -1) }),
    ],
    [
      "evidence that names an address",
      "nobody-named",
      (day) => ({
        ...day,
        rows: [evidence("audit-sign-ins", { networks: ["203.0.113.1"] }), ...day.rows],
      }),
    ],
    [
      "evidence that names an account",
      "nobody-named",
      (day) => ({
        ...day,
        rows: [evidence("audit-accesses", { account: "7@leaked.invalid" }), ...day.rows],
      }),
    ],
    [
      "a block that stays",
      "taken-back",
      (day) => ({
        ...day,
        after: {
          postmortem: "## Timeline",
          publicUpdates: publicUpdates(limits.told),
          openIncidents: [],
          policyEntries: [{ id: "lse_1", kind: "block-networks" }],
        },
      }),
    ],
    [
      "a placeholder in the post-mortem",
      "post-mortem",
      (day) => ({
        ...day,
        after: day.after && { ...day.after, postmortem: "## Timeline [WHO]" },
      }),
    ],
    [
      "a run that breaks off",
      "completed",
      (day) => ({ ...day, brokenOff: "an incident opens: not within 80 s" }),
    ],
  ];

  for (const [what, id, spoil] of broken) {
    it(`does not keep its promise with ${what}`, ({ expect }) => {
      expect(failedIn(spoil(aDay()))).toContain(id);
    });
  }
});
