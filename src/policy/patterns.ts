/** How entries name routes and headers. */
import { foldRoute } from "../guard/routes.ts";
import { list, textThat } from "../shared/shape.ts";

export const MATCH_ROUTES_MAX = 64;
export const ROUTE_CHARS_MAX = 500;

/** `/shop/*`: everything below, and `/shop` itself; `/shop/+`: only what is below; or one path. */
export const routeText = textThat(
  (text) => text.startsWith("/") && text.length <= ROUTE_CHARS_MAX,
  `a path of at most ${ROUTE_CHARS_MAX} characters`,
);

/** All of the site, or all but its first page, however it is written. */
export const isWholeSite = (pattern: string): boolean => /^\/[*+]$/.test(foldRoute(pattern));
export const routes = list(routeText, MATCH_ROUTES_MAX, 1);

/** As HTTP spells a header's or a cookie's name. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
export const headerName = textThat(HEADER_NAME, "a header's name");
