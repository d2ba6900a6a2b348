import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { countAlerts, EMPTY_INBOX, type InboxAlert } from "../../../src/alerts/inbox.ts";
import { readMatchers } from "../../../src/alerts/matchers.ts";
import { nextMuteChangeMs, withMutes, type Quiet } from "../../../src/alerts/mutes.ts";
import { silenceState, type Silence } from "../../../src/alerts/silences.ts";

const T0 = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;

const kept = (fingerprint: string, given: Partial<InboxAlert> = {}): InboxAlert => ({
  source: "alertmanager",
  fingerprint,
  status: "firing",
  title: "Disk is full",
  severity: "SEV-3",
  startsAtMs: T0,
  endsAtMs: null,
  labels: { alertname: "DiskFull" },
  url: null,
  heardAtMs: T0,
  changesAtMs: [T0],
  isFlapping: false,
  mutes: [],
  ...given,
});

const aSilence = (given: Partial<Silence> = {}): Silence => ({
  id: "sil_1",
  matchers: ['alertname="DiskFull"'],
  startsAtMs: T0 + MINUTE_MS,
  endsAtMs: T0 + 5 * MINUTE_MS,
  author: "ada",
  comment: "we know",
  revision: 1,
  changes: [],
  ...given,
});

const matchers = (...texts: readonly string[]) => {
  const read = readMatchers(texts);
  if (!read.ok) throw new Error("a matcher is not read");
  return read.value;
};
const QUIET: Quiet = {
  silences: [aSilence(), aSilence({ id: "win_1", endsAtMs: T0 + 9 * MINUTE_MS })],
  inhibit: [
    { source: matchers("alertname=NodeDown"), target: matchers("alertname=DiskFull"), equal: [] },
  ],
  flapping: { withinMs: 60 * MINUTE_MS, high: 0.3, low: 0.15 },
};
const reasonsAt = (atMs: number, ...alerts: readonly InboxAlert[]) =>
  withMutes(alerts, QUIET, atMs).map(({ mutes = [] }) => mutes.map(({ because }) => because));

describe("an alert", () => {
  it("is quiet from the start of its silence to its end", ({ expect }) => {
    expect(reasonsAt(T0 + MINUTE_MS - 1, kept("a"))).toEqual([[]]);
    expect(reasonsAt(T0 + MINUTE_MS, kept("a"))).toEqual([["silenced", "maintenance"]]);
    expect(reasonsAt(T0 + 5 * MINUTE_MS, kept("a"))).toEqual([["maintenance"]]);
    expect(reasonsAt(T0 + 9 * MINUTE_MS, kept("a"))).toEqual([[]]);
  });

  it("is quiet while another explains it, be that one silenced itself", ({ expect }) => {
    const down = kept("down", { labels: { alertname: "NodeDown" } });
    const [muted] = withMutes([kept("a"), down], QUIET, T0);
    expect(muted?.mutes).toEqual([
      { because: "inhibited", by: "alertmanager down", untilMs: null },
    ]);
  });

  it("that has ended is kept quiet by nothing", ({ expect }) => {
    expect(reasonsAt(T0 + 2 * MINUTE_MS, kept("a", { status: "resolved" }))).toEqual([[]]);
  });

  it("is the same object while nothing else is true of it", ({ expect }) => {
    const [before] = withMutes([kept("a")], QUIET, T0 + MINUTE_MS);
    const [after] = withMutes([before ?? kept("a")], QUIET, T0 + 2 * MINUTE_MS);
    expect(after).toBe(before);
  });

  it("kept quiet is counted all the same", ({ expect }) => {
    const alerts = withMutes([kept("a"), kept("b", { labels: {} })], QUIET, T0 + MINUTE_MS);
    expect(countAlerts({ ...EMPTY_INBOX, alerts }, T0)).toMatchObject({ firing: 2, muted: 1 });
  });

  it("flaps from its sixth change in an hour until two are left of it", ({ expect }) => {
    const changesAtMs = [0, 1, 2, 3, 4, 5].map((minute) => T0 + minute * MINUTE_MS);
    const [flaps] = withMutes([kept("a", { changesAtMs, labels: {} })], QUIET, T0 + 6 * MINUTE_MS);
    expect(flaps).toMatchObject({
      isFlapping: true,
      mutes: [{ because: "flapping", by: "alertmanager a", untilMs: null }],
    });
    const stopsAtMs = nextMuteChangeMs(flaps ? [flaps] : [], { ...QUIET, silences: [] }, T0);
    expect(stopsAtMs).toBe(T0 + 63 * MINUTE_MS);
    const [quiet] = withMutes(flaps ? [flaps] : [], { ...QUIET, silences: [] }, stopsAtMs);
    expect(quiet).toMatchObject({ isFlapping: false, mutes: [] });
  });
});

it("says when what is quiet changes next", ({ expect }) => {
  const next = (atMs: number) => nextMuteChangeMs([kept("a")], QUIET, atMs);
  expect(next(T0)).toBe(T0 + MINUTE_MS);
  expect(next(T0 + MINUTE_MS)).toBe(T0 + 5 * MINUTE_MS);
  expect(next(T0 + 5 * MINUTE_MS)).toBe(T0 + 9 * MINUTE_MS);
  expect(next(T0 + 9 * MINUTE_MS)).toBe(Infinity);
});

it("a silence is pending, active and expired", ({ expect }) => {
  const times = [T0, T0 + MINUTE_MS, T0 + 5 * MINUTE_MS - 1, T0 + 5 * MINUTE_MS];
  expect(times.map((atMs) => silenceState(aSilence(), atMs))).toEqual([
    "pending",
    "active",
    "active",
    "expired",
  ]);
});

it("an alert that nobody labelled is known by its tool, title and severity", ({ expect }) => {
  const named: Alert = kept("a", { labels: {}, source: "pingdom", title: "Shop is down" });
  const silence = aSilence({
    matchers: ['source="pingdom"', 'alertname=~"Shop.*"', 'severity="SEV-3"'],
  });
  const [muted] = withMutes(
    [{ ...named, heardAtMs: T0 }],
    { ...QUIET, silences: [silence] },
    T0 + MINUTE_MS,
  );
  expect(muted?.mutes).toHaveLength(1);
});
