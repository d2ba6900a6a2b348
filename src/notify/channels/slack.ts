/**
 * Slack by a bot: one message per incident that is kept current in place, and a reply in its thread for each piece of news.
 * Slack has no idempotency key, so a message that may have arrived is looked for, by its metadata, before it is sent again.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask } from "../ask.ts";
import { defineChannel, type ChannelMessage, type Receipt } from "../channel.ts";
import { newsMessage, wholeMessage, type SlackText } from "./slack-blocks.ts";

const EVENT_TYPE = "firebreak_message";
/** As far back as the outbox tries one message, and a little more. */
const LOOK_BACK_MS = 35 * 60_000;
const MESSAGES_MAX = 200;

export const slackChannelId = z
  .string()
  .regex(/^[CGD][A-Z0-9]{7,20}$/, "write a channel's id, such as C0123456789");

export const slackSecret = z.strictObject({
  token: z.string().regex(/^xoxb-[\w-]{10,200}$/, "write a bot's token: xoxb-…"),
  channel: slackChannelId,
  /** Of the app, where its buttons are to work: how Slack proves who sent a press. */
  signing_secret: z
    .string()
    .regex(/^[0-9a-z]{32}$/, "write the app's signing secret: 32 characters")
    .optional(),
  api: apiRoot("https://slack.com/api"),
});

export const slack = defineChannel({
  id: "slack",
  secret: slackSecret,

  async send(message, secret, reach) {
    const room = new Room(asking(reach), secret);
    const oldestMs = reach.atMs - LOOK_BACK_MS;
    const root = message.ref ?? (message.isRepeat ? await room.rootOf(message, oldestMs) : null);
    if (root === null) return room.open(message);
    if (message.isRepeat && (await room.hasArrived(message, root, oldestMs))) {
      return ok({ status: 200, ref: root });
    }
    const updated = await room.update(message, root);
    if (!updated.ok) {
      // Somebody deleted it: the incident needs a new one.
      return updated.error.code === "message_not_found" ? room.open(message) : updated;
    }
    return room.reply(message, root);
  },
});

type SlackFailure = Failure & { readonly code?: string };

const answer = z.looseObject({
  ok: z.boolean(),
  error: z.string().optional(),
  ts: z.string().optional(),
  messages: z
    .array(
      z.looseObject({
        ts: z.string(),
        thread_ts: z.string().optional(),
        metadata: z.looseObject({ event_payload: z.looseObject({}).optional() }).optional(),
      }),
    )
    .optional(),
});
type SlackAnswer = z.infer<typeof answer>;

/** Slack's words for "later". */
const LATER: ReadonlySet<string> = new Set([
  "ratelimited",
  "rate_limited",
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
]);

/** One channel of one workspace. */
class Room {
  readonly #ask: Ask;
  readonly #secret: z.output<typeof slackSecret>;

  constructor(ask: Ask, given: z.output<typeof slackSecret>) {
    this.#ask = ask;
    this.#secret = given;
  }

  async open(message: ChannelMessage): Promise<Result<Receipt, SlackFailure>> {
    return receipt(await this.#post(this.#whole(message), message), null);
  }

  /** Buttons that nobody would hear are not shown. */
  #whole(message: ChannelMessage): SlackText {
    const { signing_secret: key } = this.#secret;
    return wholeMessage(key === undefined ? { ...message, buttons: [] } : message);
  }

  async reply(message: ChannelMessage, root: string): Promise<Result<Receipt, SlackFailure>> {
    return receipt(await this.#post(newsMessage(message), message, { thread_ts: root }), root);
  }

  update(message: ChannelMessage, root: string): Promise<Result<SlackAnswer, SlackFailure>> {
    return this.#call("chat.update", {
      ts: root,
      ...this.#whole(message),
      metadata: { event_type: EVENT_TYPE, event_payload: { incident: message.incidentId } },
    });
  }

  /** The incident's message, should an attempt that nobody heard of again have made it; null too when the bot may not look. */
  async rootOf(message: ChannelMessage, oldestMs: number): Promise<string | null> {
    const found = await this.#read("conversations.history", { oldest: seconds(oldestMs) });
    const root = found.find(
      ({ ts, thread_ts: thread = ts, metadata }) =>
        thread === ts && metadata?.event_payload?.["incident"] === message.incidentId,
    );
    return root?.ts ?? null;
  }

  /** Is the message there already, as the thread's first or one of its replies? */
  async hasArrived(message: ChannelMessage, root: string, oldestMs: number): Promise<boolean> {
    const query = { ts: root, oldest: seconds(oldestMs) };
    const found = await this.#read("conversations.replies", query);
    return found.some(
      ({ metadata }) => metadata?.event_payload?.["delivery"] === message.deliveryId,
    );
  }

  #post(
    text: SlackText,
    { incidentId, deliveryId }: ChannelMessage,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Result<SlackAnswer, SlackFailure>> {
    const payload = { incident: incidentId, delivery: deliveryId };
    return this.#call("chat.postMessage", {
      ...text,
      ...more,
      unfurl_links: false,
      unfurl_media: false,
      metadata: { event_type: EVENT_TYPE, event_payload: payload },
    });
  }

  async #call(
    method: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Result<SlackAnswer, SlackFailure>> {
    const { token, channel, api } = this.#secret;
    const answered = await this.#ask(`${api}/${method}`, {
      headers: { authorization: `Bearer ${token}` },
      body: { channel, ...body },
    });
    return answered.ok ? understood(answered.value.text) : answered;
  }

  async #read(
    method: string,
    query: Readonly<Record<string, string>>,
  ): Promise<NonNullable<SlackAnswer["messages"]>> {
    const { token, channel, api } = this.#secret;
    const asked = new URLSearchParams({
      channel,
      limit: String(MESSAGES_MAX),
      include_all_metadata: "true",
      ...query,
    });
    const answered = await this.#ask(`${api}/${method}?${asked.toString()}`, {
      method: "GET",
      headers: { authorization: `Bearer ${token}` },
    });
    const read = answered.ok ? understood(answered.value.text) : answered;
    return read.ok ? (read.value.messages ?? []) : [];
  }
}

/** Slack says 200 to everything; whether it did what was asked is in the body. */
function understood(text: string): Result<SlackAnswer, SlackFailure> {
  const parsed = answer.safeParse(parseJson(text));
  if (!parsed.success) {
    return err({ class: "unknown_outcome", detail: "Slack's answer is not understood" });
  }
  if (parsed.data.ok) return ok(parsed.data);
  const code = parsed.data.error ?? "";
  // A code is a word; anything else could repeat what it was sent.
  const word = /^[a-z_]{1,60}$/.test(code) ? code : "an error without a code";
  return err({
    class: LATER.has(code) ? "retry" : "refuse",
    detail: `Slack answered ${word}`,
    code: word,
  });
}

function receipt(
  posted: Result<SlackAnswer, SlackFailure>,
  root: string | null,
): Result<Receipt, SlackFailure> {
  if (!posted.ok) return posted;
  const ref = root ?? posted.value.ts;
  return ok({ status: 200, ...(ref === undefined ? {} : { ref }) });
}

const seconds = (atMs: number): string => (atMs / 1_000).toFixed(6);
