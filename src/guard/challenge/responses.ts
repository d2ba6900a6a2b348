/** The answers around a challenge: pages for people, JSON and problems for programs. None of them is ever kept by a cache. */
import type { GuardSettings } from "../../policy/policy.ts";
import { audienceOf } from "../audience.ts";
import type { RequestLike } from "../facts.ts";
import { CLEARANCE_COOKIE, toBase64Url } from "../signed.ts";
import type { Issued } from "./issue.ts";
import { earlyPage, sorryPage, type Place, type Rendered } from "./page.ts";
import { REDEEM_PATH, RETURN_PATH } from "./paths.ts";

/** What pages say, and for which instance: null while the guard has no policy. */
export type Site = {
  readonly settings: Pick<GuardSettings, "title" | "messages" | "statusPage" | "turnstileSiteKey">;
  readonly instance: string | null;
};

/** For `Content-Security-Policy`: fresh for each page. */
export const newNonce = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(16)));

const pageInit = (policy: string): ResponseInit => ({
  status: 403,
  headers: {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    vary: "Accept, Cookie, Origin",
    "x-content-type-options": "nosniff",
  },
});

export const pageAnswer = ({ html, policy }: Rendered): Response =>
  new Response(html, pageInit(policy));

/** The same for HEAD, which is asked of nobody. */
export const emptyPage = (): Response => new Response(null, pageInit("default-src 'none'"));

export const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(body), {
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });

/** What every page says of the site. */
export const placeOf = ({ title, messages, statusPage }: Site["settings"], to: string): Place => ({
  site: title,
  contact: messages.contact,
  statusPage,
  to,
});

/** Says what went wrong, and links to a fresh start. */
export const sorry = (
  { settings }: Site,
  to: string,
  words: { readonly heading: string; readonly message: string },
): Response => pageAnswer(sorryPage(placeOf(settings, to), words, newNonce()));

/** To whoever did not wait long enough. */
export function early(
  request: RequestLike,
  { settings }: Site,
  {
    issued,
    to,
    leftSeconds,
  }: {
    readonly issued: Issued;
    readonly to: string;
    readonly leftSeconds: number;
  },
): Response {
  if (audienceOf(request) !== "page") {
    const members = { reason: "early", retry_after_seconds: leftSeconds };
    return problem(403, "challenge-failed", members, { "retry-after": String(leftSeconds) });
  }
  const place = placeOf(settings, to);
  return pageAnswer(earlyPage(place, { issued, redeemPath: REDEEM_PATH, leftSeconds }, newNonce()));
}

/** To whoever met a challenge: the cookie, and for people the way on. */
export function cleared(
  request: RequestLike,
  to: string,
  { setCookie, seconds }: { readonly setCookie: string; readonly seconds: number },
): Response {
  if (audienceOf(request) === "page") {
    return seeOther(`${RETURN_PATH}?to=${encodeURIComponent(to)}`, setCookie);
  }
  return json(
    { cookie: CLEARANCE_COOKIE, clearance_seconds: seconds },
    { "set-cookie": setCookie },
  );
}

export const seeOther = (location: string, setCookie?: string): Response =>
  new Response(null, {
    status: 303,
    headers: {
      location,
      "cache-control": "no-store",
      ...(setCookie === undefined ? {} : { "set-cookie": setCookie }),
    },
  });

const TITLES = {
  "not-found": "There is nothing here",
  "method-not-allowed": "This method is not for this path",
  "payload-too-large": "The body is too large",
  "unsupported-media-type": "The body is of a kind not read here",
  "malformed-body": "The body cannot be read",
  "invalid-request": "The request does not make sense",
  "challenge-failed": "The challenge was not met",
  "challenge-unavailable": "Nobody can be challenged at the moment",
} as const;

/** RFC 9457. */
export const problem = (
  status: number,
  slug: keyof typeof TITLES,
  members: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(
    JSON.stringify({
      type: `/_firebreak/problems/${slug}`,
      title: TITLES[slug],
      status,
      ...members,
    }),
    {
      status,
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        ...headers,
      },
    },
  );
