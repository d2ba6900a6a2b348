/** A message as Slack shows it: Block Kit within its limits, and words for where no blocks are shown. */
import { clip } from "../../shared/clip.ts";
import { writePressed, type Button } from "../buttons.ts";
import type { ChannelMessage } from "../channel.ts";

const HEADER_CHARS_MAX = 150;
const LABEL_CHARS_MAX = 75;
const WARNING_CHARS_MAX = 300;
const SECTION_CHARS_MAX = 3_000;
const SECTIONS_MAX = 40;
/** What `chat.update` takes. */
const TEXT_CHARS_MAX = 4_000;

type Block = Readonly<Record<string, unknown>>;
export type SlackText = { readonly text: string; readonly blocks: readonly Block[] };

/** All there is to know: what is wrong, what was done, what is asked, and where to look. `note` is ours, and may link. */
export const wholeMessage = (message: ChannelMessage, note: string | null = null): SlackText => ({
  text: clipEscaped(message.subject, TEXT_CHARS_MAX),
  blocks: [
    {
      type: "header",
      text: plain(message.subject, HEADER_CHARS_MAX),
    },
    ...message.body
      .split("\n\n")
      // Slack refuses a message for one empty section, and a site's own words may have empty lines.
      .filter((text) => text.trim() !== "")
      .slice(0, SECTIONS_MAX)
      .map((text) => section(text)),
    ...(note === null
      ? []
      : [{ type: "section", text: { type: "mrkdwn", text: note, verbatim: true } }]),
    ...actions(message),
  ],
});

/** Only what is new; `mention` calls those whom it asks. */
export const newsMessage = ({ subject, news }: ChannelMessage, mention = ""): SlackText => ({
  text: after(mention, `${subject}: ${news}`, TEXT_CHARS_MAX),
  blocks: [section(`${subject}\n${news}`, mention)],
});

/** Members, as Slack reads them; empty for none. */
export const mentionOf = (members: readonly string[]): string =>
  members.map((id) => `<@${id}>`).join(" ");

const section = (text: string, mention = ""): Block => ({
  type: "section",
  text: { type: "mrkdwn", text: after(mention, text, SECTION_CHARS_MAX), verbatim: true },
});

/** What is ours, then what others wrote. */
const after = (ours: string, text: string, charsMax: number): string => {
  const before = ours === "" ? "" : `${ours} `;
  return `${before}${clipEscaped(text, charsMax - before.length)}`;
};

/** What can be done from here, and where to look. */
function actions(message: ChannelMessage): readonly Block[] {
  const { buttons, link } = message;
  const elements = [
    ...buttons.map((one) => button(one, message)),
    ...(link === null
      ? []
      : [{ type: "button", action_id: "open", text: plain("Open the incident"), url: link }]),
  ];
  return elements.length === 0 ? [] : [{ type: "actions", elements }];
}

const button = (
  { deed, mitigation, label, warning }: Button,
  { incidentId, deliveryId }: ChannelMessage,
): Block => ({
  type: "button",
  action_id: mitigation === null ? deed : `${deed}:${mitigation}`,
  text: plain(label, LABEL_CHARS_MAX),
  value: writePressed({ deed, mitigation, incidentId, deliveryId }),
  ...(warning === null ? {} : { confirm: confirmation(label, warning) }),
});

const confirmation = (label: string, warning: string): Block => ({
  title: plain(`${label}?`, LABEL_CHARS_MAX),
  text: plain(warning, WARNING_CHARS_MAX),
  confirm: plain("Yes"),
  deny: plain("No"),
});

/** Text that Slack takes as it is, at most so long. */
export const plain = (text: string, charsMax = LABEL_CHARS_MAX): Block => ({
  type: "plain_text",
  text: clip(text, charsMax),
  emoji: false,
});

/** Escaped, so that no text from outside mentions a channel or poses as a link; cut so that the escaped text fits. */
export function clipEscaped(text: string, charsMax: number): string {
  const escaped = escapeText(text);
  if (escaped.length <= charsMax) return escaped;
  return `${clip(escaped, charsMax - 1).replace(/(?:&[a-z]*)?…$/, "")}…`;
}

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
