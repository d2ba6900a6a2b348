/** Slack's channels against the stand-in: one message kept current, one reply per piece of news, and nothing twice. */
import { describe, it } from "vitest";
import { z } from "zod";
import { slack as standIn } from "../../../dev/vendors/slack.ts";
import { slack } from "../../../src/notify/channels/slack.ts";
import { slackWebhook } from "../../../src/notify/channels/slack-webhook.ts";
import { readPressed, writePressed, type Button } from "../../../src/notify/buttons.ts";
import { FOLLOW_DEADLINE_MS, type Outcome } from "../../../src/notify/chat.ts";
import { slackChat } from "../../../src/notify/chats/slack.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { facing, FAULTS, IMPATIENT_MS } from "./vendor.ts";

const TOKEN = "xoxb-0123456789-of-the-test";
const CHANNEL = "C0123456789";
const HOOK = "T0123/B0123/h00kt0ken";

channelContract({
  channel: slack,
  secretFor: (url) => ({
    secret: { token: TOKEN, channel: CHANNEL, api: url },
    hidden: [TOKEN, CHANNEL],
  }),
  messageIdOf: ({ body }) => JSON.parse(body).metadata.event_payload.delivery,
  accepted: [{ status: 200, body: '{"ok":true,"ts":"1795442531.000100"}' }],
});
channelContract({
  channel: slackWebhook,
  secretFor: (url) => ({ secret: { url: `${url}/services/${HOOK}` }, hidden: ["h00kt0ken"] }),
  messageIdOf: ({ body }) => body,
});

const account = () => standIn({ token: TOKEN, channel: CHANNEL, webhook: HOOK });
const bot = (over: object = {}) =>
  facing(slack, account(), (url) => ({
    token: TOKEN,
    channel: CHANNEL,
    api: `${url}/api`,
    ...over,
  }));

const kept = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      thread_ts: z.string().optional(),
      text: z.string(),
      blocks: z.array(z.unknown()),
    }),
  ),
});
type World = Awaited<ReturnType<typeof bot>>;
const messagesIn = async (world: World) => kept.parse((await world.seen()).state).messages;
/** Sends, and gives the receipt's ref to whatever comes next. */
async function refOf(sent: ReturnType<World["send"]>): Promise<string> {
  const result = await sent;
  return z.object({ ok: z.literal(true), value: z.object({ ref: z.string() }) }).parse(result).value
    .ref;
}

const NEXT = {
  deliveryId: "dlv_next",
  message: "mitigated:lse_1",
  subject: "SEV-1 mitigated: Complete service outage (Shop)",
  news: "maintenance-mode is in force.",
  body: "SEV-1 Incident: Complete service outage\nStatus: Mitigating",
};

const SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const BUTTONS: readonly Button[] = [
  { deed: "acknowledge", mitigation: null, label: "Acknowledge", warning: null },
  { deed: "revert", mitigation: `lse_${"a".repeat(26)}`, label: "Revert it", warning: "At once." },
];

describe("who is called", () => {
  const called = async (over: object, message: object = {}) => {
    const world = await bot(over);
    const ref = await refOf(world.send(message));
    await refOf(world.send({ ...NEXT, ...message, message: NEXT.message, ref }));
    return (await messagesIn(world)).map((one) => JSON.stringify(one).match(/<![a-z]+>/g));
  };

  it("is the whole channel, by the first message alone, where the site wants that", async ({
    expect,
  }) => {
    // The first is brought up to date by the second, which calls nobody again.
    const world = await bot({ call: "channel" });
    await refOf(world.send({}));
    expect(JSON.stringify(await messagesIn(world))).toContain("<!channel>");
    expect(await called({ call: "here" })).toEqual([null, null]);
  });

  it.for([
    ["where nobody asked for it", {}, {}],
    ["for a SEV-3", { call: "channel" }, { severity: "SEV-3" }],
    [
      "in a drill",
      { call: "channel" },
      { subject: "Drill: SEV-1: Complete service outage (Shop)" },
    ],
    ["because a text says so", {}, { subject: "<!channel> SEV-1" }],
  ] as const)("is nobody %s", async ([, over, message], { expect }) => {
    const world = await bot(over);
    await refOf(world.send(message));
    // Plain text calls nobody, whatever it says.
    const read = (await messagesIn(world)).map(({ text, blocks }) => ({
      text,
      blocks: blocks.filter((block) => !JSON.stringify(block).includes("plain_text")),
    }));
    expect(read).toHaveLength(1);
    expect(JSON.stringify(read)).not.toContain("<!");
  });
});

