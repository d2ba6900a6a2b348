/** What people press in Slack: signed with the app's signing secret (v0), a form with one field of JSON, answered within three seconds. */
import { z } from "zod";
import { fromHex, isSignedBy, join, utf8 } from "../../guard/write-journal/bytes.ts";
import { parseJson } from "../../shared/json.ts";
import { isTimely } from "../../webhooks/proof.ts";
import { asking } from "../ask.ts";
import { readPressed } from "../buttons.ts";
import { clip } from "../../shared/clip.ts";
import type { Chat } from "../chat.ts";
import { slackChannelId, slackSecret } from "../channels/slack.ts";

const WHISPER_CHARS_MAX = 2_000;

const blockActions = z.looseObject({
  type: z.literal("block_actions"),
  user: z.looseObject({ id: z.string().max(40) }),
  channel: z.looseObject({ id: slackChannelId }).optional(),
  actions: z
    .array(z.looseObject({ value: z.string().max(2_000).optional() }))
    .min(1)
    .max(25),
});

export const slackChat: Chat = {
  id: "slack",

  async isFrom({ headers, bytes }, secret, atMs) {
    const key = slackSecret.safeParse(secret).data?.signing_secret;
    const seconds = headers.get("x-slack-request-timestamp") ?? "";
    const signature = /^v0=([0-9a-f]{64})$/.exec(headers.get("x-slack-signature") ?? "")?.[1];
    const given = fromHex(signature ?? "");
    if (key === undefined || signature === undefined || given === null) return false;
    if (!isTimely(seconds, atMs)) return false;
    return isSignedBy(utf8(key), join(utf8(`v0:${seconds}:`), bytes), [given]);
  },

  read({ bytes }) {
    const payload = new URLSearchParams(new TextDecoder().decode(bytes)).get("payload");
    const parsed = blockActions.safeParse(parseJson(payload ?? ""));
    if (!parsed.success) return null;
    const { user, channel, actions } = parsed.data;
    const pressed = readPressed(actions[0]?.value ?? "");
    return { member: user.id, room: channel?.id ?? null, pressed };
  },

  memberOf: ({ slack }) => slack,

  // Slack shows nothing of what is answered.
  answer: () => ({ body: "", type: "text/plain" }),

  // One app signs for all of its channels, in any workspace: whoever pressed reads it where they did.
  async whisper(text, { member, room }, secrets, reach) {
    const known = secrets.map((secret) => slackSecret.parse(secret));
    const given = known.find(({ channel }) => channel === room) ?? known[0];
    if (given === undefined) return;
    await asking(reach)(`${given.api}/chat.postEphemeral`, {
      headers: { authorization: `Bearer ${given.token}` },
      body: {
        channel: room ?? given.channel,
        user: member,
        text: clip(escapeText(text), WHISPER_CHARS_MAX),
      },
      isBlind: true,
    });
  },
};

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
