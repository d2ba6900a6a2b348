/**
 * GoAlert's generic integration: one alert per incident, by its id, that calls whoever its rotation says and is closed with it. It has
 * no acknowledging from outside: that is done there.
 */
import { z } from "zod";
import { clip } from "../../shared/clip.ts";
import { ok } from "../../shared/result.ts";
import { asking, ownApi } from "../ask.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

const SUMMARY_CHARS_MAX = 118;
/** GoAlert takes 6 KiB, and a character may be four bytes. */
const DETAILS_CHARS_MAX = 1_500;

export const goalert = defineChannel({
  id: "goalert",
  secret: z.strictObject({
    /** The key of a service's integration of the type "Generic API". */
    token: z.string().regex(/^[\w.-]{20,400}$/, "write a generic integration's key"),
    /** Where it runs, such as https://goalert.example. */
    api: ownApi,
  }),

  // An alert whose dedup key is open is not made again; closing what is closed does nothing.
  async send(message, { token, api }, reach) {
    const answer = await asking(reach)(`${api}/api/v2/generic/incoming`, {
      headers: { authorization: `Bearer ${token}` },
      body: alertOf(message),
      isBlind: true,
    });
    return answer.ok ? ok({ status: answer.value.status }) : answer;
  },
});

const alertOf = ({ incidentId, subject, news, body, link, state }: ChannelMessage) => ({
  summary: clip(subject, SUMMARY_CHARS_MAX),
  details: clip([link, news, body].filter(Boolean).join("\n\n"), DETAILS_CHARS_MAX),
  dedup: incidentId,
  ...(state === "resolved" ? { action: "close" } : {}),
});
