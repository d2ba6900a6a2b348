/** What the guard says when it does not let a request through, in the language of whoever asked. */
import type { RefusingEntry } from "../policy/kinds.ts";
import type { GuardSettings } from "../policy/policy.ts";
import { audienceOf } from "./audience.ts";
import type { ChallengeTerms } from "../policy/challenge.ts";
import { PUZZLE_PATH, REDEEM_PATH } from "./challenge/paths.ts";
import { challengeOf } from "./challenge/terms.ts";
import type { RequestLike } from "./facts.ts";
import { retryAfterSecondsOf, refusalFields } from "./limits/headers.ts";
import { LIMIT_WORDS, limitProblem, UNAVAILABLE_MESSAGE } from "./limits/words.ts";
import type { LimitRefusal } from "./limits/rate-limit.ts";
import { CLEARANCE_COOKIE } from "./signed.ts";
import type { VerdictReason } from "./verdict.ts";
import { renderPage, type PageWords } from "./page.ts";

/** Sooner is a stampede; later and people have left, whatever the lease says: it is usually released early. */
export const RETRY_AFTER_SECONDS_MIN = 10;
export const RETRY_AFTER_SECONDS_MAX = 300;

/** RFC 6455 registry: 1012 "service restart" asks clients to reconnect, 1013 "try again later" to wait first. */
const WEBSOCKET_TRY_AGAIN_LATER = 1013;
/** RFC 6455: coming again does not help. */
const WEBSOCKET_POLICY_VIOLATION = 1008;

export type Refusal = {
  readonly enforced: Pick<
    RefusingEntry,
    "kind" | "message" | "retryAfterSeconds" | "limit" | "challenge"
  > & {
    readonly entry: Pick<RefusingEntry["entry"], "expiresAtMs">;
  };
  /** What the limit said, where it is one that refuses. */
  readonly limited: LimitRefusal | null;
  readonly settings: Pick<GuardSettings, "title" | "messages" | "statusPage">;
  readonly nowMs: number;
};

/** The answer to one refused request. */
export function answerFor(request: RequestLike, refusal: Refusal): Response {
  const words = wordsOf(refusal);
  const terms = termsOf(refusal);
  const audience = audienceOf(request);
  // The page of a challenge is not made here, and nobody but a browser on its way to a page can use it.
  switch (audience === "page" && challengeOf(refusal.enforced) !== null ? "program" : audience) {
    case "websocket":
      return closedWebSocket(
        terms.status === 403 ? WEBSOCKET_POLICY_VIOLATION : WEBSOCKET_TRY_AGAIN_LATER,
        words.heading,
      );
    case "preflight":
      return preflight(request, terms);
    case "page":
      return body(request, terms, PAGE_HEADERS, renderPage(words));
    case "program":
      return body(request, terms, PROBLEM_HEADERS, problem(words, terms));
  }
}

/** A problem body (RFC 9457) of the guard's own. */
export const problemAnswer = (
  request: RequestLike,
  slug: string,
  words: { readonly title: string; readonly detail: string },
): Response =>
  body(
    request,
    { status: 503, retryAfterSeconds: RETRY_AFTER_SECONDS_MIN, fields: {} },
    PROBLEM_HEADERS,
    JSON.stringify({ type: `/_firebreak/problems/${slug}`, status: 503, ...words }),
  );

/** To who delivered: kept is done, full is for another try, and anything else is not the journal's to answer. */
export function journalAnswer(request: RequestLike, outcome: VerdictReason): Response | null {
  if (outcome === "journaled") {
    // 200 and not 202: some senders take nothing else for done.
    return Response.json({ received: true }, { headers: { "cache-control": "no-store" } });
  }
  if (outcome !== "journal_full") return null;
  return problemAnswer(request, "journal-full", {
    title: "No room for this delivery",
    detail: "Deliveries wait until the site takes them again. Please send this one later.",
  });
}

type Terms = {
  readonly status: 403 | 429 | 503;
  /** Null: nobody is asked to come again. */
  readonly retryAfterSeconds: number | null;
  readonly fields: Readonly<Record<string, string>>;
};

const STATUSES = {
  "block-networks": 403,
  "rate-limit": 429,
  challenge: 403,
  maintenance: 503,
  "read-only": 503,
  "disabled-feature": 503,
} as const satisfies Record<RefusingEntry["kind"], Terms["status"]>;

function termsOf(refusal: Refusal): Terms {
  const { enforced, limited } = refusal;
  if (limited === null || enforced.limit === null) {
    const status = STATUSES[enforced.kind];
    return { status, retryAfterSeconds: retryAfterOf(refusal), fields: {} };
  }
  return {
    status: limited.reason === "unavailable" ? 503 : 429,
    retryAfterSeconds: retryAfterSecondsOf(limited.retryAfterMs),
    fields: refusalFields(enforced.limit, limited.retryAfterMs),
  };
}

/** `type` is the problem's; `members` extend it. */
type Words = PageWords & {
  readonly type: string;
  readonly members: Readonly<Record<string, unknown>>;
};

