/** RFC 9457 problems: the one list of what can go wrong over HTTP, what each means, and what to do about it. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { OWN_PREFIX } from "../guard/facts.ts";

type ProblemKind = {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  /** For the person who follows the link: what happened and what to do. */
  readonly explains: string;
};

/** Slugs are a contract: clients switch on them. */
export const PROBLEMS = {
  "malformed-body": {
    status: 400,
    title: "The body cannot be read",
    explains: "The body is not the JSON that its Content-Type promises. Nothing was changed.",
  },
  unauthorized: {
    status: 401,
    title: "A valid token is needed",
    explains:
      "Send `Authorization: Bearer <token>`. The answer is the same whether the token is missing, malformed or unknown.",
  },
  forbidden: {
    status: 403,
    title: "This token may not do that",
    explains: "The token is known, but its role is below what this route asks for.",
  },
  "not-found": {
    status: 404,
    title: "There is nothing here",
    explains: "The path, or the thing that it names, does not exist.",
  },
  "method-not-allowed": {
    status: 405,
    title: "This method is not for this path",
    explains: "The path exists; the `Allow` header lists the methods that it answers.",
  },
  "command-refused": {
    status: 409,
    title: "The incident refused the command",
    explains:
      "The command was understood and does not fit the incident as it is now: somebody may have been faster. `reason` and `detail` say why; nothing was changed.",
  },
  "precondition-failed": {
    status: 412,
    title: "It is not what you took it for",
    explains:
      "`If-Match` names another state than the one that is there: somebody was faster. Read it again and decide anew; nothing was changed.",
  },
  "payload-too-large": {
    status: 413,
    title: "The body is too large",
    explains: "The body is larger than this route accepts; `limitBytes` says how much it takes.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body is of a kind not read here",
    explains:
      "Send `Content-Type: application/json`, or `text/markdown` or lines of text where a route says that it takes them; compressed only where, and as, it says so.",
  },
  "invalid-request": {
    status: 422,
    title: "The request does not make sense",
    explains:
      "The request can be read but its values are wrong; `errors` names each field, what it was and what is allowed. Nothing was changed.",
  },
  "idempotency-conflict": {
    status: 422,
    title: "This key was used for something else",
    explains:
      "An Idempotency-Key stands for one request: the same caller, path and body. This one came before with another body; nothing was done now. Send a new request with a new key.",
  },
  "too-many-streams": {
    status: 429,
    title: "Too many event streams are open",
    explains: "Close a stream, or poll the journal instead; `Retry-After` says when to try again.",
  },
  internal: {
    status: 500,
    title: "Firebreak failed",
    explains: "A fault in Firebreak. The guard is not affected. The details are in the log.",
  },
  "not-configured": {
    status: 503,
    title: "This is not configured",
    explains: "What this route needs was never set up; `detail` names it.",
  },
  maintenance: {
    status: 503,
    title: "The site is in maintenance",
    explains:
      "The guard answers in the site's place for a while. Nothing reached production; `Retry-After` says when to try again.",
  },
  "read-only": {
    status: 503,
    title: "Changes are paused",
    explains:
      "Reading works, writing waits. What was sent did not reach production and was not kept; `Retry-After` says when to send it again.",
  },
  "guard-fault": {
    status: 503,
    title: "This cannot be handled safely right now",
    explains:
      "The guard had a fault while a rule was in force that prefers refusing to guessing. Nothing reached production; try again shortly.",
  },
  "block-networks": {
    status: 403,
    title: "Your network is blocked",
    explains:
      "The guard accepts no requests from this client's network at the moment. Nothing reached production; if that is a mistake, write to the site's contact.",
  },
  challenge: {
    status: 403,
    title: "A challenge comes first",
    explains:
      "The guard asks every client for a little work before it goes on. Browsers do it by themselves; programs find the puzzle at `puzzle` and pay at `redeem`, and then send the cookie with each request. Nothing reached production.",
  },
  "challenge-failed": {
    status: 403,
    title: "The challenge was not met",
    explains:
      "What was sent does not meet the challenge that it is for; `reason` says why. Ask for another one, which is free.",
  },
  "challenge-unavailable": {
    status: 503,
    title: "Nobody can be challenged at the moment",
    explains:
      "The guard was told to challenge clients, and to refuse them when it cannot. It has no signing key: set the secret SIGNING_KEYS.",
  },
  "disabled-feature": {
    status: 503,
    title: "This part of the site is switched off",
    explains:
      "The guard answers for a part of the site that is switched off for the moment; the rest works. Nothing reached production; `Retry-After` says when to try again.",
  },
  "journal-full": {
    status: 503,
    title: "No room for this delivery",
    explains:
      "While the site takes no writes, deliveries of this route are kept for it, and the store is full. This one was not kept; send it again later.",
  },
  unavailable: {
    status: 503,
    title: "Not available right now",
    explains:
      "A part of Firebreak did not answer. Try again; commands may safely be repeated with the same Idempotency-Key.",
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemSlug = keyof typeof PROBLEMS;

/** A refusal on its way out; thrown where it is found, and answered in one place. */
export class Problem extends Error {
  readonly slug: ProblemSlug;
  readonly members: Readonly<Record<string, unknown>>;

  /** `detail` is read by the caller, so it holds no secret and no upstream text; `members` extend the body. */
  constructor(slug: ProblemSlug, detail: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.slug = slug;
    this.members = members;
  }
}

/** Where a problem type is explained; also the value of `type`. */
export const problemType = (slug: ProblemSlug): string => `${OWN_PREFIX}/problems/${slug}`;

const RETRY_AFTER_SECONDS = 5;

/** The answer that a problem deserves. */
export function answerProblem(c: Context, problem: Problem): Response {
  const { status, title } = PROBLEMS[problem.slug];
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="firebreak"');
  if (status === 429 || status === 503) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  const body = {
    ...problem.members,
    type: problemType(problem.slug),
    title,
    status,
    detail: problem.message,
    instance: c.req.path,
  };
  return new Response(JSON.stringify(body), { status, headers });
}
