import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { heldBy } from "../../../src/alerts/bundled.ts";
import { turnsOf } from "../../../src/alerts/groups.ts";
import { scopeOf } from "../../../src/alerts/scopes.ts";
import {
  EMPTY_INBOX,
  INBOX_MAX,
  receiveAlerts,
  type Inbox,
  type InboxAlert,
} from "../../../src/alerts/inbox.ts";
import type { Mute } from "../../../src/alerts/mutes.ts";

const T0 = Date.UTC(2026, 10, 23, 12);

const anAlert = (fingerprint: string, given: Partial<Alert> = {}): Alert => ({
  source: "alertmanager",
  fingerprint,
  group: "g1",
  status: "firing",
  title: "Disk is full",
  severity: "SEV-3",
  startsAtMs: T0,
  endsAtMs: null,
  labels: {},
  url: null,
  ...given,
});

/** What each delivery turns, one after another. */
function turns(...deliveries: readonly (readonly Alert[])[]) {
  let inbox: Inbox = EMPTY_INBOX;
  return deliveries.map((alerts) => {
    const reception = receiveAlerts(inbox, alerts, T0);
    const turned = turnsOf(inbox.alerts, reception.inbox.alerts, reception.news);
    inbox = reception.inbox;
    return turned.map(({ turn, alert }) => `${turn} ${alert.fingerprint}`);
  });
}

const [a, b] = [anAlert("a"), anAlert("b", { startsAtMs: T0 + 1 })];
const ended = (alert: Alert): Alert => ({ ...alert, status: "resolved", endsAtMs: T0 + 9 });

describe("a group", () => {
  it("fires with its first alert, and ends with its last", ({ expect }) => {
    expect(turns([a], [b], [ended(a)], [ended(b)])).toEqual([["fires a"], [], [], ["ends b"]]);
  });

  it("goes on when one alert takes over from another in the same delivery", ({ expect }) => {
    expect(turns([a], [ended(a), b], [ended(b)])).toEqual([["fires a"], [], ["ends b"]]);
  });

  it("hears of nothing twice", ({ expect }) => {
    expect(turns([a, b], [b, a], [ended(a), ended(b)], [ended(b), a])).toEqual([
      ["fires a"],
      [],
      ["ends b"],
      [],
    ]);
  });

  it("worsens with a worse alert, once", ({ expect }) => {
    const worse = anAlert("c", { severity: "SEV-2" });
    expect(turns([a], [worse], [b], [ended(a)])).toEqual([["fires a"], ["worsens c"], [], []]);
  });

  it("begins as bad as the worst of its first delivery", ({ expect }) => {
    expect(turns([a, anAlert("c", { severity: "SEV-1" })])).toEqual([["fires c"]]);
  });

  it("fires again after its end", ({ expect }) => {
    const again = anAlert("a", { startsAtMs: T0 + 20 });
    expect(turns([a], [ended(a)], [again])).toEqual([["fires a"], ["ends a"], ["fires a"]]);
  });

  it("opens nothing with an alert that is over already", ({ expect }) => {
    expect(turns([ended(a)])).toEqual([[]]);
  });
});

const SILENCED: Mute = { because: "silenced", by: "sil_1", untilMs: T0 + 60_000 };
const LATER: Mute = { because: "maintenance", by: "win_1", untilMs: T0 + 90_000 };
const FLAPS: Mute = { because: "flapping", by: "alertmanager a", untilMs: null };
const kept = (alert: Alert, ...mutes: readonly Mute[]): InboxAlert => ({
  ...alert,
  heardAtMs: T0,
  mutes,
  isFlapping: mutes.includes(FLAPS),
});
const resolved = (alert: Alert): Alert => ({ ...alert, status: "resolved" });

