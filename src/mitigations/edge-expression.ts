/** What a rule of the zone is asked about, in Cloudflare's language: which paths, and whose. Texts are written so that none ends early. */
import { prefixOf } from "../guard/routes.ts";
import type { EdgeExempt } from "./actuator.ts";

/** As much as one expression may hold. */
export const EXPRESSION_CHARS_MAX = 4_096;
const PATH = "http.request.uri.path";

/** Any of these routes: paths, and prefixes that end in a slash and a star or a plus. */
export const onRoutes = (routes: readonly string[]): string => anyOf(routes.map(onRoute));

/** A prefix means what is below it; with a star, itself, too. */
function onRoute(route: string): string {
  const below = prefixOf(route);
  if (below === null) return `${PATH} eq ${text(route)}`;
  const isBelow = `starts_with(${PATH}, ${text(below)})`;
  // In this language, and binds more than or.
  if (route.endsWith("+")) return `${isBelow} and ${PATH} ne ${text(below)}`;
  const itself = below.slice(0, -"/".length);
  if (itself === "") return isBelow;
  return `${isBelow} or ${PATH} eq ${text(itself)}`;
}

/** Any address of these networks. */
export const fromNetworks = (networks: readonly string[]): string =>
  `ip.src in {${networks.join(" ")}}`;

/** By the number of who operates the client's network. */
export const fromOperators = (asns: readonly number[]): string =>
  `ip.src.asnum in {${asns.join(" ")}}`;

export const fromCountries = (countries: readonly string[]): string =>
  `ip.src.country in {${countries.map(text).join(" ")}}`;

/** What asks for nothing to be done. */
export const READS = 'http.request.method in {"GET" "HEAD"}';

/** Nothing in the request says whose it is. */
export const WITHOUT_CREDENTIALS =
  'http.cookie eq "" and not any(http.request.headers.names[*] eq "authorization")';

/** Whoever is never asked to prove that it is a browser. */
export const exempted = ({ routes, hosts, bots }: EdgeExempt): string =>
  anyOf([
    onRoutes(routes),
    ...(hosts.length === 0 ? [] : [`http.host in {${hosts.map(text).join(" ")}}`]),
    ...(bots ? ["cf.client.bot"] : []),
  ]);

export const allOf = (parts: readonly string[]): string =>
  parts.map((part) => `(${part})`).join(" and ");
export const not = (part: string): string => `not (${part})`;
export const anyOf = (parts: readonly string[]): string => parts.join(" or ");

const text = (value: string): string =>
  `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
