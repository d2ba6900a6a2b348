/**
 * Who sends what came on top of the usual traffic: the last seconds against the time before the harm began. Named by the narrowest
 * key that explains most of it, and only by keys that next to none of the usual requests had.
 */
import { z } from "zod";
import { foldRoute, mayMatchRoute, prefixOf } from "../../guard/routes.ts";
import { isWholeSite } from "../../policy/patterns.ts";
import { isCountry, isJa4 } from "../../guard/ip/number-set.ts";
import { err, ok } from "../../shared/result.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import {
  NARROWEST_FIRST,
  suspectsIn,
  UNSEEN_SECONDS,
  type Suspicion,
} from "../../traffic/suspects.ts";
import { BUCKET_SECONDS, TALKERS_KEPT_SECONDS } from "../../traffic/talker-memory.ts";
import { OTHERS, sectionOf } from "../../traffic/section-tally.ts";
import type { TalkersWindow } from "../../traffic/traffic-api.ts";
import { nameableBeside } from "../lease-networks.ts";
import { defineSelector, nobody, type Picked, type Selection } from "../selector.ts";

/** What a step can be about. There is no list of user agents: anybody may send any. */
const KEYS = ["address", "network", "ja4", "asn", "path", "country"] as const;
type Key = (typeof KEYS)[number];

/** So many operators, countries or routes in one selection; more is half of the world. */
export const WIDE_MAX = 3;
const WIDE: readonly Key[] = ["asn", "path", "country"];
/** The time before that, as long as it is remembered by seconds, and once only its minutes are. */
export const BEFORE_SECONDS = 60;
export const BEFORE_SECONDS_COARSE = 240;
/** With less of it nothing is usual. */
export const BEFORE_SECONDS_MIN = 10;
export const DURING_SECONDS = 10;
/** Guards report about a second after they counted. */
const REPORT_LAG_SECONDS = 2;
const NAMED_MAX = 5;

const options = z.strictObject({
  /** What may be named; the narrowest that explains it is. */
  by: z.array(z.enum(KEYS)).min(1).max(KEYS.length),
  /** Share of the usual requests that may be hit as well, 0 to 0.05. */
  usual_max: z.number().min(0).max(0.05).default(0.001),
});
type Options = z.infer<typeof options>;

export const trafficSuspects = defineSelector({
  id: "traffic-suspects",
  options,
  fills: ({ by }) => by.map((key) => EXAMPLES[key]),

  async select({ options: terms, atMs, onsetAtMs, already }, { traffic, allowlist }) {
    const untilSecond = Math.floor(atMs / 1_000) - REPORT_LAG_SECONDS;
    const beganSecond = Math.floor(onsetAtMs / 1_000) - UNSEEN_SECONDS;
    const isFresh = untilSecond - beganSecond + BEFORE_SECONDS < TALKERS_KEPT_SECONDS;
    const [before, during] = await Promise.all([
      traffic.talkers(isFresh ? BEFORE_SECONDS : BEFORE_SECONDS_COARSE, beganSecond),
      traffic.talkers(DURING_SECONDS, untilSecond),
    ]);
    const doubt = doubtAbout(during, DURING_SECONDS - BUCKET_SECONDS);
    // What is missing now is past in some seconds.
    if (doubt !== null) return err({ class: "retry", detail: doubt });
    return ok(chooseSuspects({ before, during, allowlist, already }, terms));
  },
});

type Seen = {
  readonly before: OfAllShards<TalkersWindow>;
  readonly during: OfAllShards<TalkersWindow>;
  readonly allowlist: readonly string[];
  readonly already: Readonly<Record<string, unknown>>;
};

/** Pure. */
export function chooseSuspects(
  { before, during, allowlist, already }: Seen,
  { by, usual_max: usualShareMax }: Options,
): Selection {
  const doubt = doubtAbout(before, BEFORE_SECONDS_MIN);
  if (doubt !== null) return nobody("unknown", `of the time before, ${doubt}`);
  // Routes narrow whom a step is about, so they are not mixed with clients that are named later, nor these with them.
  const isByPath = by.includes("path") && "routes" in already;
  const wanted = NARROWEST_FIRST.filter(
    (key) => by.some((one) => one === key) && (key === "path" ? !namesClients(already) : !isByPath),
  );
  const suspicion = suspectsIn(during, before, { dimensions: wanted, usualShareMax });
  if (suspicion.kind !== "named") return nobodyBecause(suspicion);
  const key = KEYS.find((one) => one === suspicion.dimension);
  if (key === undefined) return nobody("spread", "what explains it cannot be acted on");
  const mayName = nameableBeside(allowlist);
  const names = suspicion.suspects
    .map(({ name }) => name)
    .filter((name) => isUsable(key, name, mayName))
    .filter((name, at, all) => key !== "path" || isFirstOnRoute(name, all.slice(0, at)));
  if (names.length === 0) return nobody("spread", `no ${key} explains it that may be named`);
  if (WIDE.includes(key) && names.length > WIDE_MAX) {
    return nobody(
      "too_wide",
      `${names.length} ${PLURALS[key]} explain it, ${WIDE_MAX} may be named`,
    );
  }
  const { explained } = suspicion;
  const onRoutes = key === "path" ? usualOn(names, before) : 0;
  const usualShare = Math.max(suspicion.usualShare, onRoutes);
  if (usualShare > usualShareMax) return wouldHit(explained, usualShare);
  return {
    kind: "selected",
    picked: pickedOf(key, names),
    says: `${listOf(key, names)}: ${percent(explained)} of what comes on top of the usual, ${percent(usualShare)} of the usual`,
    facts: { by: key, explained, usualShare, suspects: suspicion.suspects },
  };
}

