import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { COMMANDS_AT_ONCE_MAX } from "../../../src/incidents/desk-object.ts";
import { REQUESTS_MAX } from "../../../src/incidents/desk-rows.ts";
import { T0 } from "../../support/incident.ts";
import { anAlert, aTrigger, DeskLife, outcomeOf, standStill } from "./desk-life.ts";

beforeEach(() => {
  standStill();
  onTestFinished(() => void vi.useRealTimers());
});

const opened = (life: DeskLife): readonly string[] =>
  life.world.handled
    .filter(({ command }) => command.type === "open")
    .map(({ incidentId }) => incidentId);

it(
  "comes to the same, whichever of its storage or outbound calls it dies at",
  {
    timeout: 600_000,
  },
  async ({ expect }) => {
    const whole = new DeskLife();
    await whole.live();
    const points = whole.world.fate.points.length;
    const outcome = await outcomeOf(whole);
    expect(points).toBeGreaterThan(80);
    for (let dieAt = 1; dieAt <= points; dieAt += 1) {
      const life = new DeskLife();
      life.world.fate.dieAt = dieAt;
      await life.live();
      const where = `${dieAt}: ${life.world.fate.points[dieAt - 1]}`;
      expect({ where, deaths: life.deaths > 0 }).toEqual({ where, deaths: true });
      expect({ where, ...(await outcomeOf(life)) }).toEqual({ where, ...outcome });
      // Each incident is opened under one command, and none that the index does not know.
      const { items } = await life.desk.list({});
      expect([...new Set(opened(life))].toSorted(), where).toEqual(
        items.map(({ id }) => id).toSorted(),
      );
    }
  },
);

it("opens one incident for two triggers at once", async ({ expect }) => {
  const life = new DeskLife();
  const answers = await Promise.all([
    life.trigger(aTrigger()),
    life.trigger(aTrigger()),
    life.trigger(aTrigger({ id: "trg_other" })),
  ]);
  expect(new Set(answers.map(({ incidentId }) => incidentId)).size).toBe(1);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(opened(life)).toHaveLength(1);
});

it("answers a repeated trigger the same after an eviction", async ({ expect }) => {
  const life = new DeskLife();
  const first = await life.trigger(aTrigger());
  await evictDurableObject(life.stub);
  expect(await life.trigger(aTrigger())).toEqual({ incidentId: first.incidentId, isNew: false });
  expect(opened(life)).toHaveLength(1);
});

it("does not spin while an incident cannot be reached, and gives it everything in order later", async ({
  expect,
}) => {
  const life = new DeskLife();
  life.world.onHandle = async () => {
    throw new Error("overloaded");
  };
  await life.trigger(aTrigger());
  await life.trigger(aTrigger({ id: "trg_2", actor: { kind: "webhook", id: "alertmanager" } }));
  const alarmAtMs = await life.alarmAtMs();
  // Not the note that is due and has to wait for the opening: that would be an alarm each millisecond.
  expect(alarmAtMs).toBeGreaterThan(Date.now() + 1);

  life.world.onHandle = async () => {};
  vi.setSystemTime((alarmAtMs ?? 0) + 1);
  await life.settle();
  expect(life.world.handled.map(({ command }) => command.type)).toEqual(["open", "note"]);
  expect(await life.alarmAtMs()).toBeNull();
});

it("opens an incident while others hang", async ({ expect }) => {
  const life = new DeskLife();
  const hung = Promise.withResolvers<void>();
  const stuck = new Set<string>();
  life.world.onHandle = async (id) => (stuck.has(id) ? hung.promise : undefined);
  const first = await life.trigger(aTrigger({ scope: "scope-0" }));
  stuck.add(first.incidentId);
  const waits = life.trigger(
    aTrigger({ id: "trg_2", scope: "scope-0", actor: { kind: "webhook", id: "alertmanager" } }),
  );
  await life.trigger(aTrigger({ id: "trg_3", scope: "scope-1" }));
  expect(opened(life)).toHaveLength(2);
  hung.resolve();
  await waits;
});

it("does not let a storm of alerts crowd out an incident that a playbook claims", async ({
  expect,
}) => {
  const life = new DeskLife();
  for (let batch = 0; batch < 6; batch += 1) {
    const alerts = Array.from({ length: 20 }, (_, index) =>
      anAlert({ fingerprint: `f${batch}-${index}` }),
    );
    await life.desk.receive(alerts, T0);
  }
  const { incidentId } = await life.trigger(aTrigger());
  expect((await life.desk.open()).map(({ id }) => id)).toContain(incidentId);
});

it("delivers more commands than it may at once", async ({ expect }) => {
  const life = new DeskLife();
  const count = COMMANDS_AT_ONCE_MAX * 3;
  const alerts = Array.from({ length: count }, (_, index) => anAlert({ fingerprint: `f${index}` }));
  await life.desk.receive(alerts, T0);
  await life.settle();
  expect(opened(life)).toHaveLength(count);
});

