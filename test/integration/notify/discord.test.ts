/** Discord's channel against the stand-in: one message kept current, one reply per piece of news, and nothing twice. */
import { describe, it } from "vitest";
import { z } from "zod";
import { discord as standIn } from "../../../dev/vendors/discord.ts";
import type { Channel } from "../../../src/notify/channel.ts";
import { discord } from "../../../src/notify/channels/discord.ts";
import { readPressed, type Button } from "../../../src/notify/buttons.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { facing, FAULTS, IMPATIENT_MS, PEOPLE } from "./vendor.ts";

const TOKEN = `MTE5.${"t0ken-of_the.test".repeat(4)}`;
const CHANNEL = "1100000000000000001";
const PUBLIC_KEY = "ab".repeat(32);

channelContract({
  channel: discord,
  secretFor: (url) => ({
    secret: { token: TOKEN, channel: CHANNEL, api: url },
    hidden: [TOKEN, CHANNEL],
  }),
  messageIdOf: ({ body }) => JSON.parse(body).nonce,
  accepted: [{ status: 200, body: '{"id":"1100000000000000002"}' }],
});

const bot = (over: object = {}) =>
  facing(discord as Channel, standIn({ token: TOKEN, channel: CHANNEL }), (url) => ({
    token: TOKEN,
    channel: CHANNEL,
    api: `${url}/api/v10`,
    ...over,
  }));

const component = z.looseObject({ label: z.string(), custom_id: z.string().optional() });
const kept = z.object({
  messages: z.array(
    z.looseObject({
      id: z.string(),
      content: z.string(),
      embeds: z.array(z.object({ description: z.string() })).optional(),
      components: z.array(z.looseObject({ components: z.array(component) })).optional(),
      message_reference: z.looseObject({ message_id: z.string() }).optional(),
    }),
  ),
});
type World = Awaited<ReturnType<typeof bot>>;
const messagesIn = async (world: World) => kept.parse((await world.seen()).state).messages;
const refOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ value: z.object({ ref: z.string() }) }).parse(await sent).value.ref;

const NEXT = {
  deliveryId: `dlv_${"2".repeat(26)}`,
  subject: "SEV-1 mitigated: Complete service outage (Shop)",
  news: "maintenance-mode is in force.",
  body: "Status: Mitigating",
};
const BUTTONS: readonly Button[] = Array.from({ length: 11 }, (_, n) => ({
  deed: "revert" as const,
  mitigation: `lse_${n.toString(16).padStart(26, "0")}`,
  label: `Revert ${"x".repeat(90)}`,
  warning: "At once.",
}));

describe("who is asked in Discord", () => {
  const [ada, grace] = PEOPLE;
  const sent = async (world: World) =>
    (await world.seen()).calls.map(({ method, body }) => {
      const { content, allowed_mentions: allowed } = z
        .looseObject({ content: z.string(), allowed_mentions: z.unknown() })
        .parse(JSON.parse(body));
      return { method, called: content.match(/^(?:<@\d+> )*/)?.[0].trim() ?? "", allowed };
    });

  it("is called, and nobody else whatever a text says; an edit calls nobody", async ({
    expect,
  }) => {
    const world = await bot();
    const news = `Ask <@${grace.discord}>, @everyone.`;
    const ref = await refOf(world.send({ people: ["ada", "bob"], subject: news, news }));
    await refOf(world.send({ ...NEXT, news, people: ["ada", "grace"], ref }));
    await refOf(world.send({ ...NEXT, deliveryId: `dlv_${"3".repeat(26)}`, news, ref }));
    const nobody = { parse: [] };
    expect(await sent(world)).toEqual([
      { method: "POST", called: `<@${ada.discord}>`, allowed: { parse: [], users: [ada.discord] } },
      { method: "PATCH", called: "", allowed: nobody },
      {
        method: "POST",
        called: `<@${ada.discord}> <@${grace.discord}>`,
        allowed: { parse: [], users: [ada.discord, grace.discord] },
      },
      { method: "PATCH", called: "", allowed: nobody },
      { method: "POST", called: "", allowed: nobody },
    ]);
  });
});

describe("an incident in a Discord channel", () => {
  it("is one message, kept current, and a reply for each piece of news", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
    const [root, reply, ...more] = await messagesIn(world);
    expect(more).toEqual([]);
    expect(root).toMatchObject({ id: ref, content: NEXT.subject });
    expect(root?.embeds?.[0]?.description).toContain("Status: Mitigating");
    expect(reply).toMatchObject({ message_reference: { message_id: ref } });
    expect(reply?.content).toContain(NEXT.news);
  });

  it("is not there twice when answers were lost", async ({ expect }) => {
    const world = await bot();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    const ref = await refOf(world.send({ triedAtMs: 0 }));
    await world.fail({ kind: "duplicate", method: "POST" });
    expect(await world.send({ ...NEXT, ref })).toMatchObject({ ok: false });
    await world.send({ ...NEXT, ref, triedAtMs: 0 });
    expect(await messagesIn(world)).toHaveLength(2);
  });

  it("is made anew when somebody deleted it", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    await world.set({ keep: [] });
    const again = await refOf(world.send({ ...NEXT, ref }));
    expect(again).not.toBe(ref);
    expect((await messagesIn(world)).map(({ id }) => id)).toEqual([again]);
  });

  it("shows buttons that it reads, where they are heard, as many as fit", async ({ expect }) => {
    const [heard, deaf] = [await bot({ public_key: PUBLIC_KEY }), await bot()];
    for (const world of [heard, deaf]) await world.send({ buttons: BUTTONS });
    const rows = (await messagesIn(heard))[0]?.components ?? [];
    const pressed = rows.flatMap(({ components }) =>
      components.flatMap(({ custom_id: id }) => (id === undefined ? [] : [readPressed(id)])),
    );
    const { incidentId, deliveryId } = MESSAGE;
    expect(pressed).toEqual(
      BUTTONS.map(({ deed, mitigation }) => ({ deed, mitigation, incidentId, deliveryId })),
    );
    expect(JSON.stringify(await messagesIn(deaf))).not.toContain("Revert");
  });

  it("fits, and no text from outside links, mentions or leaves its block", async ({ expect }) => {
    const world = await bot();
    const evil = "[pay](https://evil.test) @everyone ```";
    const subject = `${evil}${"é🔥".repeat(1_000)}`;
    const ref = await refOf(world.send({ subject, body: evil.repeat(300) }));
    expect(await world.send({ ...NEXT, ref, subject, news: evil })).toMatchObject({ ok: true });
    const [root] = await messagesIn(world);
    const [first] = (await messagesIn(world)).slice(1);
    expect(first?.content).toContain(String.raw`\[pay\]`);
    expect(root?.embeds?.[0]?.description.split("```")).toHaveLength(3);
  });

  it.for(FAULTS)("failing with %s is for %s", async ([kind, meant], { expect }) => {
    const world = await bot();
    await world.fail({ kind });
    const sent = await world.send({}, IMPATIENT_MS);
    expect(sent).toMatchObject({ ok: false, error: { class: meant } });
  });

  it("has an answer that nobody understands, of which the outcome is unknown", async ({
    expect,
  }) => {
    const world = await bot();
    await world.fail({ kind: "garbage" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "unknown_outcome" } });
  });
});
