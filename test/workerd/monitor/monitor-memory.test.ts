import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, it, vi } from "vitest";
import { MonitorObject } from "../../../src/monitor/monitor-object.ts";
import {
  HISTORY_ROWS_MAX,
  MonitorStore,
  OVERRIDES_MAX,
} from "../../../src/monitor/monitor-store.ts";
import { measured } from "../../../src/signals/signal.ts";
import {
  ALERT_MS,
  alarmOf,
  aMonitor,
  anOverride,
  CALM_MS,
  holdClock,
  passTime,
  PROBES,
} from "./support.ts";

let startMs = 0;
beforeEach(() => {
  startMs = holdClock();
});

describe("an eviction", () => {
  it("loses neither rule states nor signals", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.values = { [PROBES]: 0 };
    await monitor.poke("request");
    const before = [await monitor.rules(), await monitor.signals(), await monitor.status()];
    await evictDurableObject(monitor);
    expect([await monitor.rules(), await monitor.signals(), await monitor.status()]).toEqual(
      before,
    );

    passTime(20_000);
    await runDurableObjectAlarm(monitor);
    expect(world.triggers).toMatchObject([{ onsetAtMs: startMs }]);
  });

  it("loses nothing that a source kept for its next poll, nor does a poll that keeps nothing", async ({
    expect,
  }) => {
    const { monitor, world } = aMonitor();
    world.notes = { probe: { count: 7 } };
    await monitor.poke("request");
    await evictDurableObject(monitor);
    world.notes = {};
    for (let tick = 0; tick < 2; tick += 1) {
      passTime(CALM_MS);
      await runDurableObjectAlarm(monitor);
    }
    const kept = world.collected.filter(({ source }) => source === "probe").map((one) => one.kept);
    expect(kept).toEqual([null, { count: 7 }, { count: 7 }]);
  });

  it("in the middle of a tick loses no more than that tick", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    passTime(CALM_MS);
    const ticked = await runInDurableObject(monitor, async (object, state) => {
      world.onCollect = () => new Promise(() => {});
      void object.poke("cron");
      world.onCollect = async () => {};
      // What an eviction leaves: another object over the same storage.
      return new MonitorObject(state, {}, world.deps).poke("cron");
    });
    expect(ticked).toEqual({ ticked: true });
  });

  it("by a deploy that cannot read what was left begins anew", async ({ expect }) => {
    const { monitor } = aMonitor();
    await monitor.poke("request");
    await runInDurableObject(monitor, (_, { storage }) => {
      storage.sql.exec("UPDATE memory SET document = ?", '{"detection":"of another age"}');
    });
    await evictDurableObject(monitor);
    expect((await monitor.status()).lastTickAtMs).toBeNull();
    expect(await monitor.poke("request")).toEqual({ ticked: true });
  });
});

describe("history", () => {
  it("answers the samples of one signal since a time, newest last", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    for (const value of [1, 0.5, 0]) {
      world.values = { [PROBES]: value };
      await monitor.poke("cron");
      passTime(CALM_MS);
    }
    const samples = await monitor.history(PROBES, startMs + CALM_MS);
    expect(samples.map((sample) => "value" in sample && sample.value)).toEqual([0.5, 0]);
    expect(await monitor.history("nobody.knows_this", 0)).toEqual([]);
    expect(await monitor.history('x"; DROP', 0)).toEqual([]);
  });

  it("keeps a bounded number of ticks, the newest", async ({ expect }) => {
    const { monitor } = aMonitor();
    const rows = await runInDurableObject(monitor, (_, { storage }) => {
      const store = new MonitorStore(storage);
      for (let atMs = 1; atMs <= HISTORY_ROWS_MAX + 5; atMs += 1) {
        const sample = measured(PROBES, atMs, { atMs, freshMs: 1 });
        store.saveTick(atMs, [sample], store.load());
      }
      return storage.sql.exec("SELECT count(*) AS n, min(at_ms) AS oldest FROM ticks").one();
    });
    expect(rows).toEqual({ n: HISTORY_ROWS_MAX, oldest: 6 });
  });

  it("costs a few rows a tick, however many are kept: docs/cost.md counts on it", async ({
    expect,
  }) => {
    const { monitor } = aMonitor();
    const cost = await runInDurableObject(monitor, (_, { storage }) => {
      const store = new MonitorStore(storage);
      for (let atMs = 1; atMs <= HISTORY_ROWS_MAX; atMs += 1)
        store.saveTick(atMs, [], store.load());
      const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
      const exec = storage.sql.exec.bind(storage.sql);
      vi.spyOn(storage.sql, "exec").mockImplementation((...query) => {
        const cursor = exec(...query);
        cursors.push(cursor);
        return cursor;
      });
      store.saveTick(HISTORY_ROWS_MAX + 1, [], store.load());
      vi.restoreAllMocks();
      const sum = (what: "rowsRead" | "rowsWritten") =>
        cursors.reduce((total, cursor) => total + cursor[what], 0);
      return { read: sum("rowsRead"), written: sum("rowsWritten") };
    });
    expect(cost.written).toBe(3);
    expect(cost.read).toBeLessThanOrEqual(10);
  });
});