describe("who is asked", () => {
  const people = ["ada", "bob", "grace", "gone"];
  const MENTION = /<@(\w+)>/g;
  const calledIn = (text: string): readonly string[] =>
    [...text.matchAll(MENTION)].map(([, id = ""]) => id);

  it("is called by their names there, in what is said anew and nowhere else", async ({
    expect,
  }) => {
    const world = await bot();
    const ref = await refOf(world.send({ people, news: "Ask <@U0000000EVE>." }));
    const [opened] = await messagesIn(world);
    expect(new Set(calledIn(JSON.stringify(opened)))).toEqual(
      new Set(["U0000000ADA", "U000000GRACE"]),
    );
    const news = "x".repeat(9_000);
    await refOf(world.send({ ...NEXT, people: ["grace"], news, ref }));
    const [root, reply] = await messagesIn(world);
    // An edit would call nobody again, and does not look as if it did.
    expect(calledIn(JSON.stringify(root))).toEqual([]);
    expect(reply?.text).toMatch(/^<@U000000GRACE> SEV-1 mitigated/);
    expect(calledIn(JSON.stringify(reply?.blocks))).toEqual(["U000000GRACE"]);
  });

  it("is nobody where nobody in particular is asked", async ({ expect }) => {
    const world = await bot();
    await refOf(world.send());
    expect(JSON.stringify(await messagesIn(world))).not.toMatch(MENTION);
  });

  it("is called by an incoming webhook, too", async ({ expect }) => {
    const world = await facing(slackWebhook, account(), (url) => ({
      url: `${url}/services/${HOOK}`,
    }));
    await world.send({ people });
    const [message] = await messagesIn(world);
    expect(calledIn(JSON.stringify(message))).toEqual(["U0000000ADA", "U000000GRACE"]);
  });
});

describe("the buttons of a message in Slack", () => {
  it("are what the chat reads when they are pressed", async ({ expect }) => {
    const world = await bot({ signing_secret: SIGNING_SECRET });
    await refOf(world.send({ buttons: BUTTONS }));
    const [root] = await messagesIn(world);
    const row = z
      .looseObject({ elements: z.array(z.looseObject({ value: z.string().optional() })) })
      .parse(root?.blocks.at(-1));
    const read = row.elements.map(({ value }) => readPressed(value ?? ""));
    const { incidentId, deliveryId } = MESSAGE;
    const [acknowledge, revert] = BUTTONS;
    expect(read).toEqual([
      { deed: acknowledge?.deed, mitigation: null, incidentId, deliveryId },
      { deed: revert?.deed, mitigation: revert?.mitigation, incidentId, deliveryId },
      null,
    ]);
    expect(row.elements[1]).toHaveProperty("confirm.text.text", "At once.");
  });

  it("are not there where nobody would hear them", async ({ expect }) => {
    const world = await bot();
    await refOf(world.send({ buttons: BUTTONS }));
    expect(JSON.stringify(await messagesIn(world))).not.toContain("Acknowledge");
  });

  it("are answered to whoever pressed, and to nobody else", async ({ expect }) => {
    const world = await bot();
    await follow(world, { kind: "said", text: "Nothing <was> done." });
    const { state } = await world.seen();
    expect(state).toMatchObject({
      messages: [],
      whispers: [{ channel: CHANNEL, user: "U0123ABCD", text: "Nothing &lt;was&gt; done." }],
    });
  });

  it("ask whoever pressed for a reason, once for each press; else they are told how", async ({
    expect,
  }) => {
    const world = await bot();
    const asks = {
      kind: "asks",
      pressed: PRESSED,
      question: `still firing: ${"<rule>&".repeat(400)}`,
      text: "Nothing was done.",
    } as const;
    await follow(world, asks, "12345.98765.abcd2358fdea");
    await follow(world, asks, "12345.98765.abcd2358fdea");
    await follow(world, asks, "no trigger of Slack's");
    await follow(world, asks);
    expect((await world.seen()).state).toMatchObject({
      views: [{ callback_id: "firebreak_why", private_metadata: writePressed(PRESSED) }],
      whispers: Array.from({ length: 3 }, () => ({ text: "Nothing was done." })),
    });
  });

  it("are answered in time, or not at all", async ({ expect }) => {
    const world = await bot();
    await world.fail({ kind: "timeout" });
    const begunAtMs = Date.now();
    await follow(world, { kind: "said", text: "Acknowledged." }, null, IMPATIENT_MS);
    expect(Date.now() - begunAtMs).toBeLessThan(10 * IMPATIENT_MS);
    expect((await world.seen()).state).toMatchObject({ whispers: [] });
  });

  const PRESSED = {
    deed: "resolve",
    mitigation: null,
    incidentId: MESSAGE.incidentId,
    deliveryId: MESSAGE.deliveryId,
  } as const;
  const follow = (
    { url }: World,
    outcome: Outcome,
    trigger: string | null = null,
    deadlineMs = FOLLOW_DEADLINE_MS,
  ) => {
    const secret = { token: TOKEN, channel: CHANNEL, api: `${url}/api` };
    const press = { member: "U0123ABCD", room: null, pressed: PRESSED, why: null, trigger };
    const reach = {
      fetch: (to: string, init: RequestInit) => fetch(to, init),
      atMs: Date.now(),
      deadlineMs,
    };
    return slackChat.follow?.(outcome, press, [secret], reach);
  };
});

