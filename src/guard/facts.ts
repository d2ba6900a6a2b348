/** What the guard knows of one request: everything that a decision may depend on, and nothing else. */
import type { GuardSettings } from "../policy/policy.ts";
import type { Clearance } from "./challenge/clearance.ts";
import {
  addressWords,
  formatAddress,
  parseAddress,
  type AddressWords,
  type Family,
} from "./ip/address.ts";
import { pathOf } from "./routes.ts";

/** All that Firebreak serves itself is below this path; exactly this segment, in exactly this spelling. */
const OWN_SEGMENT = "_firebreak";
export const OWN_PREFIX = `/${OWN_SEGMENT}`;

/** Call its methods on it, and let `knowing` add to it: a copy of its fields would have no methods. */
export type RequestFacts = {
  readonly method: string;
  /** As it was sent, for counting only: decisions go by the path. */
  readonly url: string;
  /** See routes.ts: as the most generous router reads it. */
  readonly path: string;
  readonly isPlainPath: boolean;
  /** What the path may also be to the router behind; of a plain path nothing. */
  readonly otherPaths: readonly string[];
  /** By name, for entries that ask for one. */
  header(name: string): string | null;
  /** In lower case. */
  headerNames(): Iterable<string>;
  hasClientCertificate(): boolean;
  /** Stable for one visitor; empty when the address is not known. */
  clientKey(): string;
  /** Null when the site says that addresses are not known, or what stands in the header is none. */
  readonly address: ClientAddress | null;
  /** Where Cloudflare has the client's connection from; nothing behind a proxy, of which it would be the place. */
  place(): ClientPlace;
  /** The fingerprint of the client's TLS, as Cloudflare takes it; null where it does not, and behind a proxy. */
  ja4(): string | null;
  /** By Cloudflare's verification, never by user agent. */
  isVerifiedBot(): boolean;
  /** Carries a valid token of our own probes. */
  readonly isProbe: boolean;
  /** Who holds a valid bypass token, null for everyone else. */
  readonly operator: string | null;
  /** Whether it is a GraphQL operation that changes nothing; null until the body was read, which is only done when it matters. */
  readonly isGraphqlRead: boolean | null;
  /** What its bearer paid to be let through; null until that was looked at, which is only done when it matters. */
  readonly clearance: Clearance | null;
};

export type ClientAddress = { readonly family: Family; readonly words: AddressWords };
export type ClientPlace = { readonly asn: number | null; readonly country: string | null };

/** The part of `Request` that facts are read from. */
export type RequestLike = {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null; keys(): Iterable<string> };
  /** What Cloudflare knows of the connection. */
  readonly cf?: unknown;
};

/** Whether a URL is one of ours. Other spellings (`/%5ffirebreak`, `//_firebreak`) are production's business. */
export function isOwnUrl(url: string): boolean {
  // Almost none is, and parsing a URL costs more than all the rest of a decision.
  if (!url.includes(OWN_SEGMENT)) return false;
  const { pathname } = new URL(url);
  return pathname === OWN_PREFIX || pathname.startsWith(`${OWN_PREFIX}/`);
}

export function readFacts(
  request: RequestLike,
  settings: Pick<GuardSettings, "clientAddress">,
  operator: string | null,
  isProbe = false,
): RequestFacts {
  return new Facts(request, settings, { operator, isProbe });
}

/** The same request, of which more is known now. */
export const knowing = (facts: RequestFacts, more: Partial<RequestFacts>): RequestFacts =>
  Object.assign(Object.create(facts), more);

/** Read from a request when they are asked for, and most never are: a class, because eight closures would be made for each. */
class Facts implements RequestFacts {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly isPlainPath: boolean;
  readonly otherPaths: readonly string[];
  readonly address: ClientAddress | null;
  readonly isProbe: boolean;
  readonly operator: string | null;
  readonly isGraphqlRead = null;
  readonly clearance = null;
  readonly request: RequestLike;
  readonly headers: RequestLike["headers"];
  /** Behind another proxy, what Cloudflare knows of the connection is about that proxy. */
  readonly isDirect: boolean;

  constructor(
    request: RequestLike,
    { clientAddress }: Pick<GuardSettings, "clientAddress">,
    bearer: Pick<RequestFacts, "operator" | "isProbe">,
  ) {
    const { url } = request;
    const { path, isPlain, others } = pathOf(url);
    this.url = url;
    this.request = request;
    this.headers = request.headers;
    this.method = request.method;
    this.path = path;
    this.isPlainPath = isPlain;
    this.otherPaths = others;
    this.address = readAddress(addressOf(this.headers, clientAddress));
    this.isDirect = clientAddress === "cloudflare";
    this.isProbe = bearer.isProbe;
    this.operator = bearer.operator;
  }

  header(name: string): string | null {
    return this.headers.get(name);
  }

  headerNames(): Iterable<string> {
    return this.headers.keys();
  }

  hasClientCertificate(): boolean {
    return memberOf(memberOf(this.request.cf, "tlsClientAuth"), "certPresented") === "1";
  }

  clientKey(): string {
    return this.address === null ? "" : clientKey(this.address);
  }

  place(): ClientPlace {
    return this.isDirect ? placeOf(this.request.cf) : NOWHERE;
  }

  ja4(): string | null {
    return this.isDirect ? textOrNull(memberOf(botManagementOf(this.request), "ja4")) : null;
  }

  isVerifiedBot(): boolean {
    return this.isDirect && memberOf(botManagementOf(this.request), "verifiedBot") === true;
  }
}

const NOWHERE: ClientPlace = { asn: null, country: null };

/** Asked for each request: read by hand, because a schema would cost more than everything that is done with it. */
function placeOf(cf: unknown): ClientPlace {
  const asn = memberOf(cf, "asn");
  return {
    asn: typeof asn === "number" ? asn : null,
    country: textOrNull(memberOf(cf, "country")),
  };
}

const botManagementOf = ({ cf }: RequestLike): unknown => memberOf(cf, "botManagement");

const textOrNull = (held: unknown): string | null => (typeof held === "string" ? held : null);

const memberOf = (held: unknown, name: string): unknown =>
  typeof held === "object" && held !== null ? Reflect.get(held, name) : undefined;

function addressOf(
  headers: RequestLike["headers"],
  source: GuardSettings["clientAddress"],
): string {
  if (source === "none") return "";
  if (source === "cloudflare") return headers.get("cf-connecting-ip") ?? "";
  // A proxy appends what it saw; whatever stands before it is the client's own claim.
  return withoutPort(headers.get(source.header)?.split(",").at(-1)?.trim() ?? "");
}

/** Some proxies write the port beside the address. Cloudflare writes none, and whatever has one is no word of its own. */
function withoutPort(text: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? [];
  return v6 ?? v4 ?? text;
}

function readAddress(text: string): ClientAddress | null {
  if (text === "") return null;
  const words = addressWords();
  const family = parseAddress(text, words);
  return family === 0 ? null : { family, words };
}

/** One key per subscriber: an IPv6 host changes its lower 64 bits at will. */
function clientKey({ family, words }: ClientAddress): string {
  if (family === 4) return formatAddress(family, words);
  const [first = 0, second = 0] = words;
  return [first >>> 16, first & 0xffff, second >>> 16, second & 0xffff]
    .map((group) => group.toString(16))
    .join(":");
}
