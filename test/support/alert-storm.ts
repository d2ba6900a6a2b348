/**
 * A storm of alerts of one group as an Alertmanager sends it over HTTP to a real Worker: far more of them than the inbox keeps whole, over
 * several connections at once, most more than once, and ends before beginnings. A sender that is told to come back does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { randomFrom } from "./limits.ts";

/** So many alerts, of so many hosts. */
export type Storm = { readonly hosts: number; readonly alerts: number };
export const BURST: Storm = { hosts: 6_000, alerts: 10_000 };
const CONNECTIONS = 16;
const TRIES_MAX = 5;
const RETRY_MS_MAX = 5_000;
/** Of the hosts, each fifth has ended by the end of the storm. */
const isOver = (host: number): boolean => host % 5 === 0;
export const firingOf = ({ hosts }: Storm): number => hosts - hosts / 5;

/** Where to, and what opens the doors. */
export type StormTarget = {
  readonly guard: string;
  readonly token: string;
  readonly viewer: string;
  /** What groups, and so incidents, are told apart by. */
  readonly name: string;
};

type Told = { readonly host: number; readonly status: "firing" | "resolved" };

/** All that is told, the same in each run: each host's words at least once, and at random as many again as make up the number. */
export function told({ hosts, alerts }: Storm): readonly Told[] {
  const random = randomFrom(7);
  const all = Array.from({ length: hosts }, (_, host): readonly Told[] => [
    { host, status: "firing" },
    ...(isOver(host) ? [{ host, status: "resolved" } as const] : []),
  ]).flat();
  const again = Array.from(
    { length: alerts - all.length },
    () => all[Math.floor(random() * all.length)] ?? { host: 0, status: "firing" as const },
  );
  return [...all, ...again]
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

export type Delivered = {
  readonly deliveries: number;
  readonly seconds: number;
  /** Answers other than 202, after which it was sent again. */
  readonly refused: number;
  readonly answersMs: readonly number[];
};

/** Sends it, so many alerts in a delivery. @throws {Error} when a delivery is refused for good. */
export async function deliver(
  target: StormTarget,
  alerts: readonly Told[],
  size: number,
): Promise<Delivered> {
  const bodies = Array.from({ length: Math.ceil(alerts.length / size) }, (_, n) =>
    bodyOf(target.name, alerts.slice(n * size, (n + 1) * size)),
  );
  const answersMs: number[] = [];
  let [next, refused] = [0, 0];
  const connection = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      refused += await insist(target, body, answersMs);
    }
  };
  const fromMs = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const seconds = (performance.now() - fromMs) / 1_000;
  return { deliveries: bodies.length, seconds, refused, answersMs };
}

/** How often it was refused until it was taken. */
async function insist(
  { guard, token }: StormTarget,
  body: string,
  answersMs: number[],
): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const askedMs = performance.now();
    const answer = await fetch(`${guard}/_firebreak/webhooks/alertmanager`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body,
    });
    await answer.arrayBuffer();
    if (answer.status === 202) {
      answersMs.push(performance.now() - askedMs);
      return tries;
    }
    if (answer.status < 500 || tries >= TRIES_MAX) {
      throw new Error(`a delivery was answered ${answer.status}`);
    }
    const seconds = Number(answer.headers.get("retry-after") ?? 1);
    await sleep(Math.min(seconds * 1_000, RETRY_MS_MAX));
  }
}

const EPOCH_MS = Date.now() - 3_600_000;

function bodyOf(name: string, members: readonly Told[]): string {
  const startsAt = new Date(EPOCH_MS).toISOString();
  const alerts = members.map(({ host, status }) => ({
    status,
    labels: { alertname: name, instance: `host-${host}`, severity: "warning" },
    annotations: { summary: `${name} everywhere` },
    startsAt,
    endsAt:
      status === "firing" ? "0001-01-01T00:00:00Z" : new Date(EPOCH_MS + 30_000).toISOString(),
    fingerprint: `${name}-${host}`,
  }));
  const groupKey = `{}:{alertname="${name}"}`;
  return JSON.stringify({ version: "4", groupKey, truncatedAlerts: 0, alerts });
}

const inbox = z.object({
  items: z.array(z.object({ fingerprint: z.string(), status: z.enum(["firing", "resolved"]) })),
  bundled: z.array(z.object({ firing: z.int(), resolved: z.int(), scope: z.string() })),
  dropped: z.int(),
});
const incidents = z.object({
  items: z.array(
    z.object({ id: z.string(), title: z.string(), scope: z.string(), status: z.string() }),
  ),
});

/** What became of a storm, as the API tells it. */
export async function accountOf(target: StormTarget) {
  const { items, bundled, dropped } = inbox.parse(await get(target, "alerts"));
  const whole = items.filter(({ fingerprint }) => fingerprint.startsWith(`${target.name}-`));
  const opened = incidents
    .parse(await get(target, "incidents?limit=100"))
    .items.filter(({ title }) => title === `${target.name} everywhere`);
  const ours = bundled.filter(({ scope }) => opened.some((one) => one.scope === scope));
  const sum = (status: "firing" | "resolved"): number =>
    whole.filter((one) => one.status === status).length +
    ours.reduce((all, bundle) => all + bundle[status], 0);
  return {
    whole: whole.map(({ fingerprint }) => Number(fingerprint.slice(target.name.length + 1))),
    firing: sum("firing"),
    resolved: sum("resolved"),
    dropped,
    incidents: opened,
  };
}

async function get({ guard, viewer }: StormTarget, path: string): Promise<unknown> {
  const answer = await fetch(`${guard}/_firebreak/api/v1/${path}`, {
    headers: { authorization: `Bearer ${viewer}` },
  });
  return answer.json();
}

export const endOf = (host: number): Told => ({ host, status: "resolved" });
