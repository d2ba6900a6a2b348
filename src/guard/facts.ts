/** What the guard knows of one request: everything that a decision may depend on, and nothing else. */
import * as z from "zod";
import type { GuardSettings } from "../policy/policy.ts";
import { readPath } from "./routes.ts";

/** All that Firebreak serves itself is below this path; exactly this segment, in exactly this spelling. */
export const OWN_PREFIX = "/_firebreak";

export type RequestFacts = {
  readonly method: string;
  /** See routes.ts: as the most generous router reads it. */
  readonly path: string;
  readonly isPlainPath: boolean;
  /** By name, for entries that ask for one. */
  readonly header: (name: string) => string | null;
  /** In lower case. */
  readonly headerNames: () => Iterable<string>;
  readonly hasClientCertificate: () => boolean;
  /** Stable for one visitor; empty when the site says that addresses are not known. */
  readonly clientKey: string;
  /** Who holds a valid bypass token, null for everyone else. */
  readonly operator: string | null;
  /** Known to be a GraphQL operation that changes nothing; false until the body was read, which is only done when it matters. */
  readonly isGraphqlRead: boolean;
};

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
  const { pathname } = new URL(url);
  return pathname === OWN_PREFIX || pathname.startsWith(`${OWN_PREFIX}/`);
}

export function readFacts(
  request: RequestLike,
  settings: Pick<GuardSettings, "clientAddress">,
  operator: string | null,
): RequestFacts {
  const { path, isPlain } = readPath(new URL(request.url).pathname);
  return {
    method: request.method,
    path,
    isPlainPath: isPlain,
    header: (name) => request.headers.get(name),
    headerNames: () => request.headers.keys(),
    hasClientCertificate: () => certified.safeParse(request.cf).success,
    clientKey: clientKey(addressOf(request, settings.clientAddress)),
    operator,
    isGraphqlRead: false,
  };
}

const certified = z.object({ tlsClientAuth: z.object({ certPresented: z.literal("1") }) });

function addressOf(request: RequestLike, source: GuardSettings["clientAddress"]): string {
  if (source === "none") return "";
  if (source === "cloudflare") return request.headers.get("cf-connecting-ip") ?? "";
  // A proxy appends what it saw; whatever stands before it is the client's own claim.
  return request.headers.get(source.header)?.split(",").at(-1)?.trim() ?? "";
}

/** One key per subscriber: an IPv6 host changes its lower 64 bits at will. */
function clientKey(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? firstHextets(address.toLowerCase()).join(":");
}

/** The first four of eight groups, with `::` written out and leading zeros dropped. */
function firstHextets(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
}
