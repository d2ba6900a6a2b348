/** The tokens of ours that a request may carry: read here, and taken off before production sees the request. */
import { cookieNamed, cookiesIn } from "./cookies.ts";
import {
  BYPASS_COOKIE,
  BYPASS_HEADER,
  CLEARANCE_COOKIE,
  PROBE_HEADER,
  SESSION_COOKIE,
} from "./signed.ts";
import type { RequestLike } from "./facts.ts";

export type Credentials = {
  readonly bypass: string | null;
  readonly probe: string | null;
  readonly clearance: string | null;
};

const OUR_COOKIES: readonly string[] = [BYPASS_COOKIE, CLEARANCE_COOKIE, SESSION_COOKIE];

/** Null when the request carries none, which is nearly always. */
export function readCredentials({ headers }: RequestLike): Credentials | null {
  const cookies = headers.get("cookie");
  const probe = headers.get(PROBE_HEADER);
  const bypass = headers.get(BYPASS_HEADER) ?? cookieNamed(BYPASS_COOKIE, cookies);
  const clearance = cookieNamed(CLEARANCE_COOKIE, cookies);
  return probe === null && bypass === null && clearance === null
    ? null
    : { probe, bypass, clearance };
}

/** The same request without them; valid or not, they are nobody's business behind the guard. */
export function withoutCredentials(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.delete(PROBE_HEADER);
  headers.delete(BYPASS_HEADER);
  const cookies = headers.get("cookie");
  if (cookies !== null && OUR_COOKIES.some((ours) => cookies.includes(ours))) {
    const others = cookiesIn(cookies).filter(({ name }) => !OUR_COOKIES.includes(name));
    if (others.length === 0) headers.delete("cookie");
    else headers.set("cookie", others.map(({ name, value }) => `${name}=${value}`).join("; "));
  }
  return new Request(request, { headers });
}
