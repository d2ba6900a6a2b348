/**
 * Browsers of people: whoever shows their API token once is known there for a while. The cookie is signed, holds no token and ends
 * with the token that began it: who somebody is, and what they may do, is always what `API_TOKENS` says now.
 */
import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { OWN_PREFIX } from "../guard/facts.ts";
import { cookiesNamed } from "../guard/cookies.ts";
import { mintToken, SESSION_COOKIE, verifyToken } from "../guard/signed.ts";
import { instanceOf } from "../playbooks/site.ts";
import { sha256Hex } from "../shared/ids.ts";
import { callerOf, type ApiToken, type Caller, type HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { Problem } from "./problems.ts";

/** A turn on call, and whoever is woken at its end has not to look for a token. */
export const SESSION_LIFE_MS = 30 * 24 * 3_600_000;
/** Only over HTTPS, and only where we answer. */
const WHERE = { path: OWN_PREFIX, secure: true } as const;

type SessionDeps = Pick<HttpDeps, "bundle" | "signingKeys" | "tokens" | "now">;

/**
 * Begins a session for whoever shows this token, and answers who that is; null when nobody knows it.
 *
 * @throws {Problem} when there is no key to sign with.
 */
export async function beginSession(
  c: Context<HttpEnv>,
  token: string,
  { bundle, signingKeys, tokens, now }: SessionDeps,
): Promise<Caller | null> {
  const [key] = signingKeys;
  if (key === undefined) {
    throw new Problem("not-configured", "SIGNING_KEYS is not set, so that nobody can sign in.");
  }
  const caller = callerOf(`Bearer ${token}`, tokens);
  if (caller === null) return null;
  const session = await mintToken(key, {
    instance: instanceOf(bundle.site),
    kind: "session",
    sub: subjectOf({ sha256: sha256Hex(token) }),
    exp: now() + SESSION_LIFE_MS,
  });
  setCookie(c, SESSION_COOKIE, session, {
    ...WHERE,
    httpOnly: true,
    // Strict would not come along with a link out of a mail that is read in a browser.
    sameSite: "Lax",
    maxAge: SESSION_LIFE_MS / 1_000,
  });
  return caller;
}

export function endSession(c: Context<HttpEnv>): void {
  deleteCookie(c, SESSION_COOKIE, WHERE);
}

/** Whose browser it is; null where nobody signed in, the session is over, or its token is known no more. */
export async function callerBySession(
  c: Context<HttpEnv>,
  { bundle, signingKeys, tokens, now }: SessionDeps,
): Promise<Caller | null> {
  const session = sessionIn(c.req.header("cookie") ?? null);
  if (session === null || !isVisit(c)) return null;
  const verified = await verifyToken(session, {
    keys: signingKeys,
    kind: "session",
    instance: instanceOf(bundle.site),
    nowMs: now(),
  });
  if (!verified.ok) return null;
  const token = tokens.find((known) => subjectOf(known) === verified.value.sub);
  return token === undefined ? null : { name: token.name, role: token.role };
}

/** The one session; two are none, for a neighbouring host may have set the other. */
function sessionIn(cookies: string | null): string | null {
  const sessions = cookiesNamed(SESSION_COOKIE, cookies);
  return sessions.length === 1 ? (sessions[0] ?? null) : null;
}

/** Somebody follows a link or sends a form. What a script of the site asks for, which shares our origin, is nobody's visit. */
const isVisit = (c: Context<HttpEnv>): boolean =>
  (c.req.header("sec-fetch-mode") ?? "navigate") === "navigate" &&
  (c.req.header("sec-fetch-dest") ?? "document") === "document";

/** Says which token it was, and is none. */
export const subjectOf = ({ sha256 }: Pick<ApiToken, "sha256">): string =>
  sha256Hex(`session of ${sha256}`).slice(0, 32);
