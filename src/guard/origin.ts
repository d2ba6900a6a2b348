/** Where production is. */

export type Origin = (request: Request) => Promise<Response>;

/** Production behind a service binding, else at a URL; with neither, an answer that says what to configure. */
export function originOf(binding: Fetcher | undefined, url: string | undefined): Origin {
  if (binding !== undefined) return (request) => binding.fetch(request);
  const base = url === undefined ? null : URL.parse(url);
  if (base === null) return async () => new Response(NO_ORIGIN, { status: 502 });
  return (request) => fetch(new Request(atOrigin(request.url, base), request));
}

/** What `GUARD` says. In an emergency nobody should have to think of capitals. */
export const isOffBy = (word: string | undefined): boolean => word?.trim().toLowerCase() === "off";

/** The visitor's path and query at production's host. Its port too: setting `host` alone would keep the visitor's. */
export function atOrigin(url: string, base: URL): URL {
  const target = new URL(url);
  target.protocol = base.protocol;
  target.hostname = base.hostname;
  target.port = base.port;
  return target;
}

const NO_ORIGIN =
  "Firebreak has no origin: bind ORIGIN to production, or set ORIGIN_URL to its URL.\n";
