import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { scopeOf, turnsOf } from "../../../src/alerts/groups.ts";
import { EMPTY_INBOX, receiveAlerts, type Inbox } from "../../../src/alerts/inbox.ts";

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
    const turned = turnsOf(inbox.alerts, reception);
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

it("an alert without a group is its own", ({ expect }) => {
  expect(scopeOf(anAlert("a"))).toBe("alert:alertmanager:group:g1");
  expect(scopeOf(anAlert("a", { group: null }))).toBe("alert:alertmanager:a");
  expect(turns([anAlert("a", { group: null })], [anAlert("b", { group: null })])).toEqual([
    ["fires a"],
    ["fires b"],
  ]);
});
