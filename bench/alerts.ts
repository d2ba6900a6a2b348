/**
 * How many alerts a second the whole local stack takes in: an Alertmanager's deliveries over HTTP to a real Worker, until the last is
 * answered; what became of each of them, and how much memory it took.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BUNDLED_MAX } from "../src/alerts/bundled.ts";
import { INBOX_MAX } from "../src/alerts/inbox.ts";
import { startStack, type Stack } from "../dev/stack.ts";
import {
  accountOf,
  BURST,
  deliver,
  endOf,
  firingOf,
  told,
  type Storm,
  type StormTarget,
} from "../test/support/alert-storm.ts";
import { goal, short, type Goal } from "./goal.ts";

const CONNECTIONS_SAID = "16 connections";
/** As monitors send that know no groups: still more than the inbox keeps whole. */
const SINGLY: Storm = { hosts: 1_200, alerts: 2_000 };
/** A burst like the one that the issue names ends within this. */
const BURST_S = 60;
/** "Well under a second", while everything comes at once. */
const ANSWER_MS = 1_000;
const LAST_COMMAND_MS_MAX = 20_000;
const LAST_COMMAND_POLL_MS = 100;
const MIB = 1_024 * 1_024;

export type AlertsFigure = {
  readonly alertsPerDelivery: number;
  readonly deliveries: number;
  readonly alerts: number;
  readonly hosts: number;
  readonly seconds: number;
  readonly answerMs: { readonly p50: number; readonly p95: number; readonly max: number };
  /** Deliveries that were told to come again, and did. */
  readonly refused: number;
  /** Different alerts that the inbox does not account for, by whether they fire. */
  readonly lost: number;
  /** Kept whole; the others are counted. */
  readonly whole: number;
  readonly bundled: number;
  readonly incidents: number;
};
export type AlertsReport = {
  readonly figures: readonly AlertsFigure[];
  /** By how much all of the stack's workerd grew, from its start to the end of the last storm. */
  readonly grownMib: number;
};

export async function alerts(): Promise<AlertsReport> {
  await using stack = await startStack();
  const beforeMib = workerdMib();
  const burst = await stormOf(stack, "InHandfuls", { ...BURST, inOne: 50 });
  const singly = await stormOf(stack, "OneByOne", { ...SINGLY, inOne: 1 });
  return { figures: [burst, singly], grownMib: workerdMib() - beforeMib };
}

async function stormOf(
  { info, secrets }: Stack,
  name: string,
  storm: Storm & { readonly inOne: number },
): Promise<AlertsFigure> {
  const { guard, token } = info;
  const target = { guard, token: secrets.alertmanagerToken, viewer: token.viewer, name };
  const { hosts, alerts: count, inOne } = storm;
  const { deliveries, seconds, refused, answersMs } = await deliver(target, told(storm), inOne);
  const account = await settled(target);
  // What the storm before left behind has ended, and makes room.
  await deliver(
    target,
    Array.from({ length: hosts }, (_, host) => endOf(host)),
    50,
  );
  const sorted = answersMs.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return {
    alertsPerDelivery: inOne,
    deliveries,
    alerts: count,
    hosts,
    seconds,
    answerMs: { p50: at(0.5), p95: at(0.95), max: at(1) },
    refused,
    lost:
      Math.abs(firingOf(storm) - account.firing) +
      Math.abs(hosts - firingOf(storm) - account.resolved),
    whole: account.whole.length,
    bundled: account.firing + account.resolved - account.whole.length,
    incidents: account.incidents.length,
  };
}

/** Once the desk has delivered what it had to. */
async function settled(target: StormTarget) {
  const deadlineMs = Date.now() + LAST_COMMAND_MS_MAX;
  for (;;) {
    const account = await accountOf(target);
    if (account.incidents.length > 0 || Date.now() > deadlineMs) return account;
    await sleep(LAST_COMMAND_POLL_MS);
  }
}

/** Resident, of the workerd processes that this process started. */
function workerdMib(): number {
  const bytes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => statusOf(pid))
    .filter(({ name, parent }) => name === "workerd" && parent === process.pid)
    .reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  return bytes / MIB;
}

function statusOf(pid: string) {
  let text = "";
  try {
    text = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    // It ended meanwhile.
  }
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
  return {
    name: field("Name"),
    parent: Number(field("PPid")),
    residentBytes: Number(field("VmRSS")) * 1_024,
  };
}

export const alertsGoals = ({ figures }: AlertsReport): readonly Goal[] =>
  figures.flatMap(({ alertsPerDelivery, alerts: count, seconds, answerMs, ...figure }) => {
    const of = `${alertsPerDelivery} in a delivery`;
    return [
      goal({
        what: `incidents that a storm of one group becomes, ${of}`,
        value: figure.incidents,
        unit: "incidents",
        limit: { atMost: 1 },
      }),
      goal({
        what: `incidents that a storm of one group becomes at least, ${of}`,
        value: figure.incidents,
        unit: "incidents",
        limit: { atLeast: 1 },
      }),
      goal({
        what: `of ${figure.hosts} different alerts, not accounted for, ${of}`,
        value: figure.lost,
        unit: "alerts",
        limit: { atMost: 0 },
      }),
      goal({
        what: `kept whole, ${of}`,
        value: figure.whole,
        unit: "alerts",
        limit: { atMost: INBOX_MAX },
      }),
      goal({
        what: `counted beyond those, ${of}`,
        value: figure.bundled,
        unit: "alerts",
        limit: { atMost: BUNDLED_MAX },
      }),
      goal({
        what: `alerts accepted a second, ${of}`,
        value: count / seconds,
        unit: "/s",
        limit: { atLeast: alertsPerDelivery === 1 ? 50 : count / BURST_S },
      }),
      goal({
        what: `the slowest 5 % of deliveries are answered, ${of}`,
        value: answerMs.p95,
        unit: "ms",
        limit: { atMost: ANSWER_MS },
      }),
    ];
  });

export const sayAlerts = ({ figures, grownMib }: AlertsReport): string =>
  [
    `Alerts of one group, over ${CONNECTIONS_SAID}, repeated and in no order:`,
    ...figures.map(
      ({ alertsPerDelivery, deliveries, alerts: count, seconds, answerMs, ...figure }) =>
        `  ${String(count).padStart(6)} alerts of ${figure.hosts} hosts, ${alertsPerDelivery} in each of ${deliveries} deliveries: ${short(seconds)} s, ` +
        `${short(count / seconds)} alerts/s, answered in ${short(answerMs.p50)} ms (p95 ${short(answerMs.p95)}, at most ${short(answerMs.max)}); ` +
        `${figure.incidents} incident(s), ${figure.lost} lost, ${figure.whole} kept whole and ${figure.bundled} counted, ${figure.refused} told to come again`,
    ),
    `  all of the stack's workerd grew by ${short(grownMib)} MiB of resident memory, its start included`,
  ].join("\n");
