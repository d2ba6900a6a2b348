/**
 * Discord by a bot: one message per incident that is kept current in place, and a reply to it for each piece of news. Discord takes a
 * message whose nonce it saw in the last minutes for the same.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask } from "../ask.ts";
import { writePressed, type Button } from "../buttons.ts";
import { defineChannel, mentioned, type ChannelMessage, type Receipt } from "../channel.ts";

const CONTENT_CHARS_MAX = 2_000;
const DESCRIPTION_CHARS_MAX = 4_096;
const LABEL_CHARS_MAX = 80;
const NONCE_CHARS_MAX = 25;
const ROW_BUTTONS_MAX = 5;
const ROWS_MAX = 5;

const STYLE = { primary: 1, secondary: 2, danger: 4, link: 5 } as const;
const ROW = 1;
const BUTTON = 2;

const snowflake = z.string().regex(/^\d{17,20}$/, "write an id of 17 to 20 digits");

export const discordSecret = z.strictObject({
  token: z.string().regex(/^[\w.-]{50,100}$/, "write a bot's token"),
  channel: snowflake,
  /** Of the application, where its buttons are to work: how Discord proves who sent a press. */
  public_key: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "write the application's public key: 64 hex digits")
    .optional(),
  api: apiRoot("https://discord.com/api/v10"),
});
type Secret = z.output<typeof discordSecret>;

export const discord = defineChannel({
  id: "discord",
  secret: discordSecret,

  async send(message, secret, reach) {
    const ask = asking(reach);
    const whole = wholeMessage(message, secret);
    const asked = mentioned(message, reach, "discord");
    const anew = calling(asked, whole);
    if (message.ref === null) return post(ask, secret, message, anew);
    const updated = await call(ask, secret, "PATCH", `/${message.ref}`, whole);
    if (!updated.ok) {
      // Somebody deleted it: the incident needs a new one.
      return updated.error.class === "refuse" ? post(ask, secret, message, anew) : updated;
    }
    const reply = {
      content: clip(escaped(`${message.subject}: ${message.news}`), CONTENT_CHARS_MAX),
      message_reference: { message_id: message.ref, fail_if_not_exists: false },
    };
    return post(ask, secret, message, calling(asked, reply), message.ref);
  },
});

/** Calls them, and nobody else whatever the text says; an edit calls nobody again. */
const calling = <Body extends { readonly content: string }>(
  users: readonly string[],
  body: Body,
): Body & { readonly allowed_mentions?: object } =>
  users.length === 0
    ? body
    : {
        ...body,
        content: clip(
          `${users.map((id) => `<@${id}>`).join(" ")} ${body.content}`,
          CONTENT_CHARS_MAX,
        ),
        allowed_mentions: { parse: [], users },
      };

async function post(
  ask: Ask,
  secret: Secret,
  { deliveryId }: ChannelMessage,
  body: object,
  root: string | null = null,
): Promise<Result<Receipt, Failure>> {
  const nonce = deliveryId.replace(/^dlv_/, "").slice(0, NONCE_CHARS_MAX);
  const made = await call(ask, secret, "POST", "", { ...body, nonce, enforce_nonce: true });
  return made.ok ? ok({ status: 200, ref: root ?? made.value }) : made;
}

const answer = z.looseObject({ id: snowflake });

async function call(
  ask: Ask,
  { token, channel, api }: Secret,
  method: "POST" | "PATCH",
  path: string,
  body: object,
): Promise<Result<string, Failure>> {
  const answered = await ask(`${api}/channels/${channel}/messages${path}`, {
    method,
    headers: { authorization: `Bot ${token}` },
    body: { allowed_mentions: { parse: [] }, ...body },
  });
  if (!answered.ok) return answered;
  const parsed = answer.safeParse(parseJson(answered.value.text));
  return parsed.success
    ? ok(parsed.data.id)
    : err({ class: "unknown_outcome", detail: "Discord's answer is not understood" });
}

function wholeMessage(message: ChannelMessage, { public_key }: Secret) {
  const { subject, body, link } = message;
  // In a block of code nothing is a link, a mention or a heading.
  const room = DESCRIPTION_CHARS_MAX - "```\n\n```".length;
  const description = `\`\`\`\n${clip(body.replaceAll("`", "'"), room)}\n\`\`\``;
  const buttons = [
    // Buttons that nobody would hear are not shown.
    ...(public_key === undefined ? [] : message.buttons.map((one) => button(one, message))),
    ...(link === null
      ? []
      : [{ type: BUTTON, style: STYLE.link, label: "Open the incident", url: link }]),
  ];
  return {
    content: clip(escaped(subject), CONTENT_CHARS_MAX),
    embeds: [{ description }],
    components: Array.from(
      { length: Math.min(ROWS_MAX, Math.ceil(buttons.length / ROW_BUTTONS_MAX)) },
      (_, row) => ({
        type: ROW,
        components: buttons.slice(row * ROW_BUTTONS_MAX, (row + 1) * ROW_BUTTONS_MAX),
      }),
    ),
  };
}

const button = (
  { deed, mitigation, label, warning }: Button,
  { incidentId, deliveryId }: ChannelMessage,
) => ({
  type: BUTTON,
  style: warning === null ? STYLE.primary : STYLE.danger,
  label: clip(label, LABEL_CHARS_MAX),
  custom_id: writePressed({ deed, mitigation, incidentId, deliveryId }),
});

/** Text from outside neither links nor shouts. */
const escaped = (text: string): string => text.replaceAll(/[\\`*_~|<>[\]#]/g, String.raw`\$&`);
