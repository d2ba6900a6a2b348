/** E-mail by Resend: one mail per message, in plain text. Its key makes a mail that was begun before the same mail. */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { apiRoot, asking } from "../ask.ts";
import { defineChannel } from "../channel.ts";

const RECIPIENTS_MAX = 50;
const KEY_IN_USE = 409;

const address = z.email().max(254);

export const resend = defineChannel({
  id: "resend",
  secret: z.strictObject({
    api_key: z.string().regex(/^re_\w{10,100}$/, "write an API key: re_…"),
    /** Of a domain that Resend has verified. */
    from: address,
    to: z.array(address).min(1).max(RECIPIENTS_MAX),
    api: apiRoot("https://api.resend.com"),
  }),

  async send({ deliveryId, incidentId, subject, body }, { api_key, from, to, api }, reach) {
    const answer = await asking(reach)(`${api}/emails`, {
      headers: { authorization: `Bearer ${api_key}`, "idempotency-key": deliveryId },
      body: {
        from: `Firebreak <${from}>`,
        to,
        subject,
        text: body,
        // Mail programs show what refers to the same as one conversation.
        headers: { References: `<${incidentId}@firebreak.invalid>` },
      },
      isBlind: true,
      // The attempt before is still at it.
      later: [KEY_IN_USE],
    });
    return answer.ok ? ok({ status: answer.value.status }) : answer;
  },
});
