/**
 * E-mail by Cloudflare's binding: one mail per message, in plain text, to the site's own people. It has no idempotency key: a mail whose
 * sending was not heard of may come twice. An account sends few mails an hour, and customers are no list of addresses: `resend-broadcast`
 * is for them.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { withinDeadline } from "../../platform/deadline.ts";
import { formatDuration } from "../../shared/duration.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { defineChannel, type Mail } from "../channel.ts";

/** Of one mail, as Cloudflare counts. */
const RECIPIENTS_MAX = 50;

const address = z.email().max(254);

/** Cloudflare's words for "later"; whatever else it says stays so until a person changes something. */
const LATER: ReadonlySet<string> = new Set([
  "E_RATE_LIMIT_EXCEEDED",
  "E_DELIVERY_FAILED",
  "E_INTERNAL_SERVER_ERROR",
]);

export const cloudflareEmail = defineChannel({
  id: "cloudflare-email",
  needs: "mail",
  secret: z.strictObject({
    /** Of a domain that sends by Cloudflare. */
    from: address,
    to: z.array(address).min(1).max(RECIPIENTS_MAX),
  }),

  async send({ incidentId, subject, body }, { from, to }, { mail, deadlineMs }) {
    if (mail === undefined) return err({ class: "refuse", detail: NOT_BOUND });
    return sendBy(mail, deadlineMs, {
      from: { email: from, name: "Firebreak" },
      to,
      subject,
      text: body,
      // Mail programs show what refers to the same as one conversation.
      headers: { References: `<${incidentId}@firebreak.invalid>` },
    });
  },
});

/** What a channel that needs the binding lacks. */
export const NOT_BOUND = "the binding EMAIL is not there: see [[send_email]] in wrangler.toml";

async function sendBy(
  send: (mail: Mail) => Promise<unknown>,
  deadlineMs: number,
  mail: Mail,
): Promise<Result<{ readonly status: number }, Failure>> {
  try {
    const sent = await withinDeadline(deadlineMs, () => send(mail));
    if (sent.ok) return ok({ status: 200 });
    const detail = `Cloudflare did not answer within ${formatDuration(deadlineMs)}`;
    return err({ class: "retry", detail });
  } catch (fault) {
    return err(failureOf(fault));
  }
}

/** A code is a word; the words beside it may repeat addresses. */
function failureOf(fault: unknown): Failure {
  const code = fault instanceof Error && "code" in fault ? String(fault.code) : "";
  if (!/^E_[A-Z_]{1,60}$/.test(code)) {
    return { class: "unknown_outcome", detail: "Cloudflare failed without a code" };
  }
  return { class: LATER.has(code) ? "retry" : "refuse", detail: `Cloudflare answered ${code}` };
}
