/** The status page on a hostname of its own: what is asked there, as it is asked below the site. */
import { OWN_PREFIX } from "../guard/facts.ts";

export const STATUS_PATH = `${OWN_PREFIX}/status`;

/** The same request below the site; null when it is not for `ownHost`, an origin. Nothing but the status page answers there. */
export function onOwnHost(request: Request, ownHost: string): Request | null {
  if (!request.url.startsWith(ownHost)) return null;
  const url = new URL(request.url);
  if (url.origin !== ownHost) return null;
  url.pathname = `${STATUS_PATH}${url.pathname === "/" ? "" : url.pathname}`;
  return new Request(url, request);
}
