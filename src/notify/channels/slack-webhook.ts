/** Slack by an incoming webhook: one message per piece of news. It cannot update or thread; a bot can. */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { asking, httpsAddress } from "../ask.ts";
import { defineChannel, mentioned } from "../channel.ts";
import { mentionOf, wholeMessage } from "./slack-blocks.ts";

export const slackWebhook = defineChannel({
  id: "slack-webhook",
  secret: z.strictObject({ url: httpsAddress }),

  async send(message, { url }, reach) {
    const mention = mentionOf(mentioned(message, reach, "slack"));
    const answer = await asking(reach)(url, {
      body: wholeMessage({ ...message, buttons: [] }, mention === "" ? null : mention),
      isBlind: true,
    });
    return answer.ok ? ok({ status: answer.value.status }) : answer;
  },
});
