/** A message as Slack shows it: Block Kit within its limits, and words for where no blocks are shown. */
import { clip } from "../../shared/clip.ts";
import type { ChannelMessage } from "../channel.ts";

const HEADER_CHARS_MAX = 150;
const SECTION_CHARS_MAX = 3_000;
const SECTIONS_MAX = 40;
/** What `chat.update` takes. */
const TEXT_CHARS_MAX = 4_000;

type Block = Readonly<Record<string, unknown>>;
export type SlackText = { readonly text: string; readonly blocks: readonly Block[] };

/** All there is to know: what is wrong, what was done, what is asked, and where to look. */
export const wholeMessage = ({ subject, body, link }: ChannelMessage): SlackText => ({
  text: clipEscaped(subject, TEXT_CHARS_MAX),
  blocks: [
    {
      type: "header",
      text: { type: "plain_text", text: clip(subject, HEADER_CHARS_MAX), emoji: false },
    },
    ...body.split("\n\n").slice(0, SECTIONS_MAX).map(section),
    ...(link === null ? [] : [button(link)]),
  ],
});

/** Only what is new. */
export const newsMessage = ({ subject, news }: ChannelMessage): SlackText => ({
  text: clipEscaped(`${subject}: ${news}`, TEXT_CHARS_MAX),
  blocks: [section(`${subject}\n${news}`)],
});

const section = (text: string): Block => ({
  type: "section",
  text: { type: "mrkdwn", text: clipEscaped(text, SECTION_CHARS_MAX), verbatim: true },
});

const button = (url: string): Block => ({
  type: "actions",
  elements: [{ type: "button", text: { type: "plain_text", text: "Open the incident" }, url }],
});

/** Escaped, so that no text from outside mentions a channel or poses as a link; cut so that the escaped text fits. */
function clipEscaped(text: string, charsMax: number): string {
  const escaped = escapeText(text);
  if (escaped.length <= charsMax) return escaped;
  return `${clip(escaped, charsMax - 1).replace(/(?:&[a-z]*)?…$/, "")}…`;
}

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
