/** Which requests everybody could have sent: those alone may be answered from, and leave something in, a cache that all share. */
import type { GuardSettings } from "../../policy/policy.ts";
import type { RequestFacts } from "../facts.ts";
import { CLEARANCE_COOKIE } from "../signed.ts";

/** What browsers, Cloudflare and tracing send, and nobody signs in with. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set(
  [
    "accept accept-charset accept-encoding accept-language connection dnt cache-control pragma if-none-match",
    "if-modified-since content-type host origin priority referer save-data te upgrade-insecure-requests user-agent",
    "sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc sec-purpose sec-ch-ua sec-ch-ua-mobile",
    "sec-ch-ua-platform cdn-loop cf-connecting-ip cf-connecting-ipv6 cf-ipcountry cf-ray cf-visitor cf-ew-via",
    "cf-worker true-client-ip x-forwarded-for x-forwarded-proto x-real-ip traceparent tracestate x-request-id",
  ].flatMap((names) => names.split(" ")),
);

export type SharedReadSettings = Pick<GuardSettings, "emergencyCache">;

/**
 * A read that carries nothing by which production could know who asks. A header that is not known to be harmless counts as a
 * credential: it may be one (`x-api-key`), and if it is not, it may change the answer of which others then get a copy
 * (`x-forwarded-host`). Probes and operators carry one of ours, so that they always meet production.
 */
export function isSharedRead(facts: RequestFacts, { emergencyCache }: SharedReadSettings): boolean {
  if (facts.method !== "GET" && facts.method !== "HEAD") return false;
  if (!facts.isPlainPath || facts.hasClientCertificate()) return false;
  for (const name of facts.headerNames()) {
    if (name === "cookie") {
      if (!isHarmlessCookie(facts.header(name) ?? "", emergencyCache.harmlessCookies)) return false;
    } else if (!HARMLESS_HEADERS.has(name) && !emergencyCache.harmlessHeaders.includes(name)) {
      return false;
    }
  }
  return true;
}

const isHarmlessCookie = (cookie: string, harmless: readonly string[]): boolean =>
  cookie.split(";").every((pair) => {
    const [name = ""] = pair.split("=");
    // Production never sees a clearance, so it changes no answer.
    return name.trim() === CLEARANCE_COOKIE || harmless.includes(name.trim());
  });
