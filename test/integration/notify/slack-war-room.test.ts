/** The channel that an incident gets in Slack, against the stand-in: one, found again, and never in the way of the page. */
import { describe, it } from "vitest";
import { z } from "zod";
import { slack as standIn } from "../../../dev/vendors/slack.ts";
import { slack } from "../../../src/notify/channels/slack.ts";
import { MESSAGE } from "../../contract/channel.ts";
import { facing } from "./vendor.ts";

const TOKEN = "xoxb-0123456789-of-the-test";
const CHANNEL = "C0123456789";
const INVITED = ["U0000000ADA", "U0000000BOB"];

const bot = (words: object | null = { invite: INVITED }) =>
  facing(slack, standIn({ token: TOKEN, channel: CHANNEL, webhook: "T0/B0/x" }), (url) => ({
    token: TOKEN,
    channel: CHANNEL,
    api: `${url}/api`,
    ...(words === null ? {} : { war_room: words }),
  }));
type World = Awaited<ReturnType<typeof bot>>;

const message = z.object({
  ts: z.string(),
  thread_ts: z.string().optional(),
  text: z.string(),
  blocks: z.array(z.unknown()),
});
const kept = z.object({
  messages: z.array(message),
  rooms: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      topic: z.string(),
      members: z.array(z.string()),
      messages: z.array(message),
    }),
  ),
});
const stateOf = async (world: World) => kept.parse((await world.seen()).state);
const refOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ ok: z.literal(true), value: z.object({ ref: z.string() }) }).parse(await sent).value
    .ref;
const NEXT = {
  deliveryId: `dlv_${"2".repeat(26)}`,
  subject: "SEV-1 mitigated: Complete service outage (Shop)",
  news: "maintenance-mode is in force.",
  body: "Status: Mitigating",
};

describe("a SEV-1 in Slack", () => {
  it("gets a channel that says what it is, with who should be there", async ({ expect }) => {
    const world = await bot();
    await world.send();
    const { messages, rooms } = await stateOf(world);
    expect(rooms).toMatchObject([
      {
        name: expect.stringMatching(/^inc-2024-11-24-[0-9a-z]{10}$/),
        topic: `${MESSAGE.link} SEV-1: ${MESSAGE.title}`,
        members: INVITED,
        messages: [{ text: MESSAGE.subject }],
      },
    ]);
    expect(messages).toHaveLength(1);
    expect(JSON.stringify(messages[0]?.blocks)).toContain(`<#${rooms[0]?.id}>`);
  });

  it("has its news there, and the message in the other channel is kept current", async ({
    expect,
  }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
    const { messages, rooms } = await stateOf(world);
    const [first, news, ...more] = rooms[0]?.messages ?? [];
    expect(more).toEqual([]);
    expect(first?.text).toBe(NEXT.subject);
    expect(news?.text).toContain(NEXT.news);
    expect(messages).toMatchObject([{ text: NEXT.subject }]);
    expect(JSON.stringify(messages[0]?.blocks)).toContain(`<#${rooms[0]?.id}>`);
  });

  it("has one channel, whichever answer is lost, and nothing there twice", async ({ expect }) => {
    const undisturbed = await bot();
    await undisturbed.send();
    const writes = (await undisturbed.seen()).calls.filter(({ method }) => method === "POST");
    expect(writes).toHaveLength(6);
    for (let lost = 0; lost < writes.length; lost += 1) {
      const world = await bot();
      // Others have channels too: it is not on the first page.
      await fill(world);
      await world.fail({ kind: "duplicate", method: "POST", every: lost + 1 });
      const sent = await world.send();
      const ref = sent.ok ? await refOf(Promise.resolve(sent)) : null;
      const next = await refOf(world.send({ ref, triedAtMs: 0 }));
      expect(next, `${lost}`).toMatch(/^[\d.]+:C9\d{8}:[\d.]+$/);
      await world.send({ ...NEXT, ref: next });
      const { messages, rooms } = await stateOf(world);
      const mine = rooms.filter(({ name }) => name.startsWith("inc-"));
      expect(mine, `${lost}`).toHaveLength(1);
      expect(mine[0]?.messages, `${lost}`).toHaveLength(2);
      expect(
        messages.filter(({ thread_ts: of }) => of === undefined),
        `${lost}`,
      ).toHaveLength(1);
    }
  });

  it("wakes people although the channel cannot be made now, and gets it with the next news", async ({
    expect,
  }) => {
    const world = await bot();
    await world.fail({ kind: "429", method: "POST", every: 2 });
    const ref = await refOf(world.send());
    expect((await stateOf(world)).rooms).toEqual([]);
    await world.send({ ...NEXT, ref });
    const { messages, rooms } = await stateOf(world);
    expect(rooms).toHaveLength(1);
    // What was new was said where people were.
    expect(messages[1]).toMatchObject({ thread_ts: ref });
  });

  it("is talked of in the thread again when people archived the channel", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    const [room] = (await stateOf(world)).rooms;
    await world.set({ archived: [room?.id] });
    expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
    const { messages } = await stateOf(world);
    expect(messages[1]).toMatchObject({ thread_ts: ref.split(":")[0] });
  });

  it("has no channel where the site wants none, nor when it wakes nobody", async ({ expect }) => {
    const [none, small] = [await bot(null), await bot()];
    await none.send();
    await small.send({ severity: "SEV-3" });
    await small.send({ ...NEXT, state: "resolved" });
    for (const world of [none, small]) expect((await stateOf(world)).rooms).toEqual([]);
  });
});

async function fill(world: World): Promise<void> {
  for (const name of ["general", "random", "shop", "jobs"]) {
    await fetch(`${world.url}/api/conversations.create`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ name }),
    });
  }
}
