/**
 * Slack by a bot: one message per incident that is kept current in place, and a reply in its thread for each piece of news; or, where
 * the site wants that, news in a channel that a SEV-1 or SEV-2 has for itself. Slack has no idempotency key, so a message that may have
 * arrived is looked for, by its metadata, before it is sent again.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { pages } from "../../incidents/severity.ts";
import { ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking } from "../ask.ts";
import { defineChannel, DRILL_PREFIX, mentioned, type ChannelMessage } from "../channel.ts";
import { mentionOf } from "./slack-blocks.ts";
import { Room, type SlackFailure, type SlackResult } from "./slack-room.ts";
import { openWarRoom, tellWarRoom, warRoomWords, type WarRoom } from "./slack-war-room.ts";

/** As far back as the outbox tries one message, and a little more. */
const LOOK_BACK_MS = 35 * 60_000;

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
  /** Whom the first message of an incident that wakes people calls: all members, or those who are there. Never in a drill. */
  call: z.enum(["channel", "here"]).optional(),
  /** A channel for each incident that wakes people. */
  war_room: warRoomWords.optional(),
  api: apiRoot("https://slack.com/api"),
});

export const slack = defineChannel({
  id: "slack",
  secret: slackSecret,

  async send(message, secret, reach) {
    const ask = asking(reach);
    const access = { ...secret, mention: mentionOf(mentioned(message, reach, "slack")) };
    const oldestMs = reach.atMs - LOOK_BACK_MS;
    const main = new Room(ask, access, secret.channel);
    const { root: known, room: before } = placesIn(message.ref);
    const isTold =
      before !== null && (await tellWarRoom(message, before, { ask, access, oldestMs }));
    const shown = await show(message, main, {
      known,
      room: isTold ? before : null,
      oldestMs,
      call: isForARoom(message) ? callOf(message, secret.call) : null,
    });
    if (!shown.ok) return shown;
    const root = shown.value;
    const words = secret.war_room;
    if (before !== null || words === undefined || !isForARoom(message)) {
      return ok({ status: 200, ref: refOf(root, before) });
    }
    const room = await openWarRoom(message, { ask, access, words });
    // Those who read it here learn where the others are.
    if (room !== null) await main.update(message, root, noteOf(room));
    return ok({ status: 200, ref: refOf(root, room) });
  },
});

const isForARoom = ({ severity, state }: ChannelMessage): boolean =>
  pages(severity) && state !== "resolved";

/** A receipt's ref: the message here, and the room and its message where there is one. */
const refOf = (root: string, room: WarRoom | null): string =>
  room === null ? root : [root, room.id, room.root].join(":");

function placesIn(ref: string | null): {
  readonly root: string | null;
  readonly room: WarRoom | null;
} {
  const [root = null, id, roomRoot] = ref?.split(":") ?? [];
  return {
    root,
    room: id === undefined || roomRoot === undefined ? null : { id, root: roomRoot },
  };
}

/** Written as Slack reads it; an edit of the message calls nobody again. */
const callOf = ({ subject }: ChannelMessage, call: "channel" | "here" | undefined): string | null =>
  call === undefined || subject.startsWith(DRILL_PREFIX) ? null : `<!${call}>`;

const noteOf = ({ id }: WarRoom): string => `News and talk are in <#${id}>.`;

type Shown = {
  readonly known: string | null;
  /** Where its news were said; null: here, then. */
  readonly room: WarRoom | null;
  readonly oldestMs: number;
  /** Said beneath the incident's first message. */
  readonly call: string | null;
};

/** Brings the incident's message here up to date, and says what is new; answers which message that is. */
async function show(
  message: ChannelMessage,
  main: Room,
  { known, room, oldestMs, call }: Shown,
): Promise<Result<string, SlackFailure>> {
  const root = known ?? (message.triedAtMs !== null ? await main.rootOf(message, oldestMs) : null);
  if (root === null) return tsOf(await main.open(message, call));
  if (message.triedAtMs !== null && (await main.hasArrived(message, root, oldestMs)))
    return ok(root);
  const updated = await main.update(message, root, room === null ? null : noteOf(room));
  if (!updated.ok) {
    // Somebody deleted it: the incident needs a new one.
    const isGone = updated.error.code === "message_not_found";
    return isGone ? tsOf(await main.open(message)) : updated;
  }
  if (room !== null) return ok(root);
  const said = await main.say(message, root);
  return said.ok ? ok(root) : said;
}

function tsOf(posted: SlackResult): Result<string, Failure> {
  if (!posted.ok) return posted;
  const { ts } = posted.value;
  return ts === undefined
    ? { ok: false, error: { class: "unknown_outcome", detail: "Slack's answer is not understood" } }
    : ok(ts);
}
