/** A storm of alerts: many in no order, most of them more than once, of one group. */
import { runInDurableObject } from "cloudflare:test";
import { it, onTestFinished, vi } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { INBOX_MAX } from "../../../src/alerts/inbox.ts";
import { T0 } from "../../support/incident.ts";
import { anAlert, DeskLife, standStill } from "./desk-life.ts";

const ALERTS = 10_000;
const HOSTS = 800;
const MIB = 1024 * 1024;
const FLAPS_WITHIN_MS = 3_600_000;

/** The same numbers in each run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

const hostAlert = (host: number, episode: number, status: Alert["status"]): Alert =>
  anAlert({
    fingerprint: `host-${host}`,
    group: "disks",
    status,
    title: "Disk is full",
    startsAtMs: T0 + episode * 1_000,
    endsAtMs: status === "firing" ? null : T0 + episode * 1_000 + 500,
    labels: { alertname: "DiskFull", instance: `host-${host}.example`, job: "node" },
  });

it(`${ALERTS} alerts of a group are one incident, and none is lost`, async ({ expect }) => {
  standStill();
  onTestFinished(() => void vi.useRealTimers());
  const random = numbers(7);
  const next = (below: number): number => Math.floor(random.next().value * below);
  // Each host fires in three episodes, ends two of them, and some end the third.
  const told = Array.from({ length: HOSTS }, (_, host) =>
    [0, 1, 2].flatMap((episode) => [
      hostAlert(host, episode, "firing"),
      ...(episode < 2 || host % 4 === 0 ? [hostAlert(host, episode, "resolved")] : []),
    ]),
  ).flat();
  const repeated = Array.from({ length: ALERTS - told.length }, () => told[next(told.length)]);
  const burst = [...told, ...repeated]
    .flatMap((alert) => (alert === undefined ? [] : [{ alert, at: random.next().value }]))
    .toSorted((one, other) => one.at - other.at)
    .map(({ alert }) => alert);

  const life = new DeskLife();
  let accepted = 0;
  let duplicates = 0;
  for (let from = 0; from < burst.length;) {
    const size = 1 + next(60);
    const counts = await life.desk.receive(burst.slice(from, from + size), T0 + 60_000);
    accepted += counts.accepted;
    duplicates += counts.duplicates;
    from += size;
  }
  await life.settle();

  expect(accepted + duplicates).toBe(ALERTS);
  const open = await life.desk.open();
  expect(open.map(({ scope }) => scope)).toEqual(["alert:alertmanager:group:disks"]);
  expect(life.world.handled.filter(({ command }) => command.type === "open")).toHaveLength(1);

  // Whatever the order, what is remembered is each host's last episode, and whether it ended.
  const kept = await life.desk.alerts();
  expect(kept).toHaveLength(HOSTS);
  for (const { fingerprint, startsAtMs, status } of kept) {
    const host = Number(fingerprint.slice("host-".length));
    expect([startsAtMs, status]).toEqual([T0 + 2_000, host % 4 === 0 ? "resolved" : "firing"]);
  }
  const size = await runInDurableObject(life.stub, (_, { storage: { sql } }) => ({
    alerts: sql.exec<{ n: number }>("SELECT count(*) AS n FROM alerts").one().n,
    waiting: sql.exec<{ n: number }>("SELECT count(*) AS n FROM outbox").one().n,
    mib: sql.databaseSize / MIB,
  }));
  expect(size.alerts).toBeLessThanOrEqual(INBOX_MAX);
  expect(size.waiting).toBe(0);
  expect(size.mib).toBeLessThan(2);

  const ends = told.filter(({ startsAtMs }) => startsAtMs === T0 + 2_000).map(ended);
  await life.desk.receive(ends, T0 + 120_000);
  await life.settle();
  // Those that came and went three times flap: it goes on until they have stopped to.
  expect(life.world.handled.at(-1)).toMatchObject({ command: { type: "mute" } });
  const stillAtMs = await life.alarmAtMs();
  expect(stillAtMs).toBe(T0 + 60_000 + FLAPS_WITHIN_MS);
  vi.setSystemTime(T0 + 60_000 + FLAPS_WITHIN_MS);
  await life.settle();
  expect(life.world.handled.at(-1)).toMatchObject({ command: { type: "resolve" } });
});

const ended = (alert: Alert): Alert => ({
  ...alert,
  status: "resolved",
  endsAtMs: alert.startsAtMs + 900,
});
