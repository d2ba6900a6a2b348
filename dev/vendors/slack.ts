/**
 * Slack, as far as Firebreak speaks with it: messages posted, updated and read by a bot, and an incoming webhook. It says
 * 200 to what it refuses, as Slack does, and holds Block Kit to its limits.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const MESSAGES_KEPT_MAX = 1_000;
const ROOMS_MAX = 100;
const ROOMS_PAGE = 3;

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
/** A modal that asks for one thing: an input needs a button that submits it. */
const view = z.strictObject({
  type: z.literal("modal"),
  callback_id: z.string().min(1).max(255),
  private_metadata: z.string().max(3_000),
  title: plain(24),
  submit: plain(24),
  close: plain(24).optional(),
  blocks: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("section"), text: mrkdwn }),
        z.strictObject({
          type: z.literal("input"),
          block_id: z.string().min(1).max(255),
          label: plain(2_000),
          element: z.strictObject({
            type: z.literal("plain_text_input"),
            action_id: z.string().min(1).max(255),
            multiline: z.boolean().optional(),
            min_length: z.int().min(0).max(3_000).optional(),
            max_length: z.int().min(1).max(3_000).optional(),
          }),
        }),
      ]),
    )
    .min(1)
    .max(100),
});
const opened = z.strictObject({
  trigger_id: z.string().regex(/^\d+\.\d+\.[0-9a-f]+$/),
  view,
});
const created = z.strictObject({
  name: z.string().regex(/^[a-z0-9_-]{1,80}$/),
  is_private: z.boolean().optional(),
});
const topic = z.strictObject({ channel: z.string(), topic: z.string().max(250) });
const invited = z.strictObject({
  channel: z.string(),
  users: z.string().regex(/^[UW][A-Z0-9]{7,20}(?:,[UW][A-Z0-9]{7,20}){0,999}$/),
  force: z.boolean().optional(),
});
const hooked = z.strictObject({ text: shown.text, blocks: shown.blocks });

export type SlackMessage = {
  readonly ts: string;
  readonly thread_ts?: string | undefined;
  readonly text: string;
  readonly blocks: readonly z.infer<typeof block>[];
  readonly metadata?: z.infer<typeof metadata> | undefined;
};

type Room = {
  readonly id: string;
  readonly name: string;
  readonly isPrivate: boolean;
  topic: string;
  members: readonly string[];
  isArchived: boolean;
  messages: SlackMessage[];
};

