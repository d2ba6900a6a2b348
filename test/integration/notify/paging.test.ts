/** PagerDuty, Opsgenie and GoAlert against their stand-ins: one alert per incident, that wakes once, and ends with it. */
import { describe, it } from "vitest";
import { z } from "zod";
import { goalert as goalertStandIn } from "../../../dev/vendors/goalert.ts";
import { opsgenie as opsgenieStandIn } from "../../../dev/vendors/opsgenie.ts";
import { pagerduty as pagerdutyStandIn } from "../../../dev/vendors/pagerduty.ts";
import type { Channel, ChannelMessage } from "../../../src/notify/channel.ts";
import { goalert } from "../../../src/notify/channels/goalert.ts";
import { opsgenie } from "../../../src/notify/channels/opsgenie.ts";
import { pagerduty } from "../../../src/notify/channels/pagerduty.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { facing, FAULTS, IMPATIENT_MS } from "./vendor.ts";

const ROUTING_KEY = "R0123456789ABCDEFGHIJKLMNOPQRSTU";
const API_KEY = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

channelContract({
  channel: pagerduty,
  secretFor: (url) => ({ secret: { routing_key: ROUTING_KEY, api: url }, hidden: [ROUTING_KEY] }),
  messageIdOf: ({ body }) => JSON.parse(body).dedup_key,
});
channelContract({
  channel: opsgenie,
  secretFor: (url) => ({ secret: { api_key: API_KEY, api: url }, hidden: [API_KEY] }),
  messageIdOf: ({ body }) => JSON.parse(body).alias,
});

channelContract({
  channel: goalert,
  secretFor: (url) => ({ secret: { token: API_KEY, api: url }, hidden: [API_KEY] }),
  messageIdOf: ({ body }) => JSON.parse(body).dedup,
});

const PAGERS = [
  {
    id: "pagerduty",
    stands: ["triggered", "acknowledged", "resolved"],
    secretWithout: { routing_key: ROUTING_KEY.toLowerCase() },
    face: (over: object = {}) =>
      facing(pagerduty as Channel, pagerdutyStandIn({ routingKey: ROUTING_KEY }), (url) => ({
        routing_key: ROUTING_KEY,
        api: url,
        ...over,
      })),
  },
  {
    id: "opsgenie",
    stands: ["open", "acknowledged", "closed"],
    secretWithout: { api_key: "0000000000-0000000000" },
    face: (over: object = {}) =>
      facing(opsgenie as Channel, opsgenieStandIn({ apiKey: API_KEY }), (url) => ({
        api_key: API_KEY,
        api: `${url}/v2/alerts`,
        ...over,
      })),
  },
] as const;

const alert = z.object({ status: z.string(), pages: z.number() });
const kept = z.object({ alerts: z.array(alert) });
type World = Awaited<ReturnType<(typeof PAGERS)[number]["face"]>>;
const alertsIn = async (world: World) => kept.parse((await world.seen()).state).alerts;
const refOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ value: z.object({ ref: z.string() }) }).parse(await sent).value.ref;

