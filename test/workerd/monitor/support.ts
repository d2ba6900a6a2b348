/** What the monitor's tests share: its clock, itself and its alarm. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { onTestFinished, vi } from "vitest";
import { worldOf } from "./world.ts";
import type { Override } from "../../../src/playbooks/params.ts";

export const CALM_MS = 60_000;
export const ALERT_MS = 10_000;
export const PROBES = "probe.around_success_ratio";

/** Holds the clock at its start; the test moves it. Alarms run on workerd's own clock, so the test runs them, too. */
export function holdClock(): number {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return startMs;
}

export const passTime = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

/** A monitor nobody else uses, and the world around it. */
export function aMonitor() {
  const name = `monitor-${crypto.randomUUID()}`;
  return { monitor: env.TEST_MONITOR.getByName(name), world: worldOf(name) };
}

export type Monitor = ReturnType<typeof aMonitor>["monitor"];

export const alarmOf = (monitor: Monitor): Promise<number | null> =>
  runInDurableObject(monitor, (_, state) => state.storage.getAlarm());

export const anOverride = (fields: Partial<Override>): Override => ({
  playbook: "site",
  param: "cadence_calm",
  value: "5s",
  by: "ada",
  reason: "a gameday",
  expiresAtMs: Date.now() + 300_000,
  ...fields,
});