describe("overrides", () => {
  it("hold until they expire, and a shorter cadence at once", async ({ expect }) => {
    const { monitor } = aMonitor();
    await monitor.poke("request");
    expect(await monitor.setOverride(anOverride({}))).toEqual({ ok: true, value: null });
    expect(await alarmOf(monitor)).toBe(startMs + 5_000);
    expect(await monitor.overrides()).toHaveLength(1);

    await evictDurableObject(monitor);
    passTime(299_999);
    expect((await monitor.status()).cadenceMs).toBe(5_000);
    passTime(1);
    expect((await monitor.status()).cadenceMs).toBe(CALM_MS);
    expect(await monitor.overrides()).toEqual([]);
  });

  it("change how rules are evaluated", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.setOverride(anOverride({ playbook: "outage", param: "hold", value: "1s" }));
    world.values = { [PROBES]: 0 };
    await monitor.poke("request");
    passTime(ALERT_MS);
    await runDurableObjectAlarm(monitor);
    expect(world.triggers).toMatchObject([{ params: { hold: 1_000 } }]);
  });

  it("change how far back records are read", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    await monitor.poke("request");
    await monitor.setOverride(anOverride({ param: "records_within", value: "20s" }));
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect(new Set(world.collected.map((one) => one.recordsWithinMs))).toEqual(
      new Set([120_000, 20_000]),
    );
  });

  it("take the place of an earlier one", async ({ expect }) => {
    const { monitor } = aMonitor();
    for (const value of ["on", "off"]) {
      await monitor.setOverride(anOverride({ param: "mode", value }));
      expect(await monitor.autopilot()).toBe(value);
    }
    expect(await monitor.overrides()).toHaveLength(1);
    passTime(300_000);
    expect(await monitor.autopilot()).toBe("shadow");
  });

  const REFUSED = [
    ["an unknown playbook", { playbook: "nothing" }, "nothing"],
    ["an unknown param", { param: "cadence" }, "cadence"],
    ["a value out of range", { value: "1s" }, "5s"],
    ["a value of another type", { value: 5 }, "cadence_calm"],
    ["no end", { expiresAtMs: 0 }, "past"],
  ] as const;
  it.for(REFUSED)(
    "are refused for %s, and change nothing",
    async ([, fields, words], { expect }) => {
      const { monitor } = aMonitor();
      const answer = await monitor.setOverride(anOverride(fields));
      expect(answer).toEqual({ ok: false, error: expect.stringContaining(words) });
      expect(await monitor.overrides()).toEqual([]);
    },
  );

  it("are bounded in number", async ({ expect }) => {
    const { monitor } = aMonitor();
    await runInDurableObject(monitor, (_, { storage }) => {
      const store = new MonitorStore(storage);
      for (let n = 0; n < OVERRIDES_MAX; n += 1) {
        store.putOverride(anOverride({ playbook: `p${n}` }), Date.now());
      }
    });
    expect(await monitor.setOverride(anOverride({}))).toMatchObject({ ok: false });
  });
});
