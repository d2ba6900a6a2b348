import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { it } from "vitest";
import worker from "../../../src/index.ts";
import { deskOf, monitorOf, trafficShardOf } from "../../../src/wiring/objects.ts";
import { LATENCY_BOUNDS_MS } from "../../../src/traffic/traffic-api.ts";
import { anOverride, holdClock, passTime } from "./support.ts";
import { aSecond } from "../../support/signals.ts";

const NO_LATENCIES = [...LATENCY_BOUNDS_MS, Infinity].map(() => 0);
let flushes = 0;

/** One failed request in every other of the last forty seconds: too few to be suspicious, so that nobody but the cron wakes the monitor. */
async function reportErrors(): Promise<void> {
  const nowSecond = Math.floor(Date.now() / 1_000);
  const seconds = Array.from({ length: 20 }, (_, ago) =>
    aSecond({ second: nowSecond - 2 * ago, failed: 1, latency: NO_LATENCIES }),
  );
  await trafficShardOf(env, 1).flush({ isolate: "an-isolate", n: (flushes += 1), seconds });
}

const cron = async (): Promise<void> => {
  await runInDurableObject(env.MONITOR.getByName("monitor"), (_, { storage }) =>
    storage.deleteAlarm(),
  );
  await worker.scheduled({ cron: "* * * * *", scheduledTime: Date.now(), noRetry() {} }, env);
};

it("with every alarm dead, the cron alone finds the outage, through the objects as deployed", async ({
  expect,
}) => {
  holdClock();
  const monitor = monitorOf(env);
  const terms = { confirm_for: "5s", requests_min: 5 };
  for (const [param, value] of Object.entries(terms)) {
    const override = anOverride({ playbook: "outage", param, value });
    expect(await monitor.setOverride(override)).toMatchObject({ ok: true });
  }

  await cron();
  const calm = (await monitor.signals()).signals;
  expect(calm["probe.around_success_ratio"]).toMatchObject({ value: 1 });
  expect(calm["postgres.reachable_ratio"]).toMatchObject({ unknown: "not_configured" });
  expect(calm["traffic.error_ratio"]).toMatchObject({ unknown: "no_data" });
  expect((await deskOf(env).list({})).items).toEqual([]);

  passTime(60_000);
  await reportErrors();
  await deskOf(env).receive(
    [
      {
        source: "alertmanager",
        fingerprint: "f",
        status: "firing",
        title: "Everything is down",
        severity: "SEV-1",
        startsAtMs: Date.now(),
        endsAtMs: null,
        labels: {},
        url: null,
      },
    ],
    Date.now(),
  );
  await cron();
  const ill = (await monitor.signals()).signals;
  expect(ill["traffic.error_ratio"]).toMatchObject({ value: 1 });
  expect(ill["alerts.critical_count"]).toMatchObject({ value: 1 });

  passTime(60_000);
  await reportErrors();
  await cron();
  const opened = (await deskOf(env).list({})).items.filter(({ playbook }) => playbook === "outage");
  expect(opened).toMatchObject([
    { severity: "SEV-1", status: expect.not.stringMatching("resolved") },
  ]);
  expect((await monitor.status()).openIncidents).toContain(opened[0]?.id);
});
