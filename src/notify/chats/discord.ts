/** What people press in Discord: signed with the application's key (Ed25519), JSON, and answered in the same breath. */
import { z } from "zod";
import { fromHex, join, utf8 } from "../../guard/write-journal/bytes.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { isTimely } from "../../webhooks/proof.ts";
import { readPressed } from "../buttons.ts";
import { discordSecret } from "../channels/discord.ts";
import type { Chat } from "../chat.ts";

const TEXT_CHARS_MAX = 2_000;
const ALGORITHM = "Ed25519";
const PONG = 1;
const MESSAGE = 4;
/** Taken, and nothing is shown. */
const DEFERRED_UPDATE = 6;
const EPHEMERAL = 64;

const user = z.looseObject({ id: z.string().max(20) });
const interaction = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal(1) }),
  z.looseObject({
    type: z.literal(3),
    channel_id: z.string().max(20).optional(),
    /** In a server; alone with the bot it is the user. */
    member: z.looseObject({ user }).optional(),
    user: user.optional(),
    data: z.looseObject({ custom_id: z.string().max(100) }),
  }),
]);

export const discordChat: Chat = {
  id: "discord",

  async isFrom({ headers, bytes }, secret, atMs) {
    const key = fromHex(discordSecret.safeParse(secret).data?.public_key ?? "");
    const seconds = headers.get("x-signature-timestamp") ?? "";
    const given = headers.get("x-signature-ed25519") ?? "";
    const signature = /^[0-9a-f]{128}$/.test(given) ? fromHex(given) : null;
    if (key === null || key.length === 0 || signature === null) return false;
    if (!isTimely(seconds, atMs)) return false;
    const publicKey = await crypto.subtle.importKey("raw", key, ALGORITHM, false, ["verify"]);
    return crypto.subtle.verify(ALGORITHM, publicKey, signature, join(utf8(seconds), bytes));
  },

  read({ bytes }) {
    const parsed = interaction.safeParse(parseJson(new TextDecoder().decode(bytes)));
    if (!parsed.success) return null;
    if (parsed.data.type === 1) return "ping";
    const { member, user: alone, channel_id: room = null, data } = parsed.data;
    const who = member?.user ?? alone;
    return who === undefined
      ? null
      : { member: who.id, room, pressed: readPressed(data.custom_id) };
  },

  memberOf: (person) => person.discord,

  answer: (heard) => ({ body: JSON.stringify(answered(heard)), type: "application/json" }),
};

function answered(heard: "ping" | { readonly text: string | null }) {
  if (heard === "ping") return { type: PONG };
  if (heard.text === null) return { type: DEFERRED_UPDATE };
  return {
    type: MESSAGE,
    data: {
      content: clip(heard.text, TEXT_CHARS_MAX),
      flags: EPHEMERAL,
      allowed_mentions: { parse: [] },
    },
  };
}
