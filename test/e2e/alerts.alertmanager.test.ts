/** Debian's Alertmanager pages a real Firebreak: firing, grouped, sent again, resolved, and firing anew are one incident. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { z } from "zod";
import { startAlertmanager, type Alertmanager, type SentAlert } from "../../dev/alertmanager.ts";
import { startStack, type Stack } from "../../dev/stack.ts";
import { eventually } from "./eventually.ts";

let stack: Stack;
let alertmanager: Alertmanager;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "firebreak-alertmanager-"));
  stack = await startStack();
  alertmanager = await startAlertmanager({
    directory,
    webhook: `${stack.info.guard}/_firebreak/webhooks/alertmanager`,
    token: stack.secrets.alertmanagerToken,
  });
});

afterAll(async () => {
  await alertmanager[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const disk = (instance: string, severity = "warning"): SentAlert => ({
  labels: { alertname: "DiskFillsUp", instance, severity },
  annotations: { summary: "A disk fills up" },
});
const over = (alert: SentAlert): SentAlert => ({
  ...alert,
  endsAt: new Date(Date.now() - 1).toISOString(),
});

it("is one incident, from the first alert of the group to its last end and its return", async ({
  expect,
}) => {
  await alertmanager.post([disk("one")]);
  await eventually(async () => (await aboutDisks()).length === 1);
  const [opened] = await aboutDisks();
  expect(opened).toMatchObject({
    title: "A disk fills up",
    severity: "SEV-3",
    scope: expect.stringMatching(/^alert:alertmanager:group:[0-9a-f]{26}$/),
  });

  // Another joins its group, and the group is sent again while it fires.
  await alertmanager.post([disk("one"), disk("two")]);
  await eventually(async () => (await firing()) === 2);
  const { sent } = await alertmanager.notifications();
  await eventually(async () => (await alertmanager.notifications()).sent >= sent + 2);
  expect(await aboutDisks()).toMatchObject([{ id: opened?.id, severity: "SEV-3" }]);

  // One ends: the group goes on. The last ends: so does the incident.
  await alertmanager.post([over(disk("one"))]);
  await eventually(async () => (await firing()) === 1);
  expect((await aboutDisks())[0]?.status).not.toBe("resolved");
  await alertmanager.post([over(disk("two"))]);
  await eventually(async () => (await aboutDisks())[0]?.status === "resolved");

  // It fires anew, soon after: the same incident again.
  await alertmanager.post([disk("two")]);
  await eventually(async () => (await aboutDisks())[0]?.status !== "resolved");
  expect(await aboutDisks()).toMatchObject([{ id: opened?.id }]);

  const { failed } = await alertmanager.notifications();
  expect(failed).toBe(0);
});

it("a critical one is the business of the playbook that watches for it", async ({ expect }) => {
  await alertmanager.post([
    { labels: { alertname: "CheckoutDown", severity: "critical" }, annotations: {} },
  ]);
  await eventually(async () => (await signal("alerts.critical_count")) === 1);
  expect((await incidents()).filter(({ title }) => title === "CheckoutDown")).toEqual([]);
});

const incident = z.object({
  id: z.string(),
  scope: z.string(),
  title: z.string(),
  severity: z.string(),
  status: z.string(),
});

const incidents = async () =>
  z.object({ items: z.array(incident) }).parse(await api("incidents?limit=100")).items;
const aboutDisks = async () =>
  (await incidents()).filter(({ scope }) => scope.startsWith("alert:alertmanager:"));

const firing = () => signal("alerts.firing_count");

/** Asks for a tick, and what the monitor then knows; undefined while it knows nothing. */
async function signal(name: string): Promise<unknown> {
  await stack.deliverCron();
  return z.looseObject({ value: z.unknown().optional() }).parse(await api(`signals/${name}`)).value;
}

async function api(path: string): Promise<unknown> {
  const response = await fetch(`${stack.info.guard}/_firebreak/api/v1/${path}`, {
    headers: { Authorization: `Bearer ${stack.info.token.viewer}` },
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}
