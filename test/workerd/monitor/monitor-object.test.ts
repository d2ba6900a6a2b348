import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, it } from "vitest";
import { SUSPICION_GAP_MS, TICK_MS_MAX } from "../../../src/monitor/monitor-object.ts";
import { ALERT_MS, alarmOf, aMonitor, CALM_MS, holdClock, passTime, PROBES } from "./support.ts";
import { anIncident } from "./world.ts";

let startMs = 0;
beforeEach(() => {
  startMs = holdClock();
});

describe("a tick", () => {
  it("collects, evaluates, remembers, and arms the next at calm cadence", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    expect(await monitor.poke("request")).toEqual({ ticked: true });

    expect(world.collected.map(({ source }) => source)).toContain("postgres");
    const { atMs, signals } = await monitor.signals();
    expect(atMs).toBe(startMs);
    expect(signals[PROBES]).toMatchObject({ value: 1, atMs: startMs });
    expect(signals["redis.latency_ms"]).toMatchObject({ unknown: "no_data" });
    expect(await monitor.rules()).toMatchObject([{ rule: "probes", truth: "false" }]);
    expect(await monitor.status()).toEqual({
      lastTickAtMs: startMs,
      lastTickTookMs: 0,
      cadenceMs: CALM_MS,
      nextTickAtMs: startMs + CALM_MS,
      openIncidents: [],
      seesProduction: true,
      probesFail: false,
    });
  });

  it("turns to alert cadence while a rule is pending, and back", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.values = { [PROBES]: 0 };
    await monitor.poke("request");
    expect(await alarmOf(monitor)).toBe(startMs + ALERT_MS);

    world.values = { [PROBES]: 1 };
    passTime(ALERT_MS);
    expect(await runDurableObjectAlarm(monitor)).toBe(true);
    expect(await alarmOf(monitor)).toBe(startMs + ALERT_MS + CALM_MS);
  });

  it("triggers once at the end of `for`, and repeats nothing that arrived", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.values = { [PROBES]: 0 };
    await monitor.poke("request");
    for (let seconds = 10; seconds <= 50; seconds += 10) {
      passTime(ALERT_MS);
      await runDurableObjectAlarm(monitor);
    }
    expect(world.rounds).toBe(6);
    expect(world.triggers).toMatchObject([
      { playbook: "outage", onsetAtMs: startMs, atMs: startMs + 20_000 },
    ]);
  });

  it("asks costly sources seldom, and at once when something stirs", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    const polls = () => world.collected.filter(({ source }) => source === "postgres").length;
    await monitor.poke("request");
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect(polls()).toBe(1);
    world.values = { [PROBES]: 0 };
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect(polls()).toBe(1);
    passTime(ALERT_MS);
    await runDurableObjectAlarm(monitor);
    expect(polls()).toBe(2);
  });

  it("shows a value as stale once its time is over", async ({ expect }) => {
    const { monitor } = aMonitor();
    await monitor.poke("request");
    passTime(2 * CALM_MS);
    expect((await monitor.signals()).signals[PROBES]).toMatchObject({ value: 1 });
    passTime(1);
    expect((await monitor.signals()).signals[PROBES]).toMatchObject({ unknown: "stale" });
  });
});

describe("the alarm", () => {
  it("re-arms before it works", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(CALM_MS);
    const armed = await runInDurableObject(monitor, async (object, state) => {
      const seen: (number | null)[] = [];
      world.onCollect = async () => void seen.push(await state.storage.getAlarm());
      await state.storage.deleteAlarm();
      await object.alarm();
      return seen;
    });
    expect(new Set(armed)).toEqual(new Set([startMs + 2 * CALM_MS]));
  });

  it("delivered twice ticks once", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    await runInDurableObject(monitor, (object) => object.alarm());
    expect(world.rounds).toBe(2);
    expect(await alarmOf(monitor)).toBe(startMs + 2 * CALM_MS);
  });

  it("delivered hours late ticks once, and goes on from there", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(7_200_000);
    await runDurableObjectAlarm(monitor);
    expect(world.rounds).toBe(2);
    expect(await alarmOf(monitor)).toBe(startMs + 7_200_000 + CALM_MS);
  });

  it("never makes a failing tick a hot loop", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.playbooks = () => {
      throw new Error("a fault");
    };
    expect(await monitor.poke("cron")).toEqual({ ticked: false });
    expect(await alarmOf(monitor)).toBe(startMs + CALM_MS);
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect(await alarmOf(monitor)).toBe(startMs + 2 * CALM_MS);

    world.playbooks = () => [];
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect((await monitor.status()).lastTickAtMs).toBe(startMs + 2 * CALM_MS);
  });
});