function wordsOf({ enforced, limited, settings }: Refusal): Words {
  const { messages, title } = settings;
  const isUnknown = limited?.reason === "unavailable";
  const { heading, message, hint } =
    limited === null ? KIND_WORDS[enforced.kind] : LIMIT_WORDS[limited.reason];
  return {
    site: title,
    contact: messages.contact,
    statusPage: settings.statusPage,
    heading,
    message:
      enforced.kind === "challenge"
        ? CHALLENGE_DETAIL
        : isUnknown
          ? UNAVAILABLE_MESSAGE
          : (enforced.message ?? messages[message]),
    hint,
    ...problemOf(enforced, limited),
  };
}

function problemOf(
  enforced: Refusal["enforced"],
  limited: LimitRefusal | null,
): Pick<Words, "type" | "members"> {
  const terms = challengeOf(enforced);
  const ways = terms === null ? {} : challengeMembers(terms);
  if (limited === null || enforced.limit === null) {
    return { type: `/_firebreak/problems/${enforced.kind}`, members: ways };
  }
  const { type, members } = limitProblem(limited, enforced.limit);
  return { type, members: { ...members, ...ways } };
}

const KIND_WORDS = {
  "block-networks": {
    heading: "Not available from your network",
    message: "blocked",
    hint: "If you think that this is a mistake, please write to us from another network.",
  },
  "rate-limit": LIMIT_WORDS.limited,
  challenge: {
    heading: "One moment, please",
    message: "challenge",
    hint: "",
  },
  maintenance: {
    heading: "Back shortly",
    message: "maintenance",
    hint: "Nothing is wrong on your side. Please try again in a few minutes.",
  },
  "read-only": {
    heading: "Changes are paused",
    message: "readOnly",
    hint: "What you just sent was not saved. Please go back, keep a copy, and try again in a few minutes.",
  },
  "disabled-feature": {
    heading: "Not available right now",
    message: "disabledFeature",
    hint: "The rest of the site works. Please try again later.",
  },
} as const satisfies Record<RefusingEntry["kind"], object>;

function retryAfterOf({ enforced, nowMs }: Refusal): number | null {
  if (enforced.retryAfterSeconds !== null) return enforced.retryAfterSeconds;
  if (STATUSES[enforced.kind] === 403) return null;
  const leftSeconds = Math.ceil((enforced.entry.expiresAtMs - nowMs) / 1_000);
  return Math.min(Math.max(leftSeconds, RETRY_AFTER_SECONDS_MIN), RETRY_AFTER_SECONDS_MAX);
}

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
} as const;

/** How a program may pay. */
const CHALLENGE_DETAIL = `This site challenges clients at the moment. Open it in a browser and send the cookie ${CLEARANCE_COOKIE} that the browser gets, or solve the puzzle that \`puzzle\` gives and POST the solution to \`redeem\`. Nothing reached production.`;
const challengeMembers = ({ difficulty }: ChallengeTerms) => ({
  puzzle: `${PUZZLE_PATH}?difficulty=${difficulty}`,
  redeem: REDEEM_PATH,
});

const PROBLEM_HEADERS = { "content-type": "application/problem+json" } as const;

const problem = (
  { type, members, heading, message }: Words,
  { status, retryAfterSeconds }: Terms,
): string =>
  JSON.stringify({
    type,
    title: heading,
    status,
    detail: message,
    ...members,
    ...(retryAfterSeconds === null ? {} : { retry_after_seconds: retryAfterSeconds }),
  });

const body = (
  request: RequestLike,
  { status, retryAfterSeconds, fields }: Terms,
  headers: Readonly<Record<string, string>>,
  text: string,
): Response =>
  new Response(request.method === "HEAD" ? null : text, {
    status,
    headers: {
      ...headers,
      "cache-control": "no-store",
      ...retryAfterHeader(retryAfterSeconds),
      ...fields,
      vary: "Accept, Origin",
      "x-content-type-options": "nosniff",
      ...readableFrom(request.headers.get("origin"), Object.keys(fields)),
    },
  });

const retryAfterHeader = (seconds: number | null): Readonly<Record<string, string>> =>
  seconds === null ? {} : { "retry-after": String(seconds) };

/** Scripts of any origin may read this answer: it holds nothing that is not public. */
const readableFrom = (
  origin: string | null,
  fields: readonly string[],
): Readonly<Record<string, string>> =>
  origin === null
    ? {}
    : {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": ["Retry-After", ...fields].join(", "),
      };

/**
 * Lets the request that follows come, so that its script reads our answer instead of "network error". Never with credentials and
 * never remembered: a lease may end in between, and production alone says who may write to it with whose cookies.
 */
const preflight = (request: RequestLike, { retryAfterSeconds, fields }: Terms): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods":
        request.headers.get("access-control-request-method") ?? request.method,
      "access-control-allow-headers": request.headers.get("access-control-request-headers") ?? "*",
      "access-control-max-age": "0",
      "cache-control": "no-store",
      ...retryAfterHeader(retryAfterSeconds),
      ...fields,
    },
  });

/** Browsers hide the status of a refused upgrade from scripts; a close code is the one thing they can see. */
function closedWebSocket(code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(code, reason);
  return new Response(null, { status: 101, webSocket: client });
}
