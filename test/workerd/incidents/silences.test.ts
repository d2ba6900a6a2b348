/** What the desk makes of silences: who is told of what, when the clock or a person says so, across evictions. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { IncidentCommand } from "../../../src/incidents/command.ts";
import { SILENCES_MAX } from "../../../src/alerts/silences.ts";
import { readMatchers } from "../../../src/alerts/matchers.ts";
import { T0 } from "../../support/incident.ts";
import { anAlert, aSilence, aTrigger, DeskLife, standStill } from "./desk-life.ts";

const MINUTE_MS = 60_000;

beforeEach(() => {
  standStill();
  onTestFinished(() => void vi.useRealTimers());
});

const KNOWN = anAlert({ title: "Known" });
const told = (life: DeskLife): readonly string[] =>
  life.world.handled.map(({ command }) => command.type);
const mutesIn = (commands: readonly IncidentCommand[]) =>
  commands.flatMap((command) =>
    command.type === "mute" || command.type === "open" ? (command.data.mutes ?? []) : [],
  );
const commandsOf = (life: DeskLife) => life.world.handled.map(({ command }) => command);

/** The alarm that the desk asked for, when it is due. */
async function alarmIn(life: DeskLife): Promise<number> {
  const atMs = await life.alarmAtMs();
  if (atMs === null) throw new Error("no alarm is set");
  vi.setSystemTime(Math.max(atMs, Date.now()));
  await life.settle();
  return atMs;
}

describe("a silenced alert", () => {
  it("opens nothing, is kept, and opens when its silence ends and it still fires", async ({
    expect,
  }) => {
    const life = new DeskLife();
    await life.desk.silence(aSilence());
    await life.desk.receive([KNOWN], T0);
    await life.settle();
    expect(told(life)).toEqual([]);
    expect(await life.desk.alerts()).toMatchObject([
      { status: "firing", mutes: [{ because: "silenced", by: "sil_1" }] },
    ]);
    expect(await life.desk.alertCounts()).toMatchObject({ firing: 1, muted: 1 });

    // What is quiet and until when survives the object.
    await evictDurableObject(life.stub);
    expect(await alarmIn(life)).toBe(T0 + 60 * MINUTE_MS);
    expect(told(life)).toEqual(["open"]);
    expect(await life.desk.alertCounts()).toMatchObject({ firing: 1, muted: 0 });
    expect(await life.alarmAtMs()).toBeNull();
  });

  it("opens nothing when it is over before its silence is", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.silence(aSilence());
    await life.desk.receive([KNOWN], T0);
    await life.desk.receive([{ ...KNOWN, status: "resolved" }], T0 + 1);
    await alarmIn(life);
    expect(told(life)).toEqual([]);
  });

  it("opens at once when its silence is ended early", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.silence(aSilence());
    await life.desk.receive([KNOWN], T0);
    const ended = await life.desk.expireSilence("sil_1", "grace", T0 + 5_000);
    await life.settle();
    expect(ended).toMatchObject({
      endsAtMs: T0 + 5_000,
      changes: [{}, { by: "grace", did: "expired" }],
    });
    expect(told(life)).toEqual(["open"]);
    // Once.
    await life.desk.expireSilence("sil_1", "grace", T0 + 6_000);
    await life.settle();
    expect(told(life)).toEqual(["open"]);
  });

  it("that has an incident keeps it quiet, does not end it, and is heard again", async ({
    expect,
  }) => {
    const life = new DeskLife();
    await life.desk.receive([KNOWN], T0);
    await life.settle();
    await life.desk.silence(aSilence());
    await life.settle();
    expect(told(life)).toEqual(["open", "mute"]);
    expect(mutesIn(commandsOf(life))).toMatchObject([
      {
        id: "alerts",
        because: "silenced",
        by: "sil_1",
        startsAtMs: T0,
        endsAtMs: T0 + 60 * MINUTE_MS,
      },
    ]);

    // A worse one of the same silence is heard when that ends: first raised, then told.
    await life.desk.receive([{ ...KNOWN, startsAtMs: T0 + 1, severity: "SEV-2" }], T0 + 1_000);
    await alarmIn(life);
    expect(told(life)).toEqual(["open", "mute", "set_severity", "mute"]);
    const [last] = mutesIn(commandsOf(life)).slice(-1);
    expect(last).toMatchObject({
      id: "alerts",
      endsAtMs: T0 + 60 * MINUTE_MS,
      startsAtMs: T0 + 60 * MINUTE_MS,
    });
  });

  it("that ends ends its incident, silenced or not", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.receive([KNOWN], T0);
    await life.settle();
    await life.desk.silence(aSilence());
    await life.desk.receive([{ ...KNOWN, status: "resolved" }], T0 + 1_000);
    await life.settle();
    expect(told(life)).toEqual(["open", "mute", "resolve"]);
  });

  it("is told again although a person resolved its incident meanwhile", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.receive([KNOWN], T0);
    await life.settle();
    await life.desk.silence(aSilence());
    await life.settle();
    const [view] = await life.desk.open();
    if (view === undefined) throw new Error("nothing is open");
    const anchors = { ...view.anchors, resolvedAtMs: T0 + 1_000 };
    await life.desk.project({ ...view, status: "resolved", seq: 9, anchors });
    await alarmIn(life);
    expect(told(life)).toEqual(["open", "mute", "open"]);
  });
});

