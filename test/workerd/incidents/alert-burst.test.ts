/** A storm of alerts: far more than the inbox keeps whole, in no order, most of them more than once, of one group, and all at once. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { it, onTestFinished, vi } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { INBOX_MAX } from "../../../src/alerts/inbox.ts";
import { T0 } from "../../support/incident.ts";
import { anAlert, DeskLife, standStill } from "./desk-life.ts";

const ALERTS = 10_000;
const HOSTS = 3_000;
/** Deliveries on their way at the same time. */
const AT_ONCE = 8;
const MIB = 1024 * 1024;

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
  // Each host fires in two episodes, ends one of them, and some end the second.
  const told = Array.from({ length: HOSTS }, (_, host) =>
    [0, 1].flatMap((episode) => [
      hostAlert(host, episode, "firing"),
      ...(episode < 1 || host % 10 === 0 ? [hostAlert(host, episode, "resolved")] : []),
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
  const deliveries: (readonly Alert[])[] = [];
  for (let from = 0; from < burst.length;) {
    const size = 1 + next(60);
    deliveries.push(burst.slice(from, from + size));
    from += size;
  }
  const sender = async (): Promise<void> => {
    for (let alerts = deliveries.pop(); alerts !== undefined; alerts = deliveries.pop()) {
      const counts = await life.desk.receive(alerts, T0 + 60_000);
      accepted += counts.accepted;
      duplicates += counts.duplicates;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  await life.settle();

  expect(accepted + duplicates).toBe(ALERTS);
  const open = await life.desk.open();
  expect(open.map(({ scope }) => scope)).toEqual(["alert:alertmanager:group:disks"]);
  expect(life.world.handled.filter(({ command }) => command.type === "open")).toHaveLength(1);

  // Whatever the order, what is remembered is each host's last episode, and whether it ended: whole, or as one of many.
  const rows = await runInDurableObject(life.stub, (_, { storage: { sql } }) => ({
    alerts: sql
      .exec<{ body: string }>("SELECT body FROM alerts UNION ALL SELECT body FROM bundled_alerts")
      .toArray()
      .map(({ body }) => JSON.parse(body) as Alert),
    waiting: sql.exec<{ n: number }>("SELECT count(*) AS n FROM outbox").one().n,
    mib: sql.databaseSize / MIB,
  }));
  expect(new Set(rows.alerts.map(({ fingerprint }) => fingerprint)).size).toBe(HOSTS);
  expect(rows.alerts).toHaveLength(HOSTS);
  for (const { fingerprint, startsAtMs, status } of rows.alerts) {
    const host = Number(fingerprint.slice("host-".length));
    expect([startsAtMs, status]).toEqual([T0 + 1_000, host % 10 === 0 ? "resolved" : "firing"]);
  }
  const kept = await life.desk.alerts();
  expect(kept).toHaveLength(INBOX_MAX);
  const firing = HOSTS - HOSTS / 10;
  expect(await life.desk.alertCounts()).toMatchObject({
    firing,
    bundled: firing - INBOX_MAX,
    dropped: 0,
  });
  expect(rows.waiting).toBe(0);
  expect(rows.mib).toBeLessThan(4);

  // What was written down is what an object that was evicted knows.
  await evictDurableObject(life.stub);
  const ends = told.filter(({ startsAtMs }) => startsAtMs === T0 + 1_000).map(ended);
  const isWhole = new Set(kept.map(({ fingerprint }) => fingerprint));
  const last = told.findLast(
    ({ fingerprint, status }) => status === "firing" && !isWhole.has(fingerprint),
  );
  if (last === undefined) throw new Error("none is bundled");
  const others = ends.filter(({ fingerprint }) => fingerprint !== last.fingerprint);
  await life.desk.receive(others, T0 + 120_000);
  await life.settle();
  const [stillOpen] = await life.desk.open();
  expect(stillOpen?.scope).toBe("alert:alertmanager:group:disks");
  expect(life.world.handled.map(({ command }) => command.type)).not.toContain("resolve");
  await life.desk.receive([ended(last)], T0 + 180_000);
  await life.settle();
  expect(life.world.handled.at(-1)).toMatchObject({ command: { type: "resolve" } });
});

const ended = (alert: Alert): Alert => ({
  ...alert,
  status: "resolved",
  endsAtMs: alert.startsAtMs + 900,
});
