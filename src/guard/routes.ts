/** Route patterns, and paths as a router behind the guard might understand them. */

/** Escapes are unwrapped at most this often; no router unwraps more. */
const UNWRAPS_MAX = 3;

/** `/assets/*` is everything below `/assets/`, and `/assets/` itself; `/assets/+` is only what is below. Otherwise, the path alone. */
export function matchesRoute(path: string, pattern: string): boolean {
  const prefix = prefixOf(pattern);
  return prefix === null ? path === pattern : isBelow(path, prefix, pattern);
}

/** What the paths of a pattern begin with, the slash at its end included; null: it is one path. */
export const prefixOf = (pattern: string): string | null =>
  pattern.endsWith("/*") || pattern.endsWith("/+") ? pattern.slice(0, -1) : null;

const isBelow = (path: string, prefix: string, pattern: string): boolean =>
  path.startsWith(prefix) && (path.length > prefix.length || pattern.endsWith("*"));

/**
 * A pattern as routers compare it that care neither about capitals nor about a slash at the end, written as paths are read: without
 * escapes. What limits, blocks or switches off goes by it, so that no spelling gets round it; what takes protection away goes by
 * `matchesRoute`.
 */
export function foldRoute(pattern: string): string {
  const prefix = prefixOf(pattern);
  return prefix === null
    ? foldPath(resolve(unwrap(pattern)))
    : `${resolve(unwrap(prefix)).toLowerCase()}${pattern.at(-1)}`;
}

/** A path to be compared with the folded patterns that name one path. */
export function foldPath(path: string): string {
  const small = path.toLowerCase();
  return small.length > 1 && small.endsWith("/") ? small.slice(0, -1) : small;
}

/**
 * Whether some router takes this path for one of the pattern, which is folded: to Hono's, `/search` is on `/search/*`. On
 * `/search/+` it is not, nor is `/search/`; an odder spelling of it (`/search/.`) may be.
 */
export function mayMatchRoute(path: string, folded: string): boolean {
  const prefix = prefixOf(folded);
  if (prefix === null) return foldPath(path) === folded;
  const small = path.toLowerCase();
  return isBelow(small, prefix, folded) || (folded.endsWith("*") && small === prefix.slice(0, -1));
}

export type PathFacts = {
  /** The path as the most generous router would read it: escapes unwrapped, `.`, `..`, `//` and `\` resolved. */
  readonly path: string;
  /** Every router reads it the same way. What takes protection away (an exemption) asks for this. */
  readonly isPlain: boolean;
  /** As other routers would read it: with its segments as they were sent, or without path parameters. Of a plain path none. */
  readonly others: readonly string[];
};

const NO_OTHERS: readonly string[] = [];

/**
 * A URL in whose path there is nothing to unwrap or resolve: no escape, no empty segment, none that begins with a dot, nothing that
 * some router takes for an end; and before which nothing ends the host but a slash. Nearly all are like that, and parsing a URL
 * costs more than a whole decision.
 */
const PLAIN_URL =
  /^https?:\/\/[^/?#\\]+(?=\/)(?:\/[\w~!$&'()*+,=:@-][\w.~!$&'()*+,=:@-]*)*\/?(?:\?|$)/;

/**
 * Reads the path of a URL as a request has it. One that came over the wire is as its client wrote it, host and dots and all:
 * production may parse it, or go by what is written. Never throws, whatever stands there.
 */
export function pathOf(url: string): PathFacts {
  const from = url.indexOf("/", url.indexOf("://") + 3);
  if (PLAIN_URL.test(url)) {
    const query = url.indexOf("?", from);
    const path = url.slice(from, query === -1 ? url.length : query);
    return { path, isPlain: true, others: NO_OTHERS };
  }
  const [written = "/"] = from === -1 ? [] : url.slice(from).split(/[?#]/, 1);
  const parsed = URL.parse(url)?.pathname ?? written;
  const facts = readPath(parsed);
  if (parsed === written) return facts;
  const unwrapped = unwrap(written);
  const asWritten = resolve(unwrapped);
  const all = new Set([...facts.others, asWritten, ...othersOf(unwrapped, asWritten)]);
  return { path: facts.path, isPlain: false, others: [...all].filter((one) => one !== facts.path) };
}

/** Reads a pathname. */
export function readPath(pathname: string): PathFacts {
  const unwrapped = unwrap(pathname);
  const path = resolve(unwrapped);
  // `;` begins a path parameter for some routers: `/public/..;/admin` is `/admin` to them.
  const isPlain = !path.includes(";") && encodeURI(path) === pathname;
  return { path, isPlain, others: isPlain ? NO_OTHERS : othersOf(unwrapped, path) };
}

/** For those that take segments apart before they decode, an escaped slash climbs nowhere: `/shop/a%2f..%2f..` is in `/shop/`. */
function othersOf(unwrapped: string, path: string): readonly string[] {
  const unresolved = unwrapped.replaceAll(/[/\\]+/g, "/");
  const others = [unresolved, withoutParameters(unresolved), resolve(withoutParameters(unwrapped))];
  return [...new Set(others)].filter((other) => other !== path);
}

const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, "");

function unwrap(text: string): string {
  let unwrapped = text;
  for (let round = 0; round < UNWRAPS_MAX && unwrapped.includes("%"); round += 1) {
    unwrapped = decoded(unwrapped);
  }
  return unwrapped;
}

/** Where some of it means nothing, some routers read the rest. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, textOf);
  }
}

/** One for all: a client may send thousands of escapes. */
const lenient = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

function textOf(escapes: string): string {
  const bytes = escapes
    .slice(1)
    .split("%")
    .map((pair) => Number.parseInt(pair, 16));
  const [first = 0] = bytes;
  if (bytes.length === 1 && first < 0x80) return String.fromCharCode(first);
  return lenient.decode(Uint8Array.from(bytes));
}

function resolve(path: string): string {
  const segments: string[] = [];
  const parts = path.replaceAll("\\", "/").split("/");
  for (const part of parts) {
    if (part === "..") segments.pop();
    else if (part !== "" && part !== ".") segments.push(part);
  }
  const isFolder = parts.at(-1) === "" && segments.length > 0;
  return `/${segments.join("/")}${isFolder ? "/" : ""}`;
}
