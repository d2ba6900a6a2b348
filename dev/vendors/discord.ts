/** Discord, as far as a bot speaks with it: messages made and changed, by a nonce the same within minutes; limits held, mentions refused. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const MESSAGES_MAX = 1_000;

const label = z.string().min(1).max(80);
const button = z.discriminatedUnion("style", [
  z.strictObject({ type: z.literal(2), style: z.literal(5), label, url: z.url().max(512) }),
  ...([1, 2, 4] as const).map((style) =>
    z.strictObject({
      type: z.literal(2),
      style: z.literal(style),
      label,
      custom_id: z.string().min(1).max(100),
    }),
  ),
]);
const shown = {
  content: z.string().min(1).max(2_000),
  embeds: z
    .array(z.strictObject({ description: z.string().min(1).max(4_096) }))
    .max(10)
    .optional(),
  components: z
    .array(z.strictObject({ type: z.literal(1), components: z.array(button).min(1).max(5) }))
    .max(5)
    .optional(),
  // Ours must not ring for what somebody wrote elsewhere: only those who are named one by one.
  allowed_mentions: z.strictObject({
    parse: z.tuple([]),
    users: z
      .array(z.string().regex(/^\d{17,20}$/))
      .min(1)
      .max(100)
      .optional(),
  }),
};
const mentionsIn = (content: string): readonly string[] =>
  [...content.matchAll(/(?<!\\)<@!?(\d{17,20})(?<!\\)>/g)].map(([, id = ""]) => id);
const isMentionedAsAllowed = ({
  content,
  allowed_mentions: { users = [] },
}: {
  readonly content: string;
  readonly allowed_mentions: { readonly users?: readonly string[] | undefined };
}): boolean => {
  const named = mentionsIn(content);
  return named.length === users.length && named.every((id) => users.includes(id));
};
const made = z
  .strictObject({
    ...shown,
    nonce: z.string().min(1).max(25),
    enforce_nonce: z.literal(true),
    message_reference: z
      .strictObject({ message_id: z.string(), fail_if_not_exists: z.boolean() })
      .optional(),
  })
  .refine(isMentionedAsAllowed, "whom it calls is not whom it may call");
const changed = z.strictObject(shown).refine(isMentionedAsAllowed);

/** What Discord takes as the answer to an interaction: a pong, a message for one pair of eyes, nothing yet, or a modal that asks for one thing. */
export const interactionAnswer = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal(1) }),
  z.strictObject({
    type: z.literal(4),
    data: z.strictObject({
      content: shown.content,
      flags: z.literal(64),
      allowed_mentions: shown.allowed_mentions,
    }),
  }),
  z.strictObject({ type: z.literal(6) }),
  z.strictObject({
    type: z.literal(9),
    data: z.strictObject({
      custom_id: z.string().min(1).max(100),
      title: z.string().min(1).max(45),
      components: z
        .array(
          z.strictObject({
            type: z.literal(18),
            label: z.string().min(1).max(45),
            description: z.string().max(100).optional(),
            component: z.strictObject({
              type: z.literal(4),
              custom_id: z.string().min(1).max(100),
              style: z.union([z.literal(1), z.literal(2)]),
              required: z.boolean().optional(),
              min_length: z.int().min(0).max(4_000).optional(),
              max_length: z.int().min(1).max(4_000).optional(),
            }),
          }),
        )
        .min(1)
        .max(5),
    }),
  }),
]);

type Message = Partial<z.infer<typeof made>> & { readonly id: string };

export function discord(account: { readonly token: string; readonly channel: string }): Vendor {
  let messages: Message[] = [];
  let last = 1_100_000_000_000_000_000n;
  const app = new Hono().basePath("/api/v10");

  app.use(async (c, next) =>
    c.req.header("authorization") === `Bot ${account.token}`
      ? next()
      : c.json({ message: "401: Unauthorized", code: 0 }, 401),
  );
  app.use("/channels/:channel/*", async (c, next) =>
    c.req.param("channel") === account.channel
      ? next()
      : c.json({ message: "Unknown Channel", code: 10_003 }, 404),
  );

  app.post("/channels/:channel/messages", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return c.json({ message: "Invalid Form Body", code: 50_035 }, 400);
    const known = messages.find(({ nonce }) => nonce === asked.data.nonce);
    if (known !== undefined) return c.json(known);
    last += 1n;
    const message = { ...asked.data, id: String(last) };
    messages = [...messages, message].slice(-MESSAGES_MAX);
    return c.json(message);
  });

  app.patch("/channels/:channel/messages/:id", async (c) => {
    const asked = changed.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return c.json({ message: "Invalid Form Body", code: 50_035 }, 400);
    const known = messages.find(({ id }) => id === c.req.param("id"));
    if (known === undefined) return c.json({ message: "Unknown Message", code: 10_008 }, 404);
    const message = { ...known, ...asked.data };
    messages = messages.map((one) => (one.id === known.id ? message : one));
    return c.json(message);
  });
  app.notFound((c) => c.json({ message: "404: Not Found", code: 0 }, 404));

  return {
    name: "discord",
    fetch: (request) => app.fetch(request),
    state: () => ({ messages }),
    setState: (value) => {
      // What people do by hand: delete messages.
      const { keep } = z.strictObject({ keep: z.array(z.string()) }).parse(value);
      messages = messages.filter(({ id }) => keep.includes(id));
    },
    reset: () => {
      messages = [];
    },
  };
}
