/** One request to the other side of a channel: no redirect is followed, the answer is bounded, and a failure has its class. */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { readStart } from "../platform/bounded-body.ts";
import { formatDuration } from "../shared/duration.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { ChannelReach } from "./channel.ts";

/** More of an answer is not read. */
export const ANSWER_BYTES_MAX = 512 * 1024;
const RETRY_AFTER_MS_MAX = 60 * 60_000;
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export type Asked = {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; an object is sent as JSON. */
  readonly body?: string | Readonly<Record<string, unknown>>;
  /** Statuses that mean "later" here, beside those that mean it everywhere. */
  readonly later?: readonly number[];
  /** Statuses beside 2xx whose body is an answer here. */
  readonly heard?: readonly number[];
  /** Nobody reads the answer's body. */
  readonly isBlind?: boolean;
};
/** What a 2xx, or a status that is heard, said; `text` is empty when nobody reads it. */
export type Answer = { readonly status: number; readonly text: string };
export type Ask = (url: string, asked: Asked) => Promise<Result<Answer, Failure>>;

/** Asks within one deadline, however many requests a delivery takes. Failures name neither the address nor what was answered. */
export function asking({ fetch, atMs, deadlineMs }: ChannelReach): Ask {
  const signal = AbortSignal.timeout(deadlineMs);
  return async (url, asked) => {
    try {
      const response = await fetch(url, { ...initOf(asked), signal });
      return classify(response, await textOf(response, asked), atMs, asked);
    } catch (error) {
      return err(unanswered(error, deadlineMs));
    }
  };
}

const initOf = ({ method = "POST", headers = {}, body }: Asked): RequestInit => ({
  method,
  // A redirect would carry the message to an address that nobody configured.
  redirect: "manual",
  headers: {
    ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
    "user-agent": "firebreak",
    ...headers,
  },
  ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
});

async function textOf(response: Response, asked: Asked): Promise<string> {
  if (isAnswer(response, asked) && asked.isBlind !== true)
    return readStart(response, ANSWER_BYTES_MAX);
  // Leaving it open would hold the connection.
  await response.body?.cancel();
  return "";
}

const isAnswer = ({ ok: isOk, status }: Response, { heard = [] }: Asked): boolean =>
  isOk || heard.includes(status);

function classify(
  response: Response,
  text: string,
  atMs: number,
  asked: Asked,
): Result<Answer, Failure> {
  const { status, headers } = response;
  if (isAnswer(response, asked)) return ok({ status, text });
  const waitMs = retryAfterMs(headers.get("retry-after"), atMs);
  // GitHub's secondary limits are a 403 that says when to come back.
  const isLater = RETRYABLE_STATUSES.has(status) || asked.later?.includes(status) === true;
  if (status >= 500 || isLater || (status === 403 && waitMs !== null)) {
    const said = `the receiver answered ${status}`;
    if (waitMs === null) return err({ class: "retry", detail: said });
    const detail = `${said}, and asks to wait ${formatDuration(waitMs)}`;
    return err({ class: "retry", detail, afterMs: waitMs });
  }
  return err({ class: "refuse", detail: `the receiver answered ${status}${meaning(status)}` });
}

function meaning(status: number): string {
  if (status === 410) return ": it unsubscribed";
  if (status >= 300 && status < 400) return ": put the address it redirects to into the secret";
  return "";
}

/** Seconds or a date, as RFC 9110 allows; anything else is as if it were not there. */
function retryAfterMs(header: string | null, atMs: number): number | null {
  if (header === null) return null;
  const waitMs = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - atMs;
  return waitMs > 0 ? Math.min(waitMs, RETRY_AFTER_MS_MAX) : null;
}

/** A message that may have arrived is sent again all the same: each channel sees to it that the same is the same. */
function unanswered(error: unknown, deadlineMs: number): Failure {
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  // The runtime's own words could hold the address, and addresses of webhooks hold keys.
  const detail = isTimeout
    ? `the receiver did not answer within ${formatDuration(deadlineMs)}`
    : "the receiver could not be reached";
  return { class: "retry", detail };
}

/** An address that a message may be sent to. */
export const httpsAddress = z
  .url()
  .refine(isPrivateOnTheWay, "write an https address; plain http is for this machine only");

/** Where an API answers that everybody runs for themselves. */
export const ownApi = httpsAddress.transform((url) => url.replace(/\/+$/, ""));

/** The same for the root of an API, to which paths are added. */
export const apiRoot = (usual: string) => ownApi.default(usual);

function isPrivateOnTheWay(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return (
    url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK_HOSTS.has(url.hostname))
  );
}
