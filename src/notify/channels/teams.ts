/**
 * Microsoft Teams by a workflow that posts what its webhook gets: one card per piece of news. A workflow cannot update what it posted,
 * and knows no key by which a card that may have arrived is the same.
 */
import { z } from "zod";
import { clip } from "../../shared/clip.ts";
import { ok } from "../../shared/result.ts";
import { asking, httpsAddress } from "../ask.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

/** Teams takes 28 KB of a message; the rest is for the card around the lines. */
const LINES_BYTES_MAX = 20 * 1024;
/** What a line costs beside its words. */
const LINE_BYTES = 120;
const TITLE_CHARS_MAX = 200;

export const teams = defineChannel({
  id: "teams",
  secret: z.strictObject({ url: httpsAddress }),

  async send(message, { url }, reach) {
    const answer = await asking(reach)(url, { body: cardMessage(message), isBlind: true });
    return answer.ok ? ok({ status: answer.value.status }) : answer;
  },
});

const cardMessage = ({ subject, body, link }: ChannelMessage) => ({
  type: "message",
  attachments: [
    {
      contentType: "application/vnd.microsoft.card.adaptive",
      contentUrl: null,
      content: {
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        type: "AdaptiveCard",
        version: "1.4",
        body: [
          line(clip(subject, TITLE_CHARS_MAX), { weight: "Bolder", size: "Medium" }),
          ...linesOf(body),
        ],
        actions:
          link === null ? [] : [{ type: "Action.OpenUrl", title: "Open the incident", url: link }],
      },
    },
  ],
});

/** As many as fit. */
function linesOf(body: string): readonly object[] {
  const lines: object[] = [];
  let bytes = 0;
  for (const paragraph of body.split("\n\n")) {
    for (const [place, text] of paragraph.split("\n").entries()) {
      bytes += new TextEncoder().encode(JSON.stringify(text)).length + LINE_BYTES;
      if (bytes > LINES_BYTES_MAX) return lines;
      lines.push(line(text === "" ? " " : text, {}, place === 0 ? "Medium" : "None"));
    }
  }
  return lines;
}

/** Text runs know no Markdown, so that no text from outside poses as a link. */
const line = (text: string, style: object, spacing = "None") => ({
  type: "RichTextBlock",
  spacing,
  inlines: [{ type: "TextRun", text, ...style }],
});