describe("a group that somebody keeps quiet", () => {
  const cases: readonly (readonly [
    string,
    readonly InboxAlert[],
    readonly InboxAlert[],
    readonly string[],
  ])[] = [
    ["opens nothing", [], [kept(a, SILENCED)], ["quiets"]],
    ["is heard when its silence ends", [kept(a, SILENCED)], [kept(a)], ["sounds"]],
    [
      "is heard with the first alert that is",
      [kept(a, SILENCED)],
      [kept(a, SILENCED), kept(b)],
      ["sounds"],
    ],
    ["is not over by being quiet", [kept(a)], [kept(a, SILENCED)], ["quiets"]],
    [
      "says nothing while one of its alerts is heard",
      [kept(a), kept(b)],
      [kept(a, SILENCED), kept(b)],
      [],
    ],
    ["says until when, should that change", [kept(a, SILENCED)], [kept(a, LATER)], ["quiets"]],
    ["says it once", [kept(a, SILENCED)], [kept(a, SILENCED)], []],
    ["ends when its alerts do", [kept(a, SILENCED)], [kept(resolved(a))], ["ends"]],
    [
      "is heard from the last of its reasons to end",
      [kept(a, SILENCED, LATER)],
      [kept(a, LATER)],
      [],
    ],
    [
      "goes on while it flaps, whatever it is at this moment",
      [kept(a)],
      [kept(resolved(a), FLAPS)],
      ["quiets"],
    ],
    ["goes on flapping", [kept(resolved(a), FLAPS)], [kept(a, FLAPS)], []],
    ["is told to fire before it flaps", [kept(resolved(a))], [kept(a, FLAPS)], ["fires", "quiets"]],
    [
      "ends when it no longer flaps and is over",
      [kept(resolved(a), FLAPS)],
      [kept(resolved(a))],
      ["ends"],
    ],
    ["is heard when it no longer flaps and fires", [kept(a, FLAPS)], [kept(a)], ["sounds"]],
  ];
  it.for(cases)("%s", ([, before, after, expected], { expect }) => {
    expect(turnsOf(before, after).map(({ turn }) => turn)).toEqual(expected);
  });

  it("is quiet until the first of its alerts can be heard", ({ expect }) => {
    const [turn] = turnsOf([], [kept(a, LATER), kept(b, SILENCED)]);
    expect(turn).toMatchObject({ turn: "quiets", mute: SILENCED });
  });
});

it("an alert without a group is its own", ({ expect }) => {
  expect(scopeOf(anAlert("a"))).toBe("alert:alertmanager:group:g1");
  expect(scopeOf(anAlert("a", { group: null }))).toBe("alert:alertmanager:a");
  expect(turns([anAlert("a", { group: null })], [anAlert("b", { group: null })])).toEqual([
    ["fires a"],
    ["fires b"],
  ]);
});

describe("a group with more alerts than the inbox keeps whole", () => {
  const storm = Array.from({ length: INBOX_MAX + 2 }, (_, n) => anAlert(`s${n}`));
  const turned = (inbox: Inbox, alerts: readonly Alert[]) => {
    const reception = receiveAlerts(inbox, alerts, T0);
    const held = {
      was: heldBy(inbox.bundled, () => true),
      is: heldBy(reception.inbox.bundled, () => true),
    };
    const turns = turnsOf(inbox.alerts, reception.inbox.alerts, reception.news, held);
    return {
      inbox: reception.inbox,
      turns: turns.map(({ turn, alert }) => [turn, alert.fingerprint]),
    };
  };

  it("goes on until the last of all has ended", ({ expect }) => {
    const full = turned(EMPTY_INBOX, storm);
    expect(full.turns).toEqual([["fires", "s0"]]);
    const bundled = [...full.inbox.bundled.byKey.values()].map(({ fingerprint }) => fingerprint);
    expect(bundled).toHaveLength(2);
    const whole = storm.filter(({ fingerprint }) => !bundled.includes(fingerprint));
    const held = turned(full.inbox, whole.map(ended));
    expect(held.turns).toEqual([]);
    const [first, last] = storm.filter(({ fingerprint }) => bundled.includes(fingerprint));
    if (first === undefined || last === undefined) throw new Error("two are bundled");
    const nearly = turned(held.inbox, [ended(first)]);
    expect(nearly.turns).toEqual([]);
    expect(turned(nearly.inbox, [first, ended(first)]).turns).toEqual([]);
    expect(turned(nearly.inbox, [ended(last)]).turns).toEqual([["ends", last.fingerprint]]);
  });

  it("is told of even where each alert is a group and there are too many of them", ({ expect }) => {
    const alone = storm.map((alert) => ({ ...alert, group: null }));
    const full = turned(EMPTY_INBOX, alone);
    expect(full.turns).toHaveLength(INBOX_MAX + 2);
    expect(turned(full.inbox, alone.map(ended)).turns).toHaveLength(INBOX_MAX + 2);
  });
});
