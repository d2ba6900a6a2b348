/**
 * Mail to customers by a Resend broadcast to a segment of the site's contacts: one when something serious begins, or comes back, one when
 * that is over.
 * A draft for a person to send, unless the secret says otherwise; whom it reaches, and who wants no more of it, is Resend's to know.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask, type Asked } from "../ask.ts";
import type { Receipt } from "../channel.ts";
import { definePublicChannel, type PublicMessage } from "../public-channel.ts";

const BROADCASTS_MAX = 100;
type Kind = "begin" | "end";
const OUT: ReadonlySet<string> = new Set(["queued", "sending", "sent"]);
/** Resend puts the address in, one for each who reads it. */
const UNSUBSCRIBE = "{{{RESEND_UNSUBSCRIBE_URL}}}";

const secret = z.strictObject({
  api_key: z.string().regex(/^re_\w{10,100}$/, "write an API key: re_…"),
  /** Of a domain that Resend has verified. */
  from: z.email().max(254),
  segment: z.uuid("write the segment's id, a UUID"),
  /** Sent at once; otherwise a draft waits there for somebody to read and send it. */
  send: z.boolean().default(false),
  api: apiRoot("https://api.resend.com"),
});
type Secret = z.output<typeof secret>;

const made = z.looseObject({ id: z.string().max(60) });
const listed = z.looseObject({
  data: z.array(made.extend({ name: z.string().nullish(), status: z.string().nullish() })),
});

export const resendBroadcast = definePublicChannel({
  id: "resend-broadcast",
  secret,

  async send(message, given, reach) {
    const call = calling(asking(reach), given);
    const all = await call(`?limit=${BROADCASTS_MAX}`, { method: "GET" }, listed);
    if (!all.ok) return all;
    // It has no idempotency key for these: the name is our mark.
    const find = (kind: Kind) => all.value.data.find(({ name }) => name === nameOf(message, kind));
    const begun = find("begin");
    const isOver = message.status === "resolved";
    const isWanted = isOver ? begun !== undefined : message.impact !== "minor";
    const kind = isOver ? "end" : "begin";
    const known = find(kind);
    if (known !== undefined) return ok(receiptOf(200, known.id, isOut(known.status) ? kind : null));
    if (!isWanted) return ok({ status: 200 });
    const sent = await call("", { body: broadcastOf(message, kind, given) }, made);
    return sent.ok ? ok(receiptOf(201, sent.value.id, given.send ? kind : null)) : sent;
  },
});

const receiptOf = (status: number, ref: string, mailed: Kind | null): Receipt => ({
  status,
  ref,
  ...(mailed === null ? {} : { mailed }),
});

/** It is no draft any more, by Resend's word for it. */
const isOut = (status: string | null | undefined): boolean => OUT.has(status ?? "");

/** One of each kind for each time that it began: what ended and came back is named with the end that was none. */
function nameOf({ incidentId, status, updates }: PublicMessage, kind: Kind): string {
  const before = status === "resolved" ? updates.slice(0, -1) : updates;
  const ended = before.findLast((update) => update.status === "resolved");
  return `firebreak ${incidentId} ${kind}${ended === undefined ? "" : ` after ${ended.id}`}`;
}

function broadcastOf(message: PublicMessage, kind: Kind, { from, segment, send }: Secret) {
  const { mail, updates } = message;
  const last = updates.at(-1) ?? updates[0];
  const words = kind === "begin" ? mail.body : last.message;
  return {
    segment_id: segment,
    from,
    name: nameOf(message, kind),
    subject: kind === "begin" ? mail.subject : `Resolved: ${mail.subject}`,
    // What others wrote is no field of Resend's.
    text: `${words.replaceAll("{{{", "{ {{")}\n\nUnsubscribe: ${UNSUBSCRIBE}`,
    ...(send ? { send } : {}),
  };
}

type Call = <T>(path: string, asked: Asked, shape: z.ZodType<T>) => Promise<Result<T, Failure>>;

const calling =
  (ask: Ask, { api_key, api }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${api}/broadcasts${path}`, {
      ...asked,
      headers: { authorization: `Bearer ${api_key}` },
    });
    if (!answer.ok) return answer;
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "Resend's answer is not understood" });
  };
