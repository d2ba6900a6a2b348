/**
 * Slack, as far as Firebreak speaks with it: messages posted, updated and read by a bot, and an incoming webhook. It says
 * 200 to what it refuses, as Slack does, and holds Block Kit to its limits.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const MESSAGES_KEPT_MAX = 1_000;

const plain = (charsMax: number) =>
  z.strictObject({
    type: z.literal("plain_text"),
    text: z.string().min(1).max(charsMax),
    emoji: z.boolean().optional(),
  });
const mrkdwn = z.strictObject({
  type: z.literal("mrkdwn"),
  text: z.string().min(1).max(3_000),
  verbatim: z.boolean().optional(),
});
const block = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("header"), text: plain(150) }),
  z.strictObject({ type: z.literal("section"), text: mrkdwn }),
  z.strictObject({
    type: z.literal("actions"),
    elements: z
      .array(
        z.strictObject({
          type: z.literal("button"),
          text: plain(75),
          url: z.url().max(3_000).optional(),
          action_id: z.string().max(255).optional(),
          value: z.string().max(2_000).optional(),
          confirm: z
            .strictObject({
              title: plain(100),
              text: plain(300),
              confirm: plain(30),
              deny: plain(30),
            })
            .optional(),
        }),
      )
      .min(1)
      .max(25),
  }),
]);
const metadata = z.strictObject({
  event_type: z.string().regex(/^[a-z0-9_]+$/),
  event_payload: z.record(z.string(), z.string()),
});
const shown = {
  text: z.string().min(1),
  blocks: z.array(block).min(1).max(50),
  metadata: metadata.optional(),
};
const posted = z.strictObject({
  ...shown,
  channel: z.string(),
  text: z.string().min(1).max(40_000),
  thread_ts: z.string().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
});
const updated = z.strictObject({
  ...shown,
  channel: z.string(),
  ts: z.string(),
  text: z.string().min(1).max(4_000),
});
const whispered = z.strictObject({
  channel: z.string(),
  user: z.string().regex(/^[UW][A-Z0-9]{7,20}$/),
  text: z.string().min(1).max(40_000),
});
const hooked = z.strictObject({ text: shown.text, blocks: shown.blocks });

export type SlackMessage = {
  readonly ts: string;
  readonly thread_ts?: string | undefined;
  readonly text: string;
  readonly blocks: readonly z.infer<typeof block>[];
  readonly metadata?: z.infer<typeof metadata> | undefined;
};

export function slack(account: {
  readonly token: string;
  readonly channel: string;
  /** The path of the incoming webhook: `T…/B…/…`. */
  readonly webhook: string;
}): Vendor {
  let messages: SlackMessage[] = [];
  let whispers: z.infer<typeof whispered>[] = [];
  /** Microseconds: Slack's message ids are times, and no two are the same. */
  let last = 0;
  const app = new Hono();

  const add = (message: Omit<SlackMessage, "ts">): SlackMessage => {
    last = Math.max(last + 1, Date.now() * 1_000);
    const ts = `${Math.floor(last / 1e6)}.${String(last % 1e6).padStart(6, "0")}`;
    const made = { ts, ...message };
    messages = [...messages, made].slice(-MESSAGES_KEPT_MAX);
    return made;
  };

  app.use("/api/*", async (c, next) => {
    const given = c.req.header("authorization");
    if (given === undefined) return no(c, "not_authed");
    return given === `Bearer ${account.token}` ? next() : no(c, "invalid_auth");
  });

  app.post("/api/chat.postMessage", async (c) => {
    const asked = posted.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_blocks");
    const { channel, unfurl_links: _, unfurl_media: __, ...message } = asked.data;
    if (channel !== account.channel) return no(c, "channel_not_found");
    const { thread_ts: thread } = message;
    if (thread !== undefined && !messages.some(({ ts }) => ts === thread)) {
      return no(c, "thread_not_found");
    }
    const made = add(message);
    return c.json({ ok: true, channel, ts: made.ts, message: made });
  });

  app.post("/api/chat.update", async (c) => {
    const asked = updated.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_blocks");
    const { channel, ts, ...rest } = asked.data;
    if (channel !== account.channel) return no(c, "channel_not_found");
    const known = messages.find((message) => message.ts === ts);
    if (known === undefined) return no(c, "message_not_found");
    messages = messages.map((message) => (message.ts === ts ? { ...message, ...rest } : message));
    return c.json({ ok: true, channel, ts, text: rest.text });
  });

  app.post("/api/chat.postEphemeral", async (c) => {
    const asked = whispered.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_arguments");
    if (asked.data.channel !== account.channel) return no(c, "channel_not_found");
    whispers = [...whispers, asked.data].slice(-MESSAGES_KEPT_MAX);
    return c.json({ ok: true, message_ts: `${Date.now() / 1_000}` });
  });

  /** Newest first in a channel, oldest first in a thread; metadata only where it is asked for. */
  const read = (c: Context, found: readonly SlackMessage[]): Response => {
    const { channel, limit = "100", oldest = "0", include_all_metadata: all } = c.req.query();
    if (channel !== account.channel) return no(c, "channel_not_found");
    const page = found
      .filter(({ ts }) => Number(ts) > Number(oldest))
      .slice(0, Number(limit))
      .map(({ metadata: data, ...message }) =>
        all === "true" && data !== undefined ? { ...message, metadata: data } : message,
      );
    return c.json({ ok: true, messages: page, has_more: false });
  };
  app.get("/api/conversations.history", (c) =>
    read(c, messages.filter(({ thread_ts: thread }) => thread === undefined).toReversed()),
  );
  app.get("/api/conversations.replies", (c) => {
    const { ts: root } = c.req.query();
    const thread = messages.filter(({ ts, thread_ts: of }) => ts === root || of === root);
    return thread.length === 0 ? no(c, "thread_not_found") : read(c, thread);
  });
  app.all("/api/*", (c) => no(c, "unknown_method"));

  app.post("/services/*", async (c) => {
    if (c.req.path !== `/services/${account.webhook}`) return c.text("no_service", 404);
    const asked = hooked.safeParse(await json(c));
    if (!asked.success) return c.text("invalid_payload", 400);
    add(asked.data);
    return c.text("ok");
  });
  app.notFound((c) => c.text("Not Found", 404));

  return {
    name: "slack",
    fetch: (request) => app.fetch(request),
    state: () => ({ messages, whispers }),
    setState: (value) => {
      // What people do by hand: delete messages.
      const { keep } = z.strictObject({ keep: z.array(z.string()) }).parse(value);
      messages = messages.filter(({ ts }) => keep.includes(ts));
    },
    reset: () => {
      messages = [];
      whispers = [];
    },
  };
}

const no = (c: Context, error: string): Response => c.json({ ok: false, error });

async function json(c: Context): Promise<unknown> {
  if (c.req.header("content-type")?.startsWith("application/json") !== true) return null;
  try {
    return await c.req.json();
  } catch {
    return null;
  }
}
