/**
 * The channel in Slack that an incident which wakes people gets for itself. Its name follows from the incident, so that one whose making
 * was not heard of is found again. Whatever goes wrong with it, the message that people are woken by is not held up: the next one tries
 * again. Nobody but people archives it.
 */
import { decodeTime } from "ulid";
import { z } from "zod";
import { clip } from "../../shared/clip.ts";
import type { Ask } from "../ask.ts";
import type { ChannelMessage } from "../channel.ts";
import {
  look,
  order,
  Room,
  type SlackAccess,
  type SlackAnswer,
  type SlackResult,
} from "./slack-room.ts";

const INVITED_MAX = 50;
const TOPIC_CHARS_MAX = 250;
const CHANNELS_PAGE = 1_000;
const PAGES_MAX = 5;

export const warRoomWords = z.strictObject({
  /** Members who are brought in. */
  invite: z
    .array(z.string().regex(/^[UW][A-Z0-9]{7,20}$/, "write a member's id, such as U0123ABCD"))
    .max(INVITED_MAX)
    .default([]),
  private: z.boolean().default(false),
});
type Words = z.output<typeof warRoomWords>;

/** Where the incident is talked about: the room, and its first message there. */
export type WarRoom = { readonly id: string; readonly root: string };

type Workspace = { readonly ask: Ask; readonly access: SlackAccess; readonly words: Words };

/** A room with the incident's message in it, new or found again; null: not now. */
export async function openWarRoom(
  message: ChannelMessage,
  { ask, access, words }: Workspace,
): Promise<WarRoom | null> {
  const name = nameOf(message);
  const asked = { name, is_private: words.private };
  const made = await order(ask, access, "conversations.create", asked);
  const isTaken = !made.ok && made.error.code === "name_taken";
  const id = made.ok ? idIn(made.value) : isTaken ? await find(name, { ask, access, words }) : null;
  if (id === null || !(await furnish(id, message, { ask, access, words }))) return null;
  const room = new Room(ask, access, id);
  const known = made.ok ? null : await room.rootOf(message, 0);
  const root = known ?? (await rootIn(room, message));
  return root === null ? null : { id, root };
}

/** Keeps the room's message current and says what is new. False: it is no place to say anything any more. */
export async function tellWarRoom(
  message: ChannelMessage,
  { id, root }: WarRoom,
  { ask, access, oldestMs }: Pick<Workspace, "ask" | "access"> & { readonly oldestMs: number },
): Promise<boolean> {
  const room = new Room(ask, access, id);
  if (message.triedAtMs !== null && (await room.hasArrived(message, null, oldestMs))) return true;
  await room.update(message, root);
  return (await room.say(message, null)).ok;
}

/** `inc-2026-11-23-q7r9t1w0k4`: when it opened, and what no other of that day shares. */
function nameOf({ incidentId }: ChannelMessage): string {
  const ulid = incidentId.slice("inc_".length);
  const day = new Date(decodeTime(ulid)).toISOString().slice(0, "2026-11-23".length);
  return `inc-${day}-${ulid.slice(-10).toLowerCase()}`;
}

const ROOM_ID = /^[CG][A-Z0-9]{7,20}$/;
const idIn = ({ channel }: SlackAnswer): string | null =>
  typeof channel === "object" && ROOM_ID.test(channel.id) ? channel.id : null;

async function rootIn(room: Room, message: ChannelMessage): Promise<string | null> {
  const posted = await room.open(message);
  return posted.ok ? (posted.value.ts ?? null) : null;
}

/** Among the workspace's channels, newest or not; null when it is not among as many as are looked at. */
async function find(name: string, { ask, access, words }: Workspace): Promise<string | null> {
  let cursor = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const listed = await look(ask, access, "conversations.list", {
      types: words.private ? "private_channel" : "public_channel",
      exclude_archived: "true",
      limit: String(CHANNELS_PAGE),
      ...(cursor === "" ? {} : { cursor }),
    });
    if (!listed.ok) return null;
    const found = listed.value.channels?.find((channel) => channel.name === name);
    if (found !== undefined) return idIn({ ok: true, channel: found });
    cursor = listed.value.response_metadata?.next_cursor ?? "";
    if (cursor === "") return null;
  }
  return null;
}

/** What it is about, and who should be there; false: not now. What Slack will not do, a room can be without. */
async function furnish(
  id: string,
  { severity, title, link }: ChannelMessage,
  { ask, access, words }: Workspace,
): Promise<boolean> {
  const about = `${severity}: ${title}`;
  const topic = clip(link === null ? about : `${link} ${about}`, TOPIC_CHARS_MAX);
  const named = await order(ask, access, "conversations.setTopic", { channel: id, topic });
  if (words.invite.length === 0) return isDone(named);
  const users = words.invite.join(",");
  const asked = { channel: id, users, force: true };
  return isDone(named) && isDone(await order(ask, access, "conversations.invite", asked));
}

const isDone = (answer: SlackResult): boolean => answer.ok || answer.error.class === "refuse";