describe("its alarm", () => {
  it("delivered twice or for nothing does nothing", async ({ expect }) => {
    const life = new DeskLife();
    await life.trigger(aTrigger());
    const before = life.world.handled.length;
    await life.alarm();
    await Promise.all([life.alarm(), life.alarm()]);
    expect(life.world.handled).toHaveLength(before);
    expect(await runDurableObjectAlarm(life.stub)).toBe(false);
  });
});

it("remembers so many keyed requests, and forgets the oldest first", async ({ expect }) => {
  const { stub } = new DeskLife();
  await stub.once("first", "a", T0);
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    sql.exec(
      `WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
       INSERT INTO requests SELECT 'req_' || n, 'f', ? FROM counted`,
      REQUESTS_MAX,
      T0,
    );
  });
  expect(await stub.once("last", "b", T0)).toEqual({ firstAtMs: T0, isSame: true });
  expect(await stub.once(`req_${REQUESTS_MAX}`, "g", T0)).toMatchObject({ isSame: false });
  expect(await stub.once("first", "b", T0 + 1)).toEqual({ firstAtMs: T0 + 1, isSame: true });
});

describe("a tool that knows no groups", () => {
  const down = (monitor: number, atMs: number) =>
    anAlert({
      source: "uptimerobot",
      fingerprint: `m${monitor}`,
      title: `Monitor ${monitor} is down`,
      severity: "SEV-2",
      startsAtMs: atMs,
    });
  const told = (life: DeskLife): readonly string[] =>
    life.world.handled.map(({ command }) =>
      command.type === "open"
        ? `open ${command.data.title}`
        : `${command.type} ${"alerts" in command.data ? command.data.alerts : ""}`.trim(),
    );
  const until = async (life: DeskLife, atMs: number): Promise<void> => {
    for (;;) {
      const alarmAtMs = await life.alarmAtMs();
      if (alarmAtMs === null || alarmAtMs > atMs) break;
      vi.setSystemTime(Math.max(alarmAtMs, Date.now()));
      await life.settle();
    }
    vi.setSystemTime(atMs);
  };

  it("is heard again by what joins it, or gets worse, after somebody said that it is over", async ({
    expect,
  }) => {
    const life = new DeskLife();
    await life.desk.receive([down(1, T0)], T0);
    await until(life, T0 + 40_000);
    expect(told(life)).toEqual(["open Monitor 1 is down"]);
    const [view] = await life.desk.open();
    if (view === undefined) throw new Error("nothing is open");
    const anchors = { ...view.anchors, resolvedAtMs: T0 };
    await life.desk.project({ ...view, status: "resolved", seq: 9, anchors });
    const laterMs = T0 + 2 * 3_600_000;
    vi.setSystemTime(laterMs);
    await life.desk.receive([down(2, laterMs)], laterMs);
    await until(life, laterMs + 10 * 60_000);
    expect(told(life).at(-1)).toMatch(/^(?:open|reopen)/);
  });

  it("is one incident of fifty monitors, after the wait; later ones are one piece of news", async ({
    expect,
  }) => {
    const life = new DeskLife();
    for (let monitor = 0; monitor < 50; monitor += 1) {
      await life.desk.receive([down(monitor, T0)], T0);
    }
    await until(life, T0 + 29_000);
    expect(told(life)).toEqual([]);
    await evictDurableObject(life.stub);
    await until(life, T0 + 60_000);
    expect(told(life)).toEqual(["open Monitor 0 is down (and 49 more)"]);

    await life.desk.receive([down(50, T0 + 60_000), down(51, T0 + 60_000)], T0 + 60_000);
    await life.desk.receive([down(51, T0 + 60_000)], T0 + 60_000);
    await evictDurableObject(life.stub);
    await until(life, T0 + 600_000);
    expect(told(life).slice(1)).toEqual(["note 2"]);

    const ends = Array.from({ length: 52 }, (_, monitor) => ({
      ...down(monitor, T0 + 60_000),
      status: "resolved" as const,
      endsAtMs: T0 + 600_000,
    }));
    await life.desk.receive(ends.slice(1), T0 + 600_000);
    await until(life, T0 + 601_000);
    expect(told(life).slice(2)).toEqual([]);
    await life.desk.receive(ends.slice(0, 1), T0 + 602_000);
    await until(life, T0 + 603_000);
    expect(told(life).slice(2)).toEqual(["resolve"]);
  });

  it("dies anywhere while it waits: one incident all the same", async ({ expect }) => {
    const live = async (life: DeskLife): Promise<readonly string[]> => {
      vi.setSystemTime(T0);
      await life.insist(() => life.desk.receive([down(0, T0), down(1, T0)], T0));
      await until(life, T0 + 60_000);
      return [...new Set(told(life))];
    };
    const whole = new DeskLife();
    const expected = await live(whole);
    expect(expected).toEqual(["open Monitor 0 is down (and 1 more)"]);
    for (let dieAt = 1; dieAt <= whole.world.fate.points.length; dieAt += 1) {
      const life = new DeskLife();
      life.world.fate.dieAt = dieAt;
      expect([dieAt, await live(life)]).toEqual([dieAt, expected]);
    }
  });
});
