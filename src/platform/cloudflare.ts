/**
 * A thin client of Cloudflare's API: one call, one answer, never a retry. It says how a failure is to be taken, keeps below the
 * vendor's limits, and lets neither the token nor an endless answer through.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { parseJson } from "../shared/json.ts";
import { redact } from "../shared/redact.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { BodyTooLargeError, boundBody } from "./bounded-body.ts";
import { withinDeadline } from "./deadline.ts";
import { errorName } from "./error-name.ts";
import { RateMeter, type RateBudget } from "./rate-budget.ts";

export const CLOUDFLARE_API_URL = "https://api.cloudflare.com/client/v4";
export const CLOUDFLARE_TIMEOUT_MS = 8_000;
export const CLOUDFLARE_BYTES_MAX = 1024 * 1024;
/** The vendor allows 1200 in five minutes, for everything that the token's owner does together. */
export const CLOUDFLARE_BUDGET: RateBudget = { perSecond: 3, burst: 30, reserve: 10 };
/** After a 429 everything is refused for up to five minutes. */
export const CLOUDFLARE_WAIT_MS_MAX = 300_000;
const CLOUDFLARE_WAIT_MS = 60_000;
const ERRORS_SHOWN_MAX = 3;
const MESSAGE_CHARS_MAX = 500;

export type CloudflareCall<T> = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the account, or below `zone` where it is given: `/workers/scripts/shop/deployments`, each part already encoded. */
  readonly path: string;
  readonly zone?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What `result` of a right answer looks like. */
  readonly result: z.ZodType<T>;
  /** It changes nothing although it is not a GET. */
  readonly isRead?: boolean;
  /** One such change at a time is taken: a 429 that names no time says that another is at work, not that too much was asked. */
  readonly isOneAtATime?: boolean;
};

/** One page of a list; `after` is where the next begins, null on the last. */
export type CloudflarePage<T> = { readonly result: T; readonly after: string | null };

export type CloudflareError = { readonly code: number; readonly message: string };

/** `errors` are the vendor's own, when it gave any: codes mean something only together with the endpoint. */
export type CloudflareFailure = Failure & {
  readonly errors: readonly CloudflareError[];
  /** Null when nothing was answered. */
  readonly status: number | null;
};

/** A question to the Analytics API. `$account` is put in by the client. Answers are sampled, and late by a minute or more. */
export type CloudflareQuestion<T> = {
  readonly query: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Below which list of `viewer` a right answer stands. */
  readonly of: "accounts" | "zones";
  /** What its one member looks like. */
  readonly found: z.ZodType<T>;
};

export type Cloudflare = {
  readonly call: <T>(call: CloudflareCall<T>) => Promise<Result<T, CloudflareFailure>>;
  /** The same for what comes in pages. */
  readonly page: <T>(
    call: CloudflareCall<T>,
  ) => Promise<Result<CloudflarePage<T>, CloudflareFailure>>;
  readonly analytics: <T>(asked: CloudflareQuestion<T>) => Promise<Result<T, CloudflareFailure>>;
};

/** Production, as Cloudflare knows it. Null is not configured. */
export type CloudflareProduction = {
  readonly api: Cloudflare;
  readonly worker: string | null;
  readonly pagesProject: string | null;
  /** What visitors' requests pass before the guard. */
  readonly zoneId: string | null;
};

export type CloudflareAccess = {
  readonly baseUrl: string;
  readonly accountId: string;
  readonly token: string;
  readonly timeoutMs?: number;
};

const envelope = z.object({
  success: z.boolean(),
  errors: z
    .array(z.object({ code: z.int(), message: z.string() }))
    .nullish()
    .transform((errors) => errors ?? []),
  result: z.unknown(),
  /** The last page names no next one, or names it as nothing. */
  result_info: z
    .object({ cursors: z.object({ after: z.string().max(1_000) }) })
    .transform(({ cursors: { after } }) => (after === "" ? null : after))
    .catch(null),
});

export function createCloudflare(
  { baseUrl, accountId, token, timeoutMs = CLOUDFLARE_TIMEOUT_MS }: CloudflareAccess,
  now: () => number = Date.now,
): Cloudflare {
  const meter = new RateMeter(CLOUDFLARE_BUDGET);
  const withoutToken = (text: string): string => redact(text.replaceAll(token, "[redacted]"));
  const fail: Fail = (kind, detail, { errors = [], status = null } = {}) =>
    err({
      class: kind,
      detail: withoutToken(`Cloudflare: ${detail}`).slice(0, MESSAGE_CHARS_MAX),
      errors: errors.slice(0, ERRORS_SHOWN_MAX).map(({ code, message }) => ({
        code,
        message: withoutToken(message).slice(0, MESSAGE_CHARS_MAX),
      })),
      status,
    });

  /** Sends one request, and has what was answered read. */
  async function send<T>(
    { url, method, body, isRead, isOneAtATime = false }: Sent,
    read: (answered: Answered) => Result<T, CloudflareFailure>,
  ): Promise<Result<T, CloudflareFailure>> {
    /** What may have been done cannot simply be done again; what was only read can. */
    const lost = isRead ? "retry" : "unknown_outcome";
    if (!meter.take(isRead ? "read" : "change", now())) {
      return fail("retry", "too much was asked of it lately; nothing was sent");
    }
    try {
      const answered = await withinDeadline(timeoutMs, async (signal) => {
        const response = await fetch(url, {
          method,
          headers: headersOf(token, body),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          redirect: "manual",
          signal,
        });
        const text = await boundBody(response, CLOUDFLARE_BYTES_MAX).text();
        return { response, text };
      });
      if (!answered.ok) return fail(lost, "no answer within the deadline");
      const { response, text } = answered.value;
      const isBusy = isOneAtATime && !response.headers.has("retry-after");
      if (response.status === 429 && !isBusy) meter.close(now() + waitMsOf(response));
      return read({ status: response.status, text, lost });
    } catch (error) {
      const isGarbage = error instanceof BodyTooLargeError;
      return fail(lost, isGarbage ? "an answer too large to read" : errorName(error));
    }
  }

  const page: Cloudflare["page"] = (asked) =>
    send(sentFor(baseUrl, accountId, asked), (answered) => readAnswer(asked, answered, fail));

  return {
    page,
    async call(asked) {
      const answer = await page(asked);
      return answer.ok ? ok(answer.value.result) : answer;
    },
    analytics: (asked) =>
      send(
        {
          url: new URL(`${baseUrl.replace(/\/$/, "")}/graphql`),
          method: "POST",
          body: { query: asked.query, variables: { ...asked.variables, account: accountId } },
          isRead: true,
        },
        (answered) => readFindings(asked, answered, fail),
      ),
  };
}