describe.for(PAGERS)("an incident in $id", ({ stands, secretWithout, face }) => {
  const [triggered, acknowledged, ended] = stands;
  const say = (state: ChannelMessage["state"], ref: string | null) => ({
    deliveryId: `dlv_${state}`,
    state,
    ref,
  });

  it("is one alert that wakes once, whatever news there is and however often it comes", async ({
    expect,
  }) => {
    const world = await face();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    const ref = await refOf(world.send({ triedAtMs: 0 }));
    await world.send({ ...say("open", ref), severity: "SEV-2" });
    expect(await alertsIn(world)).toMatchObject([{ status: triggered, pages: 1 }]);
  });

  it("is acknowledged and ended with the incident, and wakes again with it", async ({ expect }) => {
    const world = await face();
    let ref = await refOf(world.send());
    ref = await refOf(world.send(say("acknowledged", ref)));
    expect(await alertsIn(world)).toMatchObject([{ status: acknowledged, pages: 1 }]);
    ref = await refOf(world.send(say("resolved", ref)));
    expect(await alertsIn(world)).toMatchObject([{ status: ended, pages: 1 }]);
    await world.send(say("open", ref));
    expect(await alertsIn(world)).toMatchObject([{ status: triggered, pages: 2 }]);
  });

  it.for([null, "ended"])(
    "wakes whoever was not called yet although somebody acknowledged: ref %j",
    async (ref, { expect }) => {
      const world = await face();
      await world.send(say("acknowledged", ref));
      expect(await alertsIn(world)).toMatchObject([{ status: triggered, pages: 1 }]);
    },
  );

  it("fits, whatever is in it", async ({ expect }) => {
    const world = await face();
    const long = { subject: "🔥é".repeat(80), news: "x".repeat(400), body: "y🔥".repeat(2_600) };
    const ref = await refOf(world.send({ ...long, link: null }));
    expect(await world.send({ ...say("resolved", ref), ...long })).toMatchObject({ ok: true });
  });

  it.for(FAULTS)("says of %s that it is for %s", async ([kind, meant], { expect }) => {
    const world = await face();
    await world.fail({ kind });
    const sent = await world.send({}, IMPATIENT_MS);
    expect(sent).toMatchObject({ ok: false, error: { class: meant } });
  });

  it("is refused with another key, which is not shown", async ({ expect }) => {
    const world = await face(secretWithout);
    const sent = await world.send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    for (const key of Object.values(secretWithout)) expect(JSON.stringify(sent)).not.toContain(key);
  });
});

describe("an incident in goalert", () => {
  const face = (over: object = {}) =>
    facing(goalert as Channel, goalertStandIn({ token: API_KEY }), (url) => ({
      token: API_KEY,
      api: url,
      ...over,
    }));

  it("is one alert that wakes once, ends with it, and wakes again with it", async ({ expect }) => {
    const world = await face();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    await world.send({ triedAtMs: 0 });
    await world.send({ deliveryId: "dlv_2", state: "acknowledged" });
    expect(await alertsIn(world)).toMatchObject([{ status: "triggered", pages: 1 }]);
    await world.send({ deliveryId: "dlv_3", state: "resolved" });
    expect(await alertsIn(world)).toMatchObject([{ status: "closed", pages: 1 }]);
    await world.send({ deliveryId: "dlv_4", state: "resolved" });
    await world.send({ deliveryId: "dlv_5", state: "open" });
    expect(await alertsIn(world)).toMatchObject([{ status: "triggered", pages: 2 }]);
  });

  it("fits, whatever is in it", async ({ expect }) => {
    const world = await face();
    const long = { subject: "🔥é".repeat(80), news: "x".repeat(400), body: "y🔥".repeat(2_600) };
    expect(await world.send(long)).toMatchObject({ ok: true });
  });

  it.for(FAULTS)("says of %s that it is for %s", async ([kind, meant], { expect }) => {
    const world = await face();
    await world.fail({ kind });
    const sent = await world.send({}, IMPATIENT_MS);
    expect(sent).toMatchObject({ ok: false, error: { class: meant } });
  });

  it("is refused with another key, which is not shown", async ({ expect }) => {
    const other = "another-key-of-somebody-else";
    const sent = await (await face({ token: other })).send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(sent)).not.toContain(other);
  });
});

it.for([
  ["SEV-1", "critical", "P1"],
  ["SEV-2", "error", "P2"],
  ["SEV-3", "warning", "P3"],
  ["SEV-4", "info", "P4"],
] as const)("is %s as %s and %s", async ([severity, word, priority], { expect }) => {
  const [pager, genie] = [await PAGERS[0].face(), await PAGERS[1].face()];
  for (const world of [pager, genie]) await world.send({ severity });
  expect((await pager.seen()).state).toMatchObject({
    alerts: [{ dedupKey: MESSAGE.incidentId, severity: word }],
  });
  expect((await genie.seen()).state).toMatchObject({
    alerts: [{ alias: MESSAGE.incidentId, priority }],
  });
});
