/** How entries name routes and headers. */
import * as z from "zod/mini";

export const MATCH_ROUTES_MAX = 64;

/** `/shop/*` and everything below it, or one path. */
export const routes = z
  .array(z.string().check(z.startsWith("/"), z.maxLength(500)))
  .check(z.minLength(1), z.maxLength(MATCH_ROUTES_MAX));

export const headerName = z
  .string()
  .check(z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "write a header's name"));
