/**
 * What entries say of clients, routes, headers and sessions, as people write it in playbooks, `site.yaml` and options. The guard reads
 * the same out of entries with shapes (clients.ts, patterns.ts, limits.ts) that refuse the same and explain less.
 */
import { z } from "zod";
import { CIDR_CHARS_MAX, parseCidr } from "../guard/ip/cidr.ts";
import { ASN_MAX, isCountry, isJa4 } from "../guard/ip/number-set.ts";
import {
  MATCH_ASNS_MAX,
  MATCH_COUNTRIES_MAX,
  MATCH_JA4S_MAX,
  MATCH_NETWORKS_MAX,
} from "./clients.ts";
import { LIMIT_NAME, METHOD, METHODS_MAX } from "./limits.ts";
import { HEADER_NAME, isWholeSite, MATCH_ROUTES_MAX, ROUTE_CHARS_MAX } from "./patterns.ts";

/** A network; the refusal says what is wrong with it. */
const networkText = z
  .string()
  .max(CIDR_CHARS_MAX)
  .superRefine((text, ctx) => {
    const parsed = parseCidr(text);
    if (!parsed.ok) ctx.addIssue({ code: "custom", message: `${text} ${parsed.error}` });
  });

export const networkTexts = z.array(networkText).min(1).max(MATCH_NETWORKS_MAX);

/** One or more of these; a client that any of them names is meant. */
export const clientWords = {
  networks: networkTexts.optional(),
  asns: z.array(z.int().min(1).max(ASN_MAX)).min(1).max(MATCH_ASNS_MAX).optional(),
  countries: z
    .array(z.string().refine(isCountry, "write two capital letters, or T1 for Tor"))
    .min(1)
    .max(MATCH_COUNTRIES_MAX)
    .optional(),
  ja4s: z
    .array(z.string().refine(isJa4, "write a JA4 such as t13d1516h2_8daaf6152771_b0da82dd1658"))
    .min(1)
    .max(MATCH_JA4S_MAX)
    .optional(),
} as const;

/** `/shop/*` and everything below it, or one path. */
export const routes = z
  .array(z.string().startsWith("/").max(ROUTE_CHARS_MAX))
  .min(1)
  .max(MATCH_ROUTES_MAX);

export const headerName = z.string().regex(HEADER_NAME, "write a header's name");

/** Where it stands who calls, such as `{ header: "x-api-key" }`. */
export const sessionSource = z.union([
  z.strictObject({ cookie: headerName }),
  z.strictObject({ header: headerName }),
]);

export const limitMethods = z
  .array(z.string().regex(METHOD, "write a method in capitals, such as POST"))
  .min(1)
  .max(METHODS_MAX);

export const limitName = z.string().regex(LIMIT_NAME, "write a name such as sign-in");

/** Part of the site, never all of it. */
export const featureRoutes = routes.refine(
  (patterns) => !patterns.some(isWholeSite),
  "/* is the whole site, and /+ nearly: use maintenance",
);

/** Requests that carry this header; with a value, exactly this one. */
export const featureHeader = z.strictObject({
  name: headerName,
  value: z.string().max(500).optional(),
});