type Sent = {
  readonly url: URL;
  readonly method: CloudflareCall<unknown>["method"];
  readonly body: unknown;
  readonly isRead: boolean;
  readonly isOneAtATime?: boolean | undefined;
};

const sentFor = (baseUrl: string, accountId: string, asked: CloudflareCall<unknown>): Sent => ({
  url: urlOf(baseUrl, accountId, asked),
  method: asked.method,
  body: asked.body,
  isRead: asked.isRead ?? asked.method === "GET",
  isOneAtATime: asked.isOneAtATime,
});

type Answered = {
  readonly status: number;
  readonly text: string;
  /** How it is to be taken when nobody knows what became of it. */
  readonly lost: Failure["class"];
};

type Fail = (
  kind: Failure["class"],
  detail: string,
  about?: { readonly errors?: readonly CloudflareError[]; readonly status?: number | null },
) => Result<never, CloudflareFailure>;

function readAnswer<T>(
  asked: CloudflareCall<T>,
  { status, text, lost }: Answered,
  fail: Fail,
): Result<CloudflarePage<T>, CloudflareFailure> {
  if (status === 429) return fail("retry", "it asks us to wait (HTTP 429)", { status });
  if (status >= 500 || status === 408) return fail(lost, `HTTP ${status}`, { status });
  const answer = envelope.safeParse(parseJson(text));
  const errors = answer.success ? answer.data.errors : [];
  if (status >= 300) return fail("refuse", `${said(errors)}HTTP ${status}`, { errors, status });
  if (!answer.success) return fail(lost, "an answer that makes no sense", { status });
  if (!answer.data.success) return fail("refuse", `${said(errors)}not done`, { errors, status });
  const result = asked.result.safeParse(answer.data.result);
  return result.success
    ? ok({ result: result.data, after: answer.data.result_info })
    : fail(lost, "an answer that makes no sense", { status });
}

/** GraphQL answers 200 to nearly everything: what is wrong stands in `errors`. */
const findings = z.object({
  data: z
    .object({ viewer: z.partialRecord(z.enum(["accounts", "zones"]), z.array(z.unknown())) })
    .nullish(),
  errors: z
    .array(
      z.looseObject({
        message: z.string(),
        extensions: z.looseObject({ code: z.string().optional() }).nullish(),
      }),
    )
    .nullish()
    .transform((errors) => errors ?? []),
});
/** Of an error: too much was asked lately. */
const BUDGET = "budget";

function readFindings<T>(
  asked: CloudflareQuestion<T>,
  { status, text, lost }: Answered,
  fail: Fail,
): Result<T, CloudflareFailure> {
  if (status === 429) return fail("retry", "it asks us to wait (HTTP 429)", { status });
  if (status >= 500 || status === 408) return fail(lost, `HTTP ${status}`, { status });
  if (status >= 300) return fail("refuse", `HTTP ${status}`, { status });
  const answer = findings.safeParse(parseJson(text));
  if (!answer.success) return fail(lost, "an answer that makes no sense", { status });
  const [error] = answer.data.errors;
  if (error !== undefined) {
    const isLater = error.extensions?.code === BUDGET;
    return fail(isLater ? "retry" : "refuse", error.message, { status });
  }
  const found = asked.found.safeParse(answer.data.data?.viewer[asked.of]?.[0]);
  return found.success ? ok(found.data) : fail(lost, "an answer that makes no sense", { status });
}

const said = (errors: readonly CloudflareError[]): string =>
  errors
    .slice(0, ERRORS_SHOWN_MAX)
    .map(({ code, message }) => `${message} (${code}); `)
    .join("");

function urlOf(
  baseUrl: string,
  accountId: string,
  { zone, path, query = {} }: CloudflareCall<unknown>,
) {
  const of =
    zone === undefined
      ? `accounts/${encodeURIComponent(accountId)}`
      : `zones/${encodeURIComponent(zone)}`;
  const url = new URL(`${baseUrl.replace(/\/$/, "")}/${of}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

const headersOf = (token: string, body: unknown): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${token}`,
  accept: "application/json",
  "user-agent": "firebreak",
  ...(body === undefined ? {} : { "content-type": "application/json" }),
});

/** How long it asks us to wait; it may give seconds, or nothing. */
function waitMsOf(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0
    ? Math.min(seconds * 1_000, CLOUDFLARE_WAIT_MS_MAX)
    : CLOUDFLARE_WAIT_MS;
}
