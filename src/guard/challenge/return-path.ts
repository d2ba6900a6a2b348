/** Where a visitor wanted to go, so that nothing in it can lead anywhere but to this site. */
import { isOwnUrl } from "../facts.ts";

export const RETURN_PATH_CHARS_MAX = 2_000;

/** A path of this site with its query and fragment; `/` for everything else. Fit for a `Location` and for a link. */
export function returnPath(wanted: string, requestUrl: string): string {
  if (wanted.length > RETURN_PATH_CHARS_MAX || !wanted.startsWith("/")) return "/";
  const there = URL.parse(wanted, requestUrl);
  if (there === null || there.origin !== new URL(requestUrl).origin) return "/";
  // `/.//elsewhere` is a path of ours until somebody resolves it once more.
  const path = `/${there.pathname.replace(/^[/\\]+/, "")}`;
  return isOwnUrl(there.origin + path) ? "/" : `${path}${there.search}${there.hash}`;
}