describe("ticks never overlap", () => {
  it("refuses a second one while the first collects", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await runInDurableObject(monitor, async (object) => {
      const gate = Promise.withResolvers<void>();
      world.onCollect = () => gate.promise;
      const first = object.poke("cron");
      await object.alarm();
      expect(await object.poke("cron")).toEqual({ ticked: false });
      expect(await object.poke("suspicion")).toEqual({ ticked: false });
      gate.resolve();
      expect(await first).toEqual({ ticked: true });
    });
    expect(world.rounds).toBe(1);
    // The suspicion in between was not lost.
    expect(await alarmOf(monitor)).toBe(startMs + ALERT_MS);
  });

  it("does not let a tick that was cut off stand in the way for ever", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    const ticked = await runInDurableObject(monitor, async (object) => {
      world.onCollect = () => new Promise(() => {});
      void object.poke("cron");
      world.onCollect = async () => {};
      passTime(TICK_MS_MAX - 1);
      const early = await object.poke("cron");
      passTime(1);
      return [early, await object.poke("cron")];
    });
    expect(ticked).toEqual([{ ticked: false }, { ticked: true }]);
  });

  it("lets one source's failure change nothing for the others", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.onCollect = async () => {
      if (world.collected.at(-1)?.source === "probe") throw new Error("token=secret");
    };
    await monitor.poke("request");
    const { signals } = await monitor.signals();
    expect(signals[PROBES]).toMatchObject({ unknown: "no_data" });
    expect(JSON.stringify(signals)).not.toContain("secret");
  });
});

describe("the cron", () => {
  it("with every alarm dead still collects, evaluates and opens the incident", async ({
    expect,
  }) => {
    const { monitor, world } = aMonitor();
    const killAlarm = () => runInDurableObject(monitor, (_, { storage }) => storage.deleteAlarm());
    await monitor.poke("cron");
    await killAlarm();
    world.values = { [PROBES]: 0 };
    for (let minute = 1; minute <= 2; minute += 1) {
      passTime(60_000);
      expect(await monitor.poke("cron")).toEqual({ ticked: true });
      await killAlarm();
    }
    expect(world.triggers).toMatchObject([
      { playbook: "outage", onsetAtMs: startMs + 60_000, atMs: startMs + 120_000 },
    ]);
  });

  it("leaves a monitor alone that is on time", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("cron");
    passTime(CALM_MS / 2);
    expect(await monitor.poke("cron")).toEqual({ ticked: false });
    expect(world.rounds).toBe(1);
    expect(await alarmOf(monitor)).toBe(startMs + CALM_MS);
  });

  it("arms an alarm that is gone, even when no tick is due", async ({ expect }) => {
    const { monitor } = aMonitor();
    await monitor.poke("cron");
    await runInDurableObject(monitor, (_, { storage }) => storage.deleteAlarm());
    passTime(1_000);
    expect(await monitor.poke("cron")).toEqual({ ticked: false });
    expect(await alarmOf(monitor)).toBe(startMs + CALM_MS);
  });

  it("wakes the open incidents that overslept, and only them", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.open = [
      anIncident({ id: "inc_overslept", nextWakeAtMs: startMs - 60_000 }),
      anIncident({ id: "inc_asleep", nextWakeAtMs: startMs + 60_000 }),
      anIncident({ id: "inc_waiting", nextWakeAtMs: null }),
      anIncident({ id: "inc_over", nextWakeAtMs: startMs - 60_000, status: "resolved" }),
    ];
    await monitor.poke("cron");
    const woken = world.handled.filter(({ command }) => command.type === "wake");
    expect(woken.map(({ id }) => id)).toEqual(["inc_overslept"]);
    expect(woken[0]?.command).toMatchObject({ atMs: startMs, actor: { kind: "monitor" } });
  });

  it("wakes whom it knew when the desk does not answer", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.open = [anIncident({ id: "inc_known", nextWakeAtMs: startMs + 10_000 })];
    await monitor.poke("cron");
    await evictDurableObject(monitor);
    world.onDesk = () => Promise.reject(new Error("unreachable"));
    passTime(CALM_MS);
    await monitor.poke("cron");
    expect(world.handled.map(({ id, command }) => `${command.type} ${id}`)).toEqual([
      "observe inc_known",
      "observe inc_known",
      "wake inc_known",
    ]);
  });
});

describe("a suspicion", () => {
  it("ticks at once, and keeps the cadence at alert for a minute", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(20_000);
    expect(await monitor.poke("suspicion")).toEqual({ ticked: true });
    expect(world.rounds).toBe(2);
    for (let seconds = 10; seconds <= 60; seconds += 10) {
      expect(await alarmOf(monitor)).toBe(Date.now() + ALERT_MS);
      passTime(ALERT_MS);
      await runDurableObjectAlarm(monitor);
    }
    expect(await alarmOf(monitor)).toBe(Date.now() - ALERT_MS + CALM_MS);
  });

  it("that comes right after a tick does not tick again, but shortens the wait", async ({
    expect,
  }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(SUSPICION_GAP_MS - 1);
    expect(await monitor.poke("suspicion")).toEqual({ ticked: false });
    expect(world.rounds).toBe(1);
    expect(await alarmOf(monitor)).toBe(startMs + SUSPICION_GAP_MS);
    passTime(1);
    await runDurableObjectAlarm(monitor);
    expect(world.rounds).toBe(2);
  });
});