export function slack(account: {
  readonly token: string;
  readonly channel: string;
  /** The path of the incoming webhook: `T…/B…/…`. */
  readonly webhook: string;
}): Vendor {
  let messages: SlackMessage[] = [];
  let whispers: z.infer<typeof whispered>[] = [];
  let views: z.infer<typeof view>[] = [];
  /** Each opens one view. */
  let triggers: string[] = [];
  /** Channels that were made beside the one that is there. */
  let rooms: Room[] = [];
  /** Microseconds: Slack's message ids are times, and no two are the same. */
  let last = 0;
  const app = new Hono();

  /** What stands in a channel; a string says why nothing can. */
  const wall = (channel: string): { all: SlackMessage[] } | string => {
    if (channel === account.channel) {
      return {
        get all() {
          return messages;
        },
        set all(next) {
          messages = next;
        },
      };
    }
    const room = rooms.find(({ id }) => id === channel);
    if (room === undefined) return "channel_not_found";
    if (room.isArchived) return "is_archived";
    return {
      get all() {
        return room.messages;
      },
      set all(next) {
        room.messages = next;
      },
    };
  };

  const add = (
    message: Omit<SlackMessage, "ts">,
    on: { all: SlackMessage[] } | string = wall(account.channel),
  ): SlackMessage => {
    last = Math.max(last + 1, Date.now() * 1_000);
    const ts = `${Math.floor(last / 1e6)}.${String(last % 1e6).padStart(6, "0")}`;
    const made = { ts, ...message };
    if (typeof on !== "string") on.all = [...on.all, made].slice(-MESSAGES_KEPT_MAX);
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
    const on = wall(channel);
    if (typeof on === "string") return no(c, on);
    const { thread_ts: thread } = message;
    if (thread !== undefined && !on.all.some(({ ts }) => ts === thread)) {
      return no(c, "thread_not_found");
    }
    const made = add(message, on);
    return c.json({ ok: true, channel, ts: made.ts, message: made });
  });

  app.post("/api/chat.update", async (c) => {
    const asked = updated.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_blocks");
    const { channel, ts, ...rest } = asked.data;
    const on = wall(channel);
    if (typeof on === "string") return no(c, on);
    const known = on.all.find((message) => message.ts === ts);
    if (known === undefined) return no(c, "message_not_found");
    on.all = on.all.map((message) => (message.ts === ts ? { ...message, ...rest } : message));
    return c.json({ ok: true, channel, ts, text: rest.text });
  });

  app.post("/api/chat.postEphemeral", async (c) => {
    const asked = whispered.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_arguments");
    const on = wall(asked.data.channel);
    if (typeof on === "string") return no(c, on);
    whispers = [...whispers, asked.data].slice(-MESSAGES_KEPT_MAX);
    return c.json({ ok: true, message_ts: `${Date.now() / 1_000}` });
  });

  app.post("/api/views.open", async (c) => {
    const asked = opened.safeParse(await json(c));
    if (!asked.success) {
      const isTrigger = asked.error.issues.some(({ path }) => path[0] === "trigger_id");
      return no(c, isTrigger ? "invalid_trigger_id" : "invalid_arguments");
    }
    const { trigger_id: trigger, view: shown } = asked.data;
    if (triggers.includes(trigger)) return no(c, "exchanged_trigger_id");
    triggers = [...triggers, trigger].slice(-MESSAGES_KEPT_MAX);
    views = [...views, shown].slice(-MESSAGES_KEPT_MAX);
    return c.json({ ok: true, view: { id: `V${views.length}`, ...shown } });
  });

  /** Newest first in a channel, oldest first in a thread; metadata only where it is asked for. */
  const read = (
    c: Context,
    find: (all: readonly SlackMessage[]) => readonly SlackMessage[],
  ): Response => {
    const { channel = "", limit = "100", oldest = "0", include_all_metadata: all } = c.req.query();
    const on = wall(channel);
    if (typeof on === "string") return no(c, on);
    const found = find(on.all);
    if (found.length === 0 && c.req.query("ts") !== undefined) return no(c, "thread_not_found");
    const page = found
      .filter(({ ts }) => Number(ts) > Number(oldest))
      .slice(0, Number(limit))
      .map(({ metadata: data, ...message }) =>
        all === "true" && data !== undefined ? { ...message, metadata: data } : message,
      );
    return c.json({ ok: true, messages: page, has_more: false });
  };
  app.get("/api/conversations.history", (c) =>
    read(c, (all) => all.filter(({ thread_ts: thread }) => thread === undefined).toReversed()),
  );
  app.get("/api/conversations.replies", (c) => {
    const { ts: root } = c.req.query();
    return read(c, (all) => all.filter(({ ts, thread_ts: of }) => ts === root || of === root));
  });

  app.post("/api/conversations.create", async (c) => {
    const asked = created.safeParse(await json(c));
    if (!asked.success) return no(c, "invalid_name_specials");
    const { name, is_private: isPrivate = false } = asked.data;
    if (rooms.some((room) => room.name === name)) return no(c, "name_taken");
    if (rooms.length >= ROOMS_MAX) return no(c, "restricted_action");
    const id = `C9${String(rooms.length).padStart(8, "0")}`;
    rooms = [
      ...rooms,
      { id, name, isPrivate, topic: "", members: [], isArchived: false, messages: [] },
    ];
    return c.json({ ok: true, channel: { id, name } });
  });
  /** In pages of a size that Slack does not promise either. */
  app.get("/api/conversations.list", (c) => {
    const { types = "public_channel", exclude_archived: isCurrent, cursor = "" } = c.req.query();
    const from = cursor === "" ? 0 : Number(cursor);
    const all = rooms.filter(({ isPrivate }) => types.includes(isPrivate ? "private" : "public"));
    const shown = all.slice(from, from + ROOMS_PAGE);
    const next = from + ROOMS_PAGE < all.length ? String(from + ROOMS_PAGE) : "";
    const channels = shown
      .filter(({ isArchived }) => isCurrent !== "true" || !isArchived)
      .map(({ id, name }) => ({ id, name }));
    return c.json({ ok: true, channels, response_metadata: { next_cursor: next } });
  });
  app.post("/api/conversations.setTopic", async (c) => {
    const asked = topic.safeParse(await json(c));
    const room = rooms.find(({ id }) => id === asked.data?.channel);
    if (!asked.success || room === undefined) return no(c, "channel_not_found");
    room.topic = asked.data.topic;
    return c.json({ ok: true });
  });
  app.post("/api/conversations.invite", async (c) => {
    const asked = invited.safeParse(await json(c));
    const room = rooms.find(({ id }) => id === asked.data?.channel);
    if (!asked.success || room === undefined) return no(c, "channel_not_found");
    const users = asked.data.users.split(",");
    if (users.every((user) => room.members.includes(user))) return no(c, "already_in_channel");
    room.members = [...new Set([...room.members, ...users])];
    return c.json({ ok: true });
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
    state: () => ({ messages, whispers, views, rooms }),
    setState: (value) => {
      // What people do by hand: delete messages, archive channels.
      const { keep, archived = [] } = z
        .strictObject({
          keep: z.array(z.string()).optional(),
          archived: z.array(z.string()).optional(),
        })
        .parse(value);
      if (keep !== undefined) messages = messages.filter(({ ts }) => keep.includes(ts));
      for (const room of rooms) room.isArchived = archived.includes(room.id);
    },
    reset: () => {
      messages = [];
      whispers = [];
      views = [];
      triggers = [];
      rooms = [];
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