describe("a silence", () => {
  const ofOutages = aSilence({ matchers: ['playbook="small-outage"', 'severity!="SEV-1"'] });

  it("reaches incidents that open while it lasts, and those that are open", async ({ expect }) => {
    const life = new DeskLife();
    await life.trigger(aTrigger({ id: "trg_before", scope: "one" }));
    await life.desk.silence({ ...ofOutages, startsAtMs: T0 + MINUTE_MS });
    await life.settle();
    await life.trigger(aTrigger({ id: "trg_after", scope: "two" }));
    expect(told(life)).toEqual(["open", "mute", "open"]);
    expect(mutesIn(commandsOf(life))).toMatchObject([{ id: "sil_1" }, { id: "sil_1" }]);
    // One that it does not mean hears nothing of it.
    await life.desk.receive([anAlert()], T0);
    await life.settle();
    expect(mutesIn(commandsOf(life))).toHaveLength(2);
  });

  it("reaches every incident that is open, in a storm of them too", async ({ expect }) => {
    const life = new DeskLife();
    const COUNT = 1_100;
    await life.trigger(aTrigger());
    const [view] = await life.desk.open();
    if (view === undefined) throw new Error("nothing is open");
    await runInDurableObject(life.stub, (_, { storage: { sql } }) => {
      sql.exec(
        `WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
         INSERT INTO incidents SELECT 'inc_storm_' || n, playbook, 'storm', 'detected', 0,
           json_set(view, '$.id', 'inc_storm_' || n, '$.scope', 'storm') FROM incidents, counted`,
        COUNT,
      );
    });
    await life.desk.silence(aSilence({ matchers: ['scope="storm"'] }));
    await life.settle();
    const muted = life.world.handled.filter(({ command }) => command.type === "mute");
    expect(new Set(muted.map(({ incidentId }) => incidentId)).size).toBe(COUNT);
    expect(muted.map(({ incidentId }) => incidentId)).not.toContain(view.id);
  });

  it("that is replaced takes back what it no longer means", async ({ expect }) => {
    const life = new DeskLife();
    await life.trigger(aTrigger());
    await life.desk.silence(ofOutages);
    const answer = await life.desk.silence({
      ...ofOutages,
      matchers: ['playbook="other"'],
      as: "replacement",
      atMs: T0 + 1,
      by: "grace",
    });
    await life.settle();
    expect(answer).toMatchObject({
      ok: true,
      value: { revision: 2, changes: [{ did: "created" }, { by: "grace", did: "replaced" }] },
    });
    expect(mutesIn(commandsOf(life))).toMatchObject([
      { endsAtMs: T0 + 60 * MINUTE_MS },
      { endsAtMs: T0 + 1 },
    ]);
  });

  it("goes before an incident that is reopened", async ({ expect }) => {
    const life = new DeskLife();
    await life.trigger(aTrigger());
    const [view] = await life.desk.open();
    if (view === undefined) throw new Error("nothing is open");
    await life.desk.project({
      ...view,
      status: "resolved",
      seq: 9,
      anchors: { ...view.anchors, resolvedAtMs: T0 },
    });
    await life.desk.silence(ofOutages);
    await life.trigger(aTrigger({ id: "trg_2" }));
    expect(told(life)).toEqual(["open", "mute", "reopen"]);
  });

  it("asked for twice is one, and there are at most so many", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.silence(aSilence());
    expect(await life.desk.silence(aSilence({ comment: "other words" }))).toMatchObject({
      ok: true,
      value: { comment: "we know", revision: 1 },
    });
    expect(await life.desk.silence(aSilence({ as: "replacement" }))).toMatchObject({
      value: { revision: 1 },
    });
    expect(await life.desk.silence(aSilence({ id: "sil_none", as: "replacement" }))).toEqual({
      ok: false,
      error: "unknown",
    });
    for (let n = 2; n <= SILENCES_MAX; n += 1)
      await life.desk.silence(aSilence({ id: `sil_${n}` }));
    expect(await life.desk.silence(aSilence({ id: "sil_one_more" }))).toEqual({
      ok: false,
      error: "full",
    });
    // One that has ended makes room, and stays as it was.
    await life.desk.expireSilence("sil_1", "ada", T0 + 1);
    expect(await life.desk.silence(aSilence({ id: "sil_one_more", atMs: T0 + 1 }))).toMatchObject({
      ok: true,
    });
    expect(await life.desk.silence(aSilence({ as: "replacement", atMs: T0 + 1 }))).toEqual({
      ok: false,
      error: "over",
    });
  });

  it("that has ended is forgotten after five days, with the next change", async ({ expect }) => {
    const life = new DeskLife();
    await life.desk.silence(aSilence());
    const laterMs = T0 + 60 * MINUTE_MS + 120 * 60 * MINUTE_MS;
    await life.desk.silence(
      aSilence({ id: "sil_2", atMs: laterMs, startsAtMs: laterMs, endsAtMs: laterMs + MINUTE_MS }),
    );
    expect((await life.desk.silences()).map(({ id }) => id)).toEqual(["sil_2"]);
    await evictDurableObject(life.stub);
    expect((await life.desk.silences()).map(({ id }) => id)).toEqual(["sil_2"]);
  });
});

