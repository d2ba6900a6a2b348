import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, describe, it } from "vitest";
import { ALERT_MS, aMonitor, anOverride, CALM_MS, holdClock, passTime, PROBES } from "./support.ts";
import { anIncident } from "./world.ts";
import { aPlaybook } from "../../support/playbooks.ts";

let startMs = 0;
beforeEach(() => {
  startMs = holdClock();
});

describe("open incidents", () => {
  it("get the signals and the autopilot of each tick, at alert cadence", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.open = [
      anIncident({ id: "inc_a" }),
      anIncident({ id: "inc_b", playbook: "other", status: "resolved" }),
    ];
    await monitor.setOverride(anOverride({ playbook: "outage", param: "mode", value: "off" }));
    await monitor.poke("request");
    expect(world.handled).toMatchObject([
      {
        id: "inc_a",
        command: {
          id: `observe:${startMs}`,
          type: "observe",
          data: { signals: { [PROBES]: { value: 1 } }, autopilot: "off" },
        },
      },
      { id: "inc_b", command: { type: "observe", data: { autopilot: "shadow" } } },
    ]);
    expect(await monitor.status()).toMatchObject({ cadenceMs: ALERT_MS, openIncidents: ["inc_a"] });
  });

  it("that only wait for people do not keep the monitor alert, unless a mitigation lives", async ({
    expect,
  }) => {
    const { monitor, world } = aMonitor();
    world.open = [anIncident({ playbook: "plain" })];
    await monitor.poke("request");
    expect((await monitor.status()).cadenceMs).toBe(CALM_MS);
    expect(world.handled).toHaveLength(1);

    const lease = { id: "lse_1", step: "by-hand", actuator: "maintenance-mode" };
    const applied = {
      status: "applied",
      mode: "manual",
      shadow: false,
      siteWide: true,
      share: 1,
    } as const;
    const leases = [{ ...lease, ...applied, expiresAtMs: null, why: "a person" }];
    world.open = [anIncident({ playbook: "plain", leases })];
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect((await monitor.status()).cadenceMs).toBe(ALERT_MS);
  });

  it("do not wait for one that fails, nor fail the tick", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.open = [anIncident({ id: "inc_broken" }), anIncident({ id: "inc_fine" })];
    world.onIncident = async (id) => {
      if (id === "inc_broken") throw new Error("broken");
    };
    expect(await monitor.poke("request")).toEqual({ ticked: true });
    expect(world.handled.map(({ id }) => id)).toEqual(["inc_fine"]);
  });
});

describe("the desk", () => {
  it("gets the same trigger again when it did not answer, and after an eviction", async ({
    expect,
  }) => {
    const { monitor, world } = aMonitor();
    world.values = { [PROBES]: 0 };
    await monitor.poke("request");
    world.onDesk = () => Promise.reject(new Error("unreachable"));
    passTime(20_000);
    await runDurableObjectAlarm(monitor);
    expect(world.triggers).toEqual([]);
    expect((await monitor.rules())[0]?.state).toEqual({ status: "firing", sinceMs: startMs });

    world.onDesk = async () => {};
    passTime(ALERT_MS);
    await runDurableObjectAlarm(monitor);
    await evictDurableObject(monitor);
    passTime(ALERT_MS);
    await runDurableObjectAlarm(monitor);
    expect(world.triggers).toHaveLength(2);
    expect(new Set(world.triggers.map(({ id }) => id)).size).toBe(1);
    expect(world.triggers[0]?.onsetAtMs).toBe(startMs);
  });

  it("gets a plain incident for a broken rule", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    const rule = { id: "share", when: "alerts.critical_count / alerts.firing_count > 0" };
    const broken = aPlaybook({ id: "broken", rules: [rule] });
    world.playbooks = () => [broken];
    world.values = { "alerts.critical_count": 1, "alerts.firing_count": 0 };
    await monitor.poke("request");
    passTime(CALM_MS);
    await runDurableObjectAlarm(monitor);
    expect(world.triggers).toMatchObject([{ playbook: null, severity: "SEV-3" }]);
  });
});

describe("the guards' pace", () => {
  it("is told when it changes, and again if it was not heard", async ({ expect }) => {
    const { monitor, world } = aMonitor();
    world.onSetPollMs = () => Promise.reject(new Error("unreachable"));
    await monitor.poke("request");
    world.onSetPollMs = async () => {};
    const tick = async () => {
      passTime(CALM_MS);
      await runDurableObjectAlarm(monitor);
    };
    await tick();
    await tick();
    world.open = [anIncident()];
    await tick();
    await evictDurableObject(monitor);
    await tick();
    world.open = [anIncident({ status: "resolved" })];
    await tick();
    expect(world.pollsMs).toEqual([4_000, 1_000, 4_000]);
  });
});
