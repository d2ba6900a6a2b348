/** What each gameday promises that people are told, and that each of these promises can be broken. */
import { describe, it } from "vitest";
import type { Heard } from "../../../gamedays/heard.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { everybodyIsTold, type ToldSeen } from "../../../gamedays/told-expectations.ts";
import { aPage, heardAsPromised, publicUpdates } from "../../support/heard.ts";

const DECLARED = [
  "outage",
  "primary-down",
  "bad-deployment",
  "database",
  "data-corruption",
  "ddos",
  "security",
  "payments",
  "payments-both",
] as const;

const { told: TOLD } = (await readScenario("outage")).expect;
const HEARD = heardAsPromised(TOLD);
const SEEN: ToldSeen = {
  incident: "inc_1",
  heard: HEARD,
  after: { publicUpdates: publicUpdates(TOLD) },
};
const { pager: PAGER, paging: PAGING, chat: CHAT, elsewhere: ELSEWHERE } = HEARD;

const brokenIn = (seen: ToldSeen, told = TOLD): readonly string[] =>
  everybodyIsTold(seen, told).flatMap(({ id, ok }) => (ok ? [] : [id]));

it.for(DECLARED)("%s declares what can be kept", async (name, { expect }) => {
  const { told } = (await readScenario(name)).expect;
  const updates = publicUpdates(told);
  const seen = {
    incident: "inc_1",
    heard: heardAsPromised(told),
    after: { publicUpdates: updates },
  };
  expect(brokenIn(seen, told)).toEqual([]);
});

it("more may be told than is promised", ({ expect }) => {
  const pages = PAGER.pages.toSpliced(2, 0, aPage("lead_changed:9"));
  expect(brokenIn({ ...SEEN, heard: { ...HEARD, pager: { ...PAGER, pages } } })).toEqual([]);
});

it("what waited a minute was heard all the same", ({ expect }) => {
  const [bundled, rest] = [PAGER.pages.slice(2, 4), PAGER.pages.toSpliced(2, 2)];
  const bundle = aPage("bundle:7");
  const keys = bundled.map(({ payload }) => payload.data.message);
  const data = { ...bundle.payload.data, bundled: keys };
  const pages = rest.toSpliced(2, 0, { ...bundle, payload: { data } });
  expect(brokenIn({ ...SEEN, heard: { ...HEARD, pager: { ...PAGER, pages } } })).toEqual([]);
});

const hearing = (changes: Partial<Heard>): ToldSeen => ({
  ...SEEN,
  heard: { ...HEARD, ...changes },
});
const paged = (...pages: Heard["pager"]["pages"]): ToldSeen =>
  hearing({ pager: { ...PAGER, pages } });
const rung = (changes: Partial<Heard["paging"]["alerts"][number]>): ToldSeen =>
  hearing({ paging: { ...PAGING, alerts: PAGING.alerts.map((one) => ({ ...one, ...changes })) } });
const chatting = (changes: Partial<Heard["chat"]>): ToldSeen =>
  hearing({ chat: { ...CHAT, ...changes } });
const postedAs = (edit: (text: string) => string): ToldSeen =>
  chatting({ posted: CHAT.posted.map(edit) });
const said = (...updates: NonNullable<ToldSeen["after"]>["publicUpdates"]): ToldSeen => ({
  ...SEEN,
  after: { publicUpdates: updates },
});
const elsewhere = (
  changes: Partial<Heard["elsewhere"]["incidents"][number]>,
  components = ELSEWHERE.components,
): ToldSeen =>
  hearing({
    elsewhere: {
      incidents: ELSEWHERE.incidents.map((one) => ({ ...one, ...changes })),
      components,
      othersCount: 0,
    },
  });
const UPDATES = publicUpdates(TOLD);
const TICKET = heardAsPromised({ ...TOLD, ticket: "SEV-3" }).tickets;