it("an alert that another explains opens nothing until that one ends", async ({ expect }) => {
  const life = new DeskLife();
  const [source, target] = [
    readMatchers(['alertname="NodeDown"']),
    readMatchers(['alertname="Known"']),
  ];
  if (!source.ok || !target.ok) throw new Error("a matcher is not read");
  life.world.quiet = {
    ...life.world.quiet,
    inhibit: [{ source: source.value, target: target.value, equal: ["node"] }],
  };
  const cause = anAlert({ fingerprint: "cause", title: "NodeDown", labels: { node: "n1" } });
  const symptom = anAlert({ fingerprint: "symptom", title: "Known", labels: { node: "n1" } });
  await life.desk.receive(
    [cause, symptom, anAlert({ fingerprint: "other", title: "Known", labels: { node: "n2" } })],
    T0,
  );
  await life.settle();
  const scopes = async () => (await life.desk.list({})).items.map(({ scope }) => scope).toSorted();
  expect(await scopes()).toEqual(["alert:alertmanager:cause", "alert:alertmanager:other"]);
  await life.desk.receive([{ ...cause, status: "resolved" }], T0 + 1);
  await life.settle();
  expect(await scopes()).toContain("alert:alertmanager:symptom");
});

it("an alert that flaps has one incident, which says so once, and is heard when it stops to", async ({
  expect,
}) => {
  const life = new DeskLife();
  for (let minute = 0; minute < 20; minute += 1) {
    const status = minute % 2 === 0 ? "firing" : "resolved";
    const startsAtMs = T0 + Math.floor(minute / 2) * 2 * MINUTE_MS;
    await life.desk.receive([anAlert({ status, startsAtMs })], T0 + minute * MINUTE_MS);
    await life.settle();
  }
  // Three times it fires; the third end is its sixth change, which is not told as one.
  expect(told(life)).toEqual(["open", "resolve", "reopen", "resolve", "reopen", "mute"]);
  expect(mutesIn(commandsOf(life))).toMatchObject([{ id: "alerts", because: "flapping" }]);
  // An hour after its third last change.
  expect(await alarmIn(life)).toBe(T0 + 77 * MINUTE_MS);
  expect(told(life).slice(6)).toEqual(["resolve"]);
});
