/** A burst of ten thousand alerts over HTTP to the real Worker: one incident, and each alert is accounted for until the last has ended. */
import { afterAll, beforeAll, it } from "vitest";
import { INBOX_MAX } from "../../src/alerts/inbox.ts";
import { startStack, type Stack } from "../../dev/stack.ts";
import {
  accountOf,
  BURST,
  deliver,
  endOf,
  firingOf,
  told,
  type StormTarget,
} from "../support/alert-storm.ts";
import { eventually } from "./eventually.ts";

const IN_A_DELIVERY = 50;
const { hosts: HOSTS, alerts: ALERTS } = BURST;
const FIRING = firingOf(BURST);

let stack: Stack;
let target: StormTarget;

beforeAll(async () => {
  stack = await startStack();
  target = {
    guard: stack.info.guard,
    token: stack.secrets.alertmanagerToken,
    viewer: stack.info.token.viewer,
    name: "DiskFillsUp",
  };
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

it(`${ALERTS} alerts of ${HOSTS} hosts are one incident, and none is lost`, async ({ expect }) => {
  const delivered = await deliver(target, told(BURST), IN_A_DELIVERY);
  expect(delivered.answersMs).toHaveLength(delivered.deliveries);
  await eventually(async () => (await accountOf(target)).incidents.length > 0);
  const account = await accountOf(target);
  expect(account.incidents).toHaveLength(1);
  expect(account).toMatchObject({ firing: FIRING, resolved: HOSTS - FIRING, dropped: 0 });
  expect(account.whole.length).toBeLessThanOrEqual(INBOX_MAX);
  expect(new Set(account.whole).size).toBe(account.whole.length);

  // Whoever is known only as one of many counts as well: while a single one of them fires, it is not over.
  const whole = new Set(account.whole);
  const hosts = Array.from({ length: HOSTS }, (_, host) => host);
  const last = hosts.find((host) => host % 5 !== 0 && !whole.has(host));
  if (last === undefined) throw new Error("none is bundled");
  const ends = hosts.filter((host) => host !== last).map(endOf);
  await deliver(target, ends, IN_A_DELIVERY);
  expect(await accountOf(target)).toMatchObject({ firing: 1, resolved: HOSTS - 1, dropped: 0 });
  expect((await accountOf(target)).incidents[0]?.status).not.toBe("resolved");
  await deliver(target, [endOf(last)], 1);
  await eventually(async () => (await accountOf(target)).incidents[0]?.status === "resolved");
  expect((await accountOf(target)).incidents).toHaveLength(1);
});
