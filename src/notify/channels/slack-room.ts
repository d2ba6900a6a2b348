/** One channel of one Slack workspace, and what is said there: by metadata, so that what may have arrived is found again. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Ask } from "../ask.ts";
import type { ChannelMessage } from "../channel.ts";
import { newsMessage, wholeMessage, type SlackText } from "./slack-blocks.ts";

const EVENT_TYPE = "firebreak_message";
const MESSAGES_MAX = 200;

export type SlackAccess = {
  readonly token: string;
  readonly api: string;
  readonly signing_secret?: string | undefined;
  /** Calls those whom the message asks, in what is said anew; absent for nobody. */
  readonly mention?: string;
};
export type SlackFailure = Failure & { readonly code?: string };

const answer = z.looseObject({
  ok: z.boolean(),
  error: z.string().optional(),
  ts: z.string().optional(),
  channel: z.union([z.string(), z.looseObject({ id: z.string() })]).optional(),
  channels: z.array(z.looseObject({ id: z.string(), name: z.string() })).optional(),
  messages: z
    .array(
      z.looseObject({
        ts: z.string(),
        thread_ts: z.string().optional(),
        metadata: z.looseObject({ event_payload: z.looseObject({}).optional() }).optional(),
      }),
    )
    .optional(),
  response_metadata: z.looseObject({ next_cursor: z.string().optional() }).optional(),
});
export type SlackAnswer = z.infer<typeof answer>;
export type SlackResult = Result<SlackAnswer, SlackFailure>;

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

/** Asks Slack to do something. */
export async function order(
  ask: Ask,
  { token, api }: SlackAccess,
  method: string,
  body: Readonly<Record<string, unknown>>,
): Promise<SlackResult> {
  const headers = { authorization: `Bearer ${token}` };
  const answered = await ask(`${api}/${method}`, { headers, body });
  return answered.ok ? understood(answered.value.text) : answered;
}

/** Asks Slack what is so. */
export async function look(
  ask: Ask,
  { token, api }: SlackAccess,
  method: string,
  query: Readonly<Record<string, string>>,
): Promise<SlackResult> {
  const headers = { authorization: `Bearer ${token}` };
  const asked = new URLSearchParams(query).toString();
  const answered = await ask(`${api}/${method}?${asked}`, { method: "GET", headers });
  return answered.ok ? understood(answered.value.text) : answered;
}

export class Room {
  readonly #ask: Ask;
  readonly #access: SlackAccess;
  readonly #channel: string;

  constructor(ask: Ask, access: SlackAccess, channel: string) {
    this.#ask = ask;
    this.#access = access;
    this.#channel = channel;
  }

  /** The incident's message. `note` is said beneath it. */
  open(message: ChannelMessage, note: string | null = null): Promise<SlackResult> {
    const { mention = "" } = this.#access;
    const beneath = [note ?? "", mention].filter((one) => one !== "").join(" ");
    return this.#post(this.#whole(message, beneath === "" ? null : beneath), message);
  }

  update(message: ChannelMessage, root: string, note: string | null = null): Promise<SlackResult> {
    return this.#order("chat.update", {
      ts: root,
      ...this.#whole(message, note),
      metadata: { event_type: EVENT_TYPE, event_payload: { incident: message.incidentId } },
    });
  }

  /** Only what is new: in the thread of `root`, or in the room itself. */
  say(message: ChannelMessage, root: string | null): Promise<SlackResult> {
    return this.#post(
      newsMessage(message, this.#access.mention),
      message,
      root === null ? {} : { thread_ts: root },
    );
  }

  /** The incident's message, should an attempt that nobody heard of again have made it; null too when the bot may not look. */
  async rootOf(message: ChannelMessage, oldestMs: number): Promise<string | null> {
    const found = await this.#read("conversations.history", { oldest: seconds(oldestMs) });
    // The oldest is the first.
    const root = found.findLast(
      ({ ts, thread_ts: thread = ts, metadata }) =>
        thread === ts && metadata?.event_payload?.["incident"] === message.incidentId,
    );
    return root?.ts ?? null;
  }

  /** Is the message there already: as the thread's first or one of its replies, or, without a thread, anywhere? */
  async hasArrived(
    message: ChannelMessage,
    root: string | null,
    oldestMs: number,
  ): Promise<boolean> {
    const oldest = seconds(oldestMs);
    const found =
      root === null
        ? await this.#read("conversations.history", { oldest })
        : await this.#read("conversations.replies", { ts: root, oldest });
    return found.some(
      ({ metadata }) => metadata?.event_payload?.["delivery"] === message.deliveryId,
    );
  }

  /** Buttons that nobody would hear are not shown. */
  #whole(message: ChannelMessage, note: string | null): SlackText {
    const { signing_secret: key } = this.#access;
    return wholeMessage(key === undefined ? { ...message, buttons: [] } : message, note);
  }

  #post(
    text: SlackText,
    { incidentId, deliveryId }: ChannelMessage,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<SlackResult> {
    const payload = { incident: incidentId, delivery: deliveryId };
    return this.#order("chat.postMessage", {
      ...text,
      ...more,
      unfurl_links: false,
      unfurl_media: false,
      metadata: { event_type: EVENT_TYPE, event_payload: payload },
    });
  }

  #order(method: string, body: Readonly<Record<string, unknown>>): Promise<SlackResult> {
    return order(this.#ask, this.#access, method, { channel: this.#channel, ...body });
  }

  async #read(
    method: string,
    query: Readonly<Record<string, string>>,
  ): Promise<NonNullable<SlackAnswer["messages"]>> {
    const read = await look(this.#ask, this.#access, method, {
      channel: this.#channel,
      limit: String(MESSAGES_MAX),
      include_all_metadata: "true",
      ...query,
    });
    return read.ok ? (read.value.messages ?? []) : [];
  }
}

/** Slack says 200 to everything; whether it did what was asked is in the body. */
function understood(text: string): SlackResult {
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

const seconds = (atMs: number): string => (atMs / 1_000).toFixed(6);
