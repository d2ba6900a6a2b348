/**
 * How many alerts a second the whole local stack takes in: an Alertmanager's deliveries over HTTP to a real Worker, until the
 * last is answered. They are of one group, repeat themselves and come in no order.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startStack, type Stack } from "../dev/stack.ts";
import { goal, short, type Goal } from "./goal.ts";

const ALERTS = 10_000;
const HOSTS = 800;
const CONNECTIONS = 16;
/** A burst like the one that the issue names ends within this. */
const BURST_S = 60;
/** "Well under a second", while everything comes at once. */
const ANSWER_MS = 1_000;
const LAST_COMMAND_MS_MAX = 20_000;
const LAST_COMMAND_POLL_MS = 100;

export type AlertsFigure = {
  readonly alertsPerDelivery: number;
  readonly deliveries: number;
  readonly alerts: number;
  readonly seconds: number;
  readonly answerMs: { readonly p50: number; readonly p95: number; readonly max: number };
};
export type AlertsReport = {
  readonly figures: readonly AlertsFigure[];
  /** About these alerts, after all of it. */
  readonly incidents: number;
};

export async function alerts(): Promise<AlertsReport> {
  await using stack = await startStack();
  const burst = await storm(stack, { alertsPerDelivery: 50, deliveries: ALERTS / 50 });
  const singly = await storm(stack, { alertsPerDelivery: 1, deliveries: ALERTS / 10 });
  return { figures: [burst, singly], incidents: await incidentsIn(stack) };
}

type Shape = Pick<AlertsFigure, "alertsPerDelivery" | "deliveries">;

async function storm(stack: Stack, shape: Shape): Promise<AlertsFigure> {
  const bodies = Array.from({ length: shape.deliveries }, (_, n) =>
    deliveryOf(n, shape.alertsPerDelivery),
  );
  const answersMs: number[] = [];
  const fromMs = performance.now();
  let next = 0;
  const connection = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const askedMs = performance.now();
      const answer = await fetch(`${stack.info.guard}/_firebreak/webhooks/alertmanager`, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${stack.secrets.alertmanagerToken}`,
          "Content-Type": "application/json",
        },
        body,
      });
      await answer.arrayBuffer();
      if (answer.status !== 202) throw new Error(`a delivery was answered ${answer.status}`);
      answersMs.push(performance.now() - askedMs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const seconds = (performance.now() - fromMs) / 1_000;
  const sorted = answersMs.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return {
    ...shape,
    alerts: shape.deliveries * shape.alertsPerDelivery,
    seconds,
    answerMs: { p50: at(0.5), p95: at(0.95), max: at(1) },
  };
}

/** Strides that are prime to the number of hosts and episodes: the same numbers in each run, in no order. */
function deliveryOf(n: number, size: number): string {
  const members = Array.from({ length: size }, (_, index) => {
    const at = (n * size + index) * 7_919;
    const startsAt = new Date(EPOCH_MS + (at % 3) * 60_000);
    const isOver = at % 5 === 0;
    return {
      status: isOver ? "resolved" : "firing",
      labels: { alertname: "DiskFillsUp", instance: `host-${at % HOSTS}`, severity: "warning" },
      annotations: { summary: "A disk fills up" },
      startsAt: startsAt.toISOString(),
      endsAt: isOver ? new Date(startsAt.getTime() + 30_000).toISOString() : "0001-01-01T00:00:00Z",
      fingerprint: `host-${at % HOSTS}`,
    };
  });
  const groupKey = '{}:{alertname="DiskFillsUp"}';
  return JSON.stringify({ version: "4", groupKey, truncatedAlerts: 0, alerts: members });
}

const EPOCH_MS = Date.now() - 3_600_000;

/** Once the desk has delivered what it had to. */
async function incidentsIn({ info }: Stack): Promise<number> {
  const shape = z.object({ items: z.array(z.object({ scope: z.string(), status: z.string() })) });
  const deadlineMs = Date.now() + LAST_COMMAND_MS_MAX;
  for (;;) {
    const answer = await fetch(`${info.guard}/_firebreak/api/v1/incidents?limit=100`, {
      headers: { Authorization: `Bearer ${info.token.viewer}` },
    });
    const { items } = shape.parse(await answer.json());
    const ours = items.filter(({ scope }) => scope.startsWith("alert:alertmanager:"));
    if (ours.length > 0 || Date.now() > deadlineMs) return ours.length;
    await sleep(LAST_COMMAND_POLL_MS);
  }
}

export const alertsGoals = ({ figures, incidents }: AlertsReport): readonly Goal[] => [
  goal({
    what: "incidents that a storm of one group becomes",
    value: incidents,
    unit: "incidents",
    limit: { atMost: 1 },
  }),
  ...figures.flatMap(({ alertsPerDelivery, alerts: count, seconds, answerMs }) => [
    goal({
      what: `alerts accepted a second, ${alertsPerDelivery} in a delivery`,
      value: count / seconds,
      unit: "/s",
      limit: { atLeast: alertsPerDelivery === 1 ? 50 : ALERTS / BURST_S },
    }),
    goal({
      what: `the slowest 5 % of deliveries of ${alertsPerDelivery} are answered`,
      value: answerMs.p95,
      unit: "ms",
      limit: { atMost: ANSWER_MS },
    }),
  ]),
];

export const sayAlerts = ({ figures, incidents }: AlertsReport): string =>
  [
    `Alerts of one group of ${HOSTS} hosts, over ${CONNECTIONS} connections, repeated and in no order: ${incidents} incident(s)`,
    ...figures.map(
      ({ alertsPerDelivery, deliveries, alerts: count, seconds, answerMs }) =>
        `  ${String(count).padStart(6)} alerts, ${alertsPerDelivery} in each of ${deliveries} deliveries: ${short(seconds)} s, ` +
        `${short(count / seconds)} alerts/s, answered in ${short(answerMs.p50)} ms (p95 ${short(answerMs.p95)}, at most ${short(answerMs.max)})`,
    ),
  ].join("\n");
