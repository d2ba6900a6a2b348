/** What people press in Discord: signed with the application's key (Ed25519), JSON, and answered in the same breath. */
import { z } from "zod";
import { fromHex, join, utf8 } from "../../guard/write-journal/bytes.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { isTimely } from "../../webhooks/proof.ts";
import { readPressed, writePressed } from "../buttons.ts";
import { discordSecret } from "../channels/discord.ts";
import { WHY_CHARS_MAX, WHY_FIELD, type Chat, type Outcome } from "../chat.ts";

const TEXT_CHARS_MAX = 2_000;
const ALGORITHM = "Ed25519";
const PONG = 1;
const MESSAGE = 4;
const MODAL = 9;
/** Taken, and nothing is shown. */
const DEFERRED_UPDATE = 6;
const EPHEMERAL = 64;
const LABEL = 18;
const TEXT_INPUT = 4;
const PARAGRAPH = 2;
const QUESTION_CHARS_MAX = 100;

const user = z.looseObject({ id: z.string().max(20) });
const from = {
  channel_id: z.string().max(20).optional(),
  /** In a server; alone with the bot it is the user. */
  member: z.looseObject({ user }).optional(),
  user: user.optional(),
};
/** Of a modal: what was written into its one field. */
const written = z.looseObject({
  component: z.looseObject({ custom_id: z.literal(WHY_FIELD), value: z.string().max(4_000) }),
});
const interaction = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal(1) }),
  z.looseObject({
    type: z.literal(3),
    ...from,
    data: z.looseObject({ custom_id: z.string().max(100) }),
  }),
  z.looseObject({
    type: z.literal(5),
    ...from,
    data: z.looseObject({ custom_id: z.string().max(100), components: z.tuple([written]) }),
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
    if (who === undefined) return null;
    const why =
      parsed.data.type === 5
        ? clip(parsed.data.data.components[0].component.value, WHY_CHARS_MAX)
        : null;
    return { member: who.id, room, pressed: readPressed(data.custom_id), why, trigger: null };
  },

  memberOf: (person) => person.discord,

  answer: (heard) => ({ body: JSON.stringify(answered(heard)), type: "application/json" }),
};

function answered(heard: "ping" | Outcome) {
  if (heard === "ping") return { type: PONG };
  if (heard.kind === "asks") return { type: MODAL, data: modalOf(heard) };
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

/** Asks for a reason; what was pressed comes back with it. */
const modalOf = ({ pressed, question }: Extract<Outcome, { readonly kind: "asks" }>) => ({
  custom_id: writePressed(pressed),
  title: "Why all the same?",
  components: [
    {
      type: LABEL,
      label: "Your reason",
      description: clip(question, QUESTION_CHARS_MAX),
      component: {
        type: TEXT_INPUT,
        custom_id: WHY_FIELD,
        style: PARAGRAPH,
        required: true,
        min_length: 1,
        max_length: WHY_CHARS_MAX,
      },
    },
  ],
});
