/** Which of production's answers everybody may be given, as RFC 9111 has it for shared caches, and a little stricter. */

/** A body of this size or more is not kept. */
export const COPY_BYTES_MAX = 1024 * 1024;
export const VARY_NAMES_MAX = 8;

export type ResponseLike = {
  readonly status: number;
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
};

export type Sharing = {
  /** The request headers that the answer depends on: lower case, sorted. */
  readonly varyNames: readonly string[];
};

/** Null when it may not be shared. On a public route an answer that says nothing about caching may be; elsewhere it must say so. */
export function sharingOf(
  response: ResponseLike,
  { isPublicRoute, nowMs }: { readonly isPublicRoute: boolean; readonly nowMs: number },
): Sharing | null {
  const { status, headers } = response;
  if (status !== 200 || NEVER_SHARED.some((name) => headers.has(name))) return null;
  if (!isPlainBody(headers) || !isAllowed(headers, { isPublicRoute, nowMs })) return null;
  const varyNames = varyNamesOf(headers);
  return varyNames === null ? null : { varyNames };
}

/** Each makes an answer one visitor's own, or part of something. */
const NEVER_SHARED = [
  "set-cookie",
  "set-cookie2",
  "clear-site-data",
  "www-authenticate",
  "content-range",
  "authentication-info",
] as const;

/** Codings that the runtime undoes when it reads a body; a copy is kept without any. */
const CODINGS: ReadonlySet<string> = new Set(["", "identity", "gzip", "br"]);

function isPlainBody(headers: ResponseLike["headers"]): boolean {
  const type = headers.get("content-type") ?? "";
  return (
    CODINGS.has(headers.get("content-encoding")?.trim().toLowerCase() ?? "") &&
    Number(headers.get("content-length") ?? 0) <= COPY_BYTES_MAX &&
    // A stream of events never ends, and is about now.
    !/^\s*(?:text\/event-stream|multipart\/)/i.test(type)
  );
}

/** Some are for caches like this one only; none may forbid. */
const CACHE_HEADERS = [
  "cache-control",
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "surrogate-control",
] as const;
/** `must-revalidate` and its kin forbid what an emergency cache is for: answering with what may have changed. */
const FORBIDDING: ReadonlySet<string> = new Set([
  "private",
  "no-store",
  "no-cache",
  "must-revalidate",
  "proxy-revalidate",
  "must-understand",
]);

const AGES: ReadonlySet<string> = new Set(["max-age", "s-maxage"]);
const ALLOWING: ReadonlySet<string> = new Set(["public", ...AGES]);

function isAllowed(
  headers: ResponseLike["headers"],
  { isPublicRoute, nowMs }: { readonly isPublicRoute: boolean; readonly nowMs: number },
): boolean {
  const said = [...CACHE_HEADERS, "pragma"].flatMap((name) =>
    directivesOf(headers.get(name) ?? ""),
  );
  if (said.some(forbids)) return false;
  if (said.some(({ name }) => ALLOWING.has(name))) return true;
  const expires = headers.get("expires");
  return expires === null ? isPublicRoute : Date.parse(expires) > nowMs;
}

type Directive = { readonly name: string; readonly value: string };

/** An age of nothing, or of nonsense, is how many say "do not keep this". */
const forbids = ({ name, value }: Directive): boolean =>
  FORBIDDING.has(name) || (AGES.has(name) && !/^[1-9]\d*$/.test(value));

const directivesOf = (header: string): readonly Directive[] =>
  header.split(",").map((part) => {
    const [name = "", value = ""] = part.split("=");
    return { name: name.trim().toLowerCase(), value: value.trim().replaceAll('"', "") };
  });

function varyNamesOf(headers: ResponseLike["headers"]): readonly string[] | null {
  const names = (headers.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase());
  // Allowed for one origin only, and many forget to say that it varies.
  const allowed = headers.get("access-control-allow-origin");
  if (allowed !== null && allowed !== "*") names.push("origin");
  const varyNames = new Set(names.filter((name) => name !== "" && name !== "accept-encoding"));
  if (varyNames.has("*") || varyNames.size > VARY_NAMES_MAX) return null;
  return [...varyNames].toSorted();
}