describe("a promise is broken by", () => {
  it.for<readonly [string, string, ToldSeen]>([
    ["a pager that hears nothing", "paged", paged()],
    ["pages of another incident", "paged", { ...SEEN, incident: "inc_2" }],
    ["an on-call who first hears of something else", "paged", paged(...PAGER.pages.slice(1))],
    ["news that never came", "paged", paged(...PAGER.pages.toSpliced(2, 1))],
    ["an end that nobody is told of", "paged", paged(...PAGER.pages.slice(0, -1))],
    ["news after the end", "paged", paged(...PAGER.pages, aPage("reopened:9"))],
    ["a page that is asked for twice", "paged", paged(...PAGER.pages, ...PAGER.pages.slice(-1))],
    [
      "a page that comes twice",
      "paged",
      paged(...PAGER.pages.map((page) => ({ ...page, deliveries: 2 }))),
    ],
    ["a bad signature", "paged", hearing({ pager: { ...PAGER, refused: 1 } })],
    ["a phone that stays silent", "rung", hearing({ paging: { alerts: [], events: [] } })],
    ["a phone that rings again", "rung", rung({ pages: 2 })],
    ["a phone that goes on ringing", "rung", rung({ status: "acknowledged" })],
    [
      "a phone that takes it easy",
      "rung",
      hearing({
        paging: { ...PAGING, events: PAGING.events.map((one) => ({ ...one, severity: "info" })) },
      }),
    ],
    [
      "a second alert of the same",
      "rung",
      hearing({ paging: { ...PAGING, alerts: [...PAGING.alerts, ...PAGING.alerts] } }),
    ],
    [
      "an alert that does not say where to look",
      "rung",
      hearing({
        paging: { ...PAGING, events: PAGING.events.map((one) => ({ ...one, link: null })) },
      }),
    ],
    [
      "news after the end",
      "rung",
      hearing({ paging: { ...PAGING, events: PAGING.events.toReversed() } }),
    ],
    ["a chat that hears nothing", "chat", chatting({ posted: [], shown: [], now: [] })],
    ["a second message of it", "chat", chatting({ posted: [...CHAT.posted, ...CHAT.posted] })],
    ["a message that somebody deleted", "chat", chatting({ now: [] })],
    [
      "a first message that does not say what is wrong",
      "chat",
      postedAs((text) => text.replace("postgres.reachable_ratio", "")),
    ],
    [
      "a first message that does not say what was done",
      "chat",
      postedAs((text) => text.replace("What was done:", "")),
    ],
    [
      "a first message that asks nothing",
      "chat",
      postedAs((text) => text.replace("What is asked of you:", "")),
    ],
    ["a first message without a button", "chat", postedAs((text) => text.replace("[Resolve]", ""))],
    ["a first message without a link", "chat", postedAs((text) => text.replace("https:", ""))],
    ["a message that stays as it was", "chat", chatting({ shown: CHAT.posted, now: CHAT.posted })],
    [
      "a message that never names the lease",
      "chat",
      chatting({ shown: CHAT.shown.toSpliced(1, 1) }),
    ],
    ["news that are not told below it", "chat", chatting({ replies: [] })],
    ["a ticket for what wakes people", "ticket", hearing({ tickets: TICKET })],
    ["a public that hears nothing", "public", said()],
    ["a public that never hears of the end", "public", said(...UPDATES.slice(0, -1))],
    ["a public that is told twice", "public", said(...UPDATES.slice(0, 1), ...UPDATES)],
    [
      "other words than the playbook's",
      "public",
      said(...UPDATES.map((one, n) => (n === 0 ? { ...one, body: "Hm." } : one))),
    ],
    [
      "a page elsewhere that says nothing",
      "elsewhere",
      hearing({ elsewhere: { ...ELSEWHERE, incidents: [] } }),
    ],
    [
      "a page elsewhere that stays open",
      "elsewhere",
      elsewhere({ incident_updates: UPDATES.slice(0, -1) }),
    ],
    ["a page elsewhere that plays it down", "elsewhere", elsewhere({ impact: "minor" })],
    ["a component that stays red", "elsewhere", elsewhere({}, { kctbh9vrtdwe: "major_outage" })],
  ])("%s", ([, id, seen], { expect }) => {
    expect(brokenIn(seen)).toContain(id);
  });

  it.for<readonly [string, Heard["tickets"]]>([
    ["is not there", []],
    ["is there twice", [...TICKET, ...TICKET]],
    ["stays open", TICKET.map((one) => ({ ...one, state: "open" }))],
    ["is of another severity", TICKET.map((one) => ({ ...one, labels: ["firebreak"] }))],
    ["hears no news", TICKET.map((one) => ({ ...one, comments: [] }))],
  ])("a ticket that %s", ([, tickets], { expect }) => {
    expect(brokenIn(hearing({ tickets }), { ...TOLD, ticket: "SEV-3" })).toEqual(["ticket"]);
  });

  it("nothing that could be read", ({ expect }) => {
    const all = everybodyIsTold(SEEN, TOLD).map(({ id }) => id);
    expect(brokenIn({ incident: null, heard: null, after: null })).toEqual(all);
  });
});
