/** Route patterns, and paths as a router behind the guard might understand them. */

/** Escapes are unwrapped at most this often; no router unwraps more. */
const UNWRAPS_MAX = 3;

/** `/assets/*` is everything below `/assets/`; without a star, the path alone. */
export function matchesRoute(path: string, pattern: string): boolean {
  return pattern.endsWith("/*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

export type PathFacts = {
  /** The path as the most generous router would read it: escapes unwrapped, `.`, `..`, `//` and `\` resolved. */
  readonly path: string;
  /** Every router reads it the same way. What takes protection away (an exemption) asks for this. */
  readonly isPlain: boolean;
};

/**
 * A path in which there is nothing to unwrap or resolve: no escape, no empty segment, none that begins with a dot, nothing that
 * some router takes for an end. Nearly all are like that, and parsing a URL costs more than a whole decision.
 */
const PLAIN_PATH = /^(?:\/[\w~!$&'()*+,=:@-][\w.~!$&'()*+,=:@-]*)*\/?$/;

/** Reads the path of a URL, as `Request` has it. */
export function pathOf(url: string): PathFacts {
  const path = writtenPath(url);
  const isPlain = path !== "" && PLAIN_PATH.test(path);
  return isPlain ? { path, isPlain } : readPath(new URL(url).pathname);
}

/** What stands between host and query; empty where it is not clear what does. */
function writtenPath(url: string): string {
  const from = url.indexOf("/", url.indexOf("://") + 3);
  if (from === -1) return "";
  const query = url.indexOf("?", from);
  const until = query === -1 ? url.length : query;
  return url.slice(from, until);
}

/** Reads the pathname of a parsed URL (whose literal dot segments are already resolved). */
export function readPath(pathname: string): PathFacts {
  const unwrapped = unwrap(pathname);
  if (unwrapped === null) return { path: pathname, isPlain: false };
  const path = resolve(unwrapped);
  // `;` begins a path parameter for some routers: `/public/..;/admin` is `/admin` to them.
  return { path, isPlain: !path.includes(";") && encodeURI(path) === pathname };
}

function unwrap(pathname: string): string | null {
  let text = pathname;
  try {
    for (let round = 0; round < UNWRAPS_MAX && text.includes("%"); round += 1) {
      text = decodeURIComponent(text);
    }
  } catch {
    return null; // A stray percent sign: nobody can say what it means.
  }
  return text;
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