describe("an incident in a Slack channel", () => {
  it("is one message, kept current, and a reply for each piece of news", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
    const [root, reply, ...more] = await messagesIn(world);
    expect(more).toEqual([]);
    expect(root).toMatchObject({ ts: ref, text: NEXT.subject });
    expect(JSON.stringify(root?.blocks)).toContain("Status: Mitigating");
    expect(JSON.stringify(root?.blocks)).toContain(MESSAGE.link);
    expect(reply).toMatchObject({ thread_ts: ref });
    expect(JSON.stringify(reply?.blocks)).toContain(NEXT.news);
  });

  it("is not opened twice when the answer to its first message was lost", async ({ expect }) => {
    const world = await bot();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    const ref = await refOf(world.send({ triedAtMs: 0 }));
    expect((await messagesIn(world)).map(({ ts }) => ts)).toEqual([ref]);
  });

  it("finds its message by what came after a first message that nobody heard of", async ({
    expect,
  }) => {
    const world = await bot();
    await world.fail({ kind: "duplicate" });
    await world.send();
    const ref = await refOf(world.send({ ...NEXT, triedAtMs: 0 }));
    expect((await messagesIn(world)).map(({ thread_ts: thread }) => thread)).toEqual([
      undefined,
      ref,
    ]);
  });

  it("replies once when the answer to the reply was lost", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    await world.send({ ...NEXT, ref });
    expect(await refOf(world.send({ ...NEXT, ref, triedAtMs: 0 }))).toBe(ref);
    expect(await messagesIn(world)).toHaveLength(2);
  });

  it("gets a new message when somebody deleted the old one", async ({ expect }) => {
    const world = await bot();
    const ref = await refOf(world.send());
    await world.set({ keep: [] });
    const anew = await refOf(world.send({ ...NEXT, ref }));
    expect(anew).not.toBe(ref);
    expect((await messagesIn(world)).map(({ ts }) => ts)).toEqual([anew]);
  });

  it("keeps to Block Kit's limits, whatever is in it", async ({ expect }) => {
    const world = await bot();
    const long = { subject: "🔥<&>".repeat(100), body: `${"<@U1>&".repeat(900)}\n\n`.repeat(60) };
    const ref = await refOf(world.send(long));
    expect(await refOf(world.send({ ...NEXT, ...long, news: "<!channel>".repeat(900), ref }))).toBe(
      ref,
    );
    expect(JSON.stringify(await messagesIn(world))).not.toMatch(/<[@!]/);
  });

  it.for([...FAULTS, ["garbage", "unknown_outcome"]] as const)(
    "says of %s that it is for %s",
    async ([kind, meant], { expect }) => {
      const world = await bot();
      await world.fail({ kind });
      expect(await world.send({}, IMPATIENT_MS)).toMatchObject({
        ok: false,
        error: { class: meant },
      });
    },
  );

  it.for([
    [{ token: "xoxb-another-bot-entirely" }, "Slack answered invalid_auth"],
    [{ channel: "C9999999999" }, "Slack answered channel_not_found"],
  ] as const)("repeats Slack's word for why not: %j", async ([over, detail], { expect }) => {
    const world = await bot(over);
    expect(await world.send()).toEqual({ ok: false, error: expect.objectContaining({ detail }) });
  });
});

describe("an incoming webhook of Slack", () => {
  const hook = (path = HOOK) =>
    facing(slackWebhook, account(), (url) => ({ url: `${url}/services/${path}` }));

  it("gets the whole message each time", async ({ expect }) => {
    const world = await hook();
    expect(await world.send()).toEqual({ ok: true, value: { status: 200 } });
    expect(await world.send(NEXT)).toMatchObject({ ok: true });
    expect((await messagesIn(world)).map(({ text }) => text)).toEqual([
      MESSAGE.subject,
      NEXT.subject,
    ]);
  });

  it("is refused where there is none", async ({ expect }) => {
    const world = await hook("T0/B0/other");
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "refuse" } });
  });
});

describe("the stand-in", () => {
  it.for([
    ["no token", {}, {}, "not_authed"],
    [
      "a header that is too long",
      { authorization: `Bearer ${TOKEN}` },
      { header: 151 },
      "invalid_blocks",
    ],
    [
      "a section that is too long",
      { authorization: `Bearer ${TOKEN}` },
      { section: 3_001 },
      "invalid_blocks",
    ],
    ["too many blocks", { authorization: `Bearer ${TOKEN}` }, { blocks: 51 }, "invalid_blocks"],
  ] as const)("refuses %s", async ([, headers, sizes, error], { expect }) => {
    const { header = 1, section = 1, blocks = 1 } = sizes as Record<string, number | undefined>;
    const { url } = await bot();
    const answer = await fetch(`${url}/api/chat.postMessage`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({
        channel: CHANNEL,
        text: "x",
        blocks: [
          { type: "header", text: { type: "plain_text", text: "x".repeat(header) } },
          ...Array.from({ length: blocks }, () => ({
            type: "section",
            text: { type: "mrkdwn", text: "x".repeat(section) },
          })),
        ],
      }),
    });
    expect([answer.status, await answer.json()]).toEqual([200, { ok: false, error }]);
  });
});
