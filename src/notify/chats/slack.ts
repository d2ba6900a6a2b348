/** What people press in Slack: signed with the app's signing secret (v0), a form with one field of JSON, answered within three seconds. */
import { z } from "zod";
import { fromHex, isSignedBy, join, utf8 } from "../../guard/write-journal/bytes.ts";
import { parseJson } from "../../shared/json.ts";
import { isTimely } from "../../webhooks/proof.ts";
import { asking } from "../ask.ts";
import { clip } from "../../shared/clip.ts";
import { readPressed, writePressed } from "../buttons.ts";
import { clipEscaped, plain } from "../channels/slack-blocks.ts";
import { order } from "../channels/slack-room.ts";
import { slackChannelId, slackSecret } from "../channels/slack.ts";
import { WHY_CHARS_MAX, WHY_FIELD, type Chat, type Outcome, type Press } from "../chat.ts";

const WHISPER_CHARS_MAX = 2_000;
const QUESTION_CHARS_MAX = 1_000;
/** Of a modal that asks for a reason; Slack sends it back with what was written. */
const CALLBACK = "firebreak_why";

const user = z.looseObject({ id: z.string().max(40) });
const payload = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("block_actions"),
    user,
    channel: z.looseObject({ id: slackChannelId }).optional(),
    trigger_id: z.string().max(200).optional(),
    actions: z
      .array(z.looseObject({ value: z.string().max(2_000).optional() }))
      .min(1)
      .max(25),
  }),
  z.looseObject({
    type: z.literal("view_submission"),
    user,
    view: z.looseObject({
      callback_id: z.literal(CALLBACK),
      /** What was pressed, and where: it went to Slack with the question, and nobody else could write it. */
      private_metadata: z.string().max(3_000),
      state: z.looseObject({
        values: z.looseObject({
          [WHY_FIELD]: z.looseObject({
            [WHY_FIELD]: z.looseObject({ value: z.string().max(3_000).nullish() }),
          }),
        }),
      }),
    }),
  }),
]);

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
    const text = new URLSearchParams(new TextDecoder().decode(bytes)).get("payload");
    const parsed = payload.safeParse(parseJson(text ?? ""));
    if (!parsed.success) return null;
    return parsed.data.type === "view_submission" ? writtenIn(parsed.data) : pressedIn(parsed.data);
  },

  memberOf: ({ slack }) => slack,

  // Slack shows nothing of what is answered, and closes what it had asked for when that is nothing.
  answer: () => ({ body: "", type: "text/plain" }),

  // One app signs for all of its channels, in any workspace: whoever pressed reads it where they did.
  async follow(outcome, press, secrets, reach) {
    const known = secrets.map((secret) => slackSecret.parse(secret));
    const given = known.find(({ channel }) => channel === press.room) ?? known[0];
    if (given === undefined) return;
    const ask = asking(reach);
    if (outcome.kind === "asks" && press.trigger !== null) {
      const view = viewOf(outcome, press.room);
      const opened = await order(ask, given, "views.open", { trigger_id: press.trigger, view });
      if (opened.ok) return;
    }
    if (outcome.text === null) return;
    await order(ask, given, "chat.postEphemeral", {
      channel: press.room ?? given.channel,
      user: press.member,
      text: clipEscaped(outcome.text, WHISPER_CHARS_MAX),
    });
  },
};

type Payload<Type> = Extract<z.infer<typeof payload>, { readonly type: Type }>;

function pressedIn({ user: by, channel, actions, trigger_id }: Payload<"block_actions">): Press {
  const pressed = readPressed(actions[0]?.value ?? "");
  return {
    member: by.id,
    room: channel?.id ?? null,
    pressed,
    why: null,
    trigger: trigger_id ?? null,
  };
}

function writtenIn({ user: by, view }: Payload<"view_submission">): Press {
  const [pressed = "", room] = view.private_metadata.split(" ");
  const why = view.state.values[WHY_FIELD][WHY_FIELD].value ?? "";
  return {
    member: by.id,
    room: slackChannelId.safeParse(room).data ?? null,
    pressed: readPressed(pressed),
    why: clip(why, WHY_CHARS_MAX),
    trigger: null,
  };
}

/** Asks for a reason. */
const viewOf = (
  { pressed, question }: Extract<Outcome, { readonly kind: "asks" }>,
  room: string | null,
) => ({
  type: "modal",
  callback_id: CALLBACK,
  private_metadata: [writePressed(pressed), ...(room === null ? [] : [room])].join(" "),
  title: plain("Why all the same?"),
  submit: plain("Resolve it"),
  close: plain("Cancel"),
  blocks: [
    {
      type: "section",
      text: { type: "mrkdwn", text: clipEscaped(question, QUESTION_CHARS_MAX), verbatim: true },
    },
    {
      type: "input",
      block_id: WHY_FIELD,
      label: plain("Your reason"),
      element: {
        type: "plain_text_input",
        action_id: WHY_FIELD,
        multiline: true,
        min_length: 1,
        max_length: WHY_CHARS_MAX,
      },
    },
  ],
});