const namesClients = (already: Readonly<Record<string, unknown>>): boolean =>
  ["networks", "asns", "countries", "ja4s"].some((key) => key in already);

function nobodyBecause(suspicion: Exclude<Suspicion, { readonly kind: "named" }>): Selection {
  switch (suspicion.kind) {
    case "none":
      return suspicion.reason === "nothing_before"
        ? nobody("unknown", "nobody came in the time before")
        : nobody("no_excess", "no more comes than before");
    case "regulars":
      return wouldHit(suspicion.explained, suspicion.usualShare);
    case "spread":
      return nobody("spread", `nothing explains more than ${percent(suspicion.best)} of it`);
  }
}

/** Several templates may be below one route. */
const isFirstOnRoute = (name: string, earlier: readonly string[]): boolean =>
  !earlier.some((other) => routeOf(other) === routeOf(name));

const wouldHit = (explained: number, usualShare: number): Selection =>
  nobody(
    "would_hit_regulars",
    `what explains ${percent(explained)} of it had ${percent(usualShare)} of the usual requests, too`,
  );

/**
 * Share of the usual requests that may be on these templates' routes, as guards take them, whichever templates they have themselves. A
 * shop's pages have one each, most of them asked for too seldom to have a name: of what is below a route, all of the section is meant
 * that is not known to be elsewhere in it, and all that no section is told of.
 */
function usualOn(templates: readonly string[], before: TalkersWindow): number {
  const cut = before.dimensions.find(({ dimension }) => dimension === "path");
  if (cut === undefined || cut.total === 0) return 0;
  const routes = templates.flatMap((template) => routeOf(template) ?? []).map(foldRoute);
  const isOn = (name: string): boolean => routes.some((route) => mayMatchRoute(name, route));
  const below = new Set(routes.filter((route) => prefixOf(route) !== null).map(sectionOf));
  const isInThese = (name: string): boolean => below.has(sectionOf(name));
  const byName = sumOf(cut.top, ({ name, count }) => (isOn(name) && !isInThese(name) ? count : 0));
  if (below.size === 0) return byName / cut.total;
  const sections = before.sections ?? [];
  const inThese = sumOf(sections, ({ section, requests }) =>
    section === OTHERS || below.has(section) ? requests : 0,
  );
  const elsewhere = sumOf(cut.top, ({ name, atLeast }) =>
    isInThese(name) && !isOn(name) ? atLeast : 0,
  );
  const untold = Math.max(0, cut.total - sumOf(sections, ({ requests }) => requests));
  return (byName + Math.max(0, inThese - elsewhere) + untold) / cut.total;
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((sum, one) => sum + of(one), 0);

/** Why nothing can be concluded, or null. */
function doubtAbout(window: OfAllShards<TalkersWindow>, secondsMin: number): string | null {
  if (window.silentShards > 0)
    return `${window.silentShards} shards of the counters did not answer`;
  if (window.missingReports > 0) return `${window.missingReports} reports are missing`;
  const seconds = window.untilSecond - window.fromSecond;
  return seconds < secondsMin ? `only ${Math.max(0, seconds)} s are known` : null;
}

/** Names come from clients: what is no name of its kind is nobody's, and whom the site spares is not named. */
function isUsable(key: Key, name: string, mayName: (network: string) => boolean): boolean {
  switch (key) {
    case "address":
    case "network":
      return mayName(name);
    case "ja4":
      return isJa4(name);
    case "country":
      return isCountry(name);
    case "asn":
      return asnOf(name) > 0;
    case "path":
      return routeOf(name) !== null;
  }
}

function pickedOf(key: Key, names: readonly string[]): Picked {
  switch (key) {
    case "address":
    case "network":
      return { networks: names };
    case "ja4":
      return { ja4s: names };
    case "country":
      return { countries: names };
    case "asn":
      return { asns: names.map(asnOf) };
    case "path":
      return { routes: names.flatMap((name) => routeOf(name) ?? []) };
  }
}

/** `AS64496`. */
const asnOf = (name: string): number => Number(/^AS(\d{1,10})$/.exec(name)?.[1] ?? 0);

/** The template of a path as a route, which has what is below and not the list itself; what would be the whole site is none. */
function routeOf(template: string): string | null {
  const from = template.split("/").findIndex((segment) => segment === ":id" || segment === "*");
  const route = from === -1 ? template : `${template.split("/").slice(0, from).join("/")}/+`;
  return isWholeSite(route) ? null : route;
}

const EXAMPLES: Readonly<Record<Key, Picked>> = {
  address: { networks: ["192.0.2.1"] },
  network: { networks: ["192.0.2.0/24"] },
  ja4: { ja4s: ["t13d1516h2_8daaf6152771_b0da82dd1658"] },
  asn: { asns: [64_496] },
  path: { routes: ["/search"] },
  country: { countries: ["NL"] },
};

const PLURALS: Readonly<Record<Key, string>> = {
  address: "addresses",
  network: "networks",
  ja4: "kinds of TLS client",
  asn: "operators",
  path: "routes",
  country: "countries",
};

/** As the step will have them. More are counted, not listed. */
const listOf = (key: Key, names: readonly string[]): string =>
  names.length <= NAMED_MAX
    ? names.map((name) => (key === "path" ? routeOf(name) : name)).join(", ")
    : `${names.length} ${PLURALS[key]}`;

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
