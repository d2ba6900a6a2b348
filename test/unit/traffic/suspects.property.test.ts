/**
 * Whom the selection names, against what is known of everybody who came: people who share networks, operators, browsers and single addresses
 * with those who flood. Every request is counted exactly, so that a broken promise is the selection's and no sketch's.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { chooseSuspects } from "../../../src/mitigations/selectors/traffic-suspects.ts";
import { hashText } from "../../../src/sketches/hash.ts";
import { HyperLogLog } from "../../../src/sketches/hyper-log-log.ts";
import { MERGED_NAMES_MAX } from "../../../src/sketches/merged-talkers.ts";
import {
  DIMENSIONS,
  DISTINCT_PRECISION,
  type Dimension,
  type DimensionCut,
} from "../../../src/sketches/top-talkers.ts";
import {
  EXCESS_FACTOR_MIN,
  EXCESS_SHARE_MIN,
  EXPLAINED_MIN,
  NARROWEST_FIRST,
  NEW_SHARE_MIN,
  PEER_SHARE_MIN,
  SUSPECTS_MAX,
  suspectsIn,
  type SuspectTerms,
} from "../../../src/traffic/suspects.ts";

/** Who sends, by every key, and how many requests in ten seconds. */
type Sender = Readonly<Record<Dimension, string>> & { readonly requests: number };

const DURING_SECONDS = 10;
/** As many times as long. */
const BEFORE = 6;
const NAT_USERS = 50;

const some = <T>(all: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...all);
const ASNS = ["AS64500", "AS64501", "AS64502"] as const;
const BROWSERS = ["chrome", "firefox", "safari"] as const;
const PAGES = ["/", "/pitches", "/pitches/:id", "/checkout"] as const;
const COUNTRIES = ["NL", "DE"] as const;
/** In some of them there are people as well as those who flood, in the first two most of the people. */
const NETWORKS = Array.from({ length: 30 }, (_, net) => net);
const networkOf = (net: number): string => `198.51.${net}.0/24`;
const addressOf = (net: number, host: number): string => `198.51.${net}.${host}`;

/** One address: a person, or fifty behind a NAT, who are one client to whoever counts. */
const client = fc.record({
  net: fc.oneof(some(NETWORKS.slice(0, 2)), some(NETWORKS)),
  asn: some(ASNS),
  browser: some(BROWSERS),
  page: some(PAGES),
  country: some(COUNTRIES),
  users: some([1, 1, 1, 1, NAT_USERS]),
  requests: fc.integer({ min: 1, max: 4 }),
});
const people: fc.Arbitrary<readonly Sender[]> = fc
  .array(client, { minLength: 20, maxLength: 80 })
  .map((all) =>
    all.map(({ net, asn, browser, page, country, users, requests }, host) => ({
      address: addressOf(net, host),
      network: networkOf(net),
      asn,
      country,
      ja4: `ja4-${browser}`,
      user_agent: browser,
      path: page,
      requests: users * requests,
    })),
  );

/** What those who flood have: `shared` with people, `own`, all the same, `mostly` twenty of their own, or `each` another. */
const trait = some(["shared", "own", "mostly", "each"] as const);
const MOSTLY = 3;
const OWN = 20;
const attack = fc.record({
  addresses: fc.integer({ min: 1, max: 400 }),
  network: trait,
  asn: trait,
  ja4: trait,
  user_agent: trait,
  path: trait,
  country: some(["shared", "own"] as const),
  /** So many times what people ask for together. */
  factor: fc.integer({ min: 2, max: 40 }),
});
type Attack = typeof attack extends fc.Arbitrary<infer A> ? A : never;

const SHARED: Readonly<Record<Exclude<Dimension, "address">, readonly string[]>> = {
  network: NETWORKS.map(networkOf),
  asn: ASNS,
  ja4: BROWSERS.map((browser) => `ja4-${browser}`),
  user_agent: BROWSERS,
  path: PAGES,
  country: COUNTRIES,
};

function flooders(regulars: readonly Sender[], { addresses, factor, ...traits }: Attack): Sender[] {
  const each = Math.ceil((requestsOf(regulars) * factor) / addresses);
  const keyOf = (dimension: Exclude<Dimension, "address">, at: number): string => {
    const shared = SHARED[dimension];
    switch (traits[dimension]) {
      case "shared":
        return shared[at % shared.length] ?? "";
      case "mostly":
        return at % MOSTLY > 0
          ? `${dimension}-own-${at % OWN}`
          : (shared[Math.floor(at / MOSTLY) % shared.length] ?? "");
      case "own":
        return `${dimension}-own`;
      case "each":
        return `${dimension}-${at}`;
    }
  };
  return Array.from({ length: addresses }, (_, at) => ({
    address: `203.0.${at >> 8}.${at & 255}`,
    network: keyOf("network", at),
    asn: keyOf("asn", at),
    country: keyOf("country", at),
    ja4: keyOf("ja4", at),
    user_agent: keyOf("user_agent", at),
    path: keyOf("path", at),
    requests: each,
  }));
}

const SOMEBODY = {
  network: networkOf(0),
  asn: ASNS[0],
  country: COUNTRIES[0],
  ja4: "ja4-chrome",
  user_agent: "chrome",
  path: PAGES[0],
} as const;
/** From one address: more than ten times what the busiest newcomer asks for. */
const FLOOD_MIN = 45;

const requestsOf = (senders: readonly Sender[]): number =>
  senders.reduce((sum, { requests }) => sum + requests, 0);

/** Requests by key, of those who match. */
function byKey(senders: readonly Sender[], dimension: Dimension): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const sender of senders) {
    const key = sender[dimension];
    counts.set(key, (counts.get(key) ?? 0) + sender.requests);
  }
  return counts;
}

/** What guards and their objects would say of it, had they room for everybody. */
function counted(senders: readonly Sender[], times = 1) {
  const dimensions = DIMENSIONS.map((dimension): DimensionCut => {
    const keys = [...byKey(senders, dimension)].toSorted(([, a], [, b]) => b - a);
    const distinct = new HyperLogLog(DISTINCT_PRECISION);
    for (const [key] of keys) distinct.add(hashText(key));
    return {
      dimension,
      total: requestsOf(senders) * times,
      refused: 0,
      distinct: distinct.toBytes(),
      top: keys
        .slice(0, MERGED_NAMES_MAX)
        .map(([name, n]) => ({ name, count: n * times, atLeast: n * times, refused: 0 })),
    };
  });
  const seconds = DURING_SECONDS * times;
  return { fromSecond: 0, untilSecond: seconds, dimensions };
}

const terms: fc.Arbitrary<SuspectTerms> = fc.record({
  dimensions: fc
    .subarray([...NARROWEST_FIRST], { minLength: 1 })
    .map((some_) => NARROWEST_FIRST.filter((one) => some_.includes(one))),
  usualShareMax: some([0.001, 0.01, 0.05]),
});

/** People who go on as before while somebody floods. */
const scene = fc.tuple(people, attack, terms).map(([regulars, how, by]) => {
  const attackers = flooders(regulars, how);
  return {
    regulars,
    attackers,
    by,
    before: counted(regulars, BEFORE),
    during: counted([...regulars, ...attackers]),
  };
});
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

const selected = ({ during, before, by }: Scene) => suspectsIn(during, before, by);

/** Keys that only those who flood have, and what share of what they send stands under each that deserves a name. */
function ownShare({ regulars, attackers }: Scene, dimension: Dimension): number {
  const peoples = byKey(regulars, dimension);
  const floods = byKey(attackers, dimension);
  const excess = requestsOf(attackers);
  const busiest = Math.max(...floods.values());
  const worthIt = [...floods].filter(
    ([, n]) => n >= excess * EXCESS_SHARE_MIN && n >= busiest * PEER_SHARE_MIN,
  );
  // With more of them than may be named, which are named is another question.
  if (worthIt.length > SUSPECTS_MAX) return 0;
  const own = worthIt.filter(([key]) => !peoples.has(key));
  return own.reduce((sum, [, n]) => sum + n, 0) / excess;
}

const SURE = 1e-9;

describe("whoever floods, and whatever they share with people", () => {
  it("never hits more of the usual traffic than may be hit, nor what was not asked about", ({
    expect,
  }) => {
    fc.assert(
      fc.property(scene, (all) => {
        const found = selected(all);
        if (found.kind !== "named") return;
        const { dimension, suspects } = found;
        const named = new Set(suspects.map(({ name }) => name));
        const hit = all.regulars.filter((person) => named.has(person[dimension]));
        const share = requestsOf(hit) / requestsOf(all.regulars);
        expect(share).toBeLessThanOrEqual(all.by.usualShareMax + SURE);
        expect(found.usualShare).toBeCloseTo(share, 9);
        expect(all.by.dimensions).toContain(dimension);
        expect(named.size).toBe(suspects.length);
        expect(suspects.length).toBeLessThanOrEqual(SUSPECTS_MAX);
        expect(found.explained).toBeGreaterThanOrEqual(EXPLAINED_MIN);
      }),
      { numRuns: 500 },
    );
  });

  it("names no key under which mostly people come", ({ expect }) => {
    fc.assert(
      fc.property(scene, (all) => {
        const found = selected(all);
        if (found.kind !== "named") return;
        const peoples = byKey(all.regulars, found.dimension);
        const floods = byKey(all.attackers, found.dimension);
        for (const { name } of found.suspects) {
          const [people_, flood] = [peoples.get(name) ?? 0, floods.get(name) ?? 0];
          expect(people_).toBeLessThanOrEqual((1 - NEW_SHARE_MIN) * (people_ + flood) + SURE);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("prefers the narrowest key that explains what came on top, and finds it where it is theirs alone", ({
    expect,
  }) => {
    fc.assert(
      fc.property(scene, (all) => {
        const found = selected(all);
        const { dimensions } = all.by;
        const theirs = dimensions.find((dimension) => ownShare(all, dimension) > EXPLAINED_MIN);
        if (theirs === undefined) return;
        expect(found.kind).toBe("named");
        if (found.kind !== "named") return;
        expect(dimensions.indexOf(found.dimension)).toBeLessThanOrEqual(dimensions.indexOf(theirs));
      }),
      { numRuns: 500 },
    );
  });

  it("names exactly their addresses while these are few, in the networks, operators and browsers of people, some of whom are fifty at one address", ({
    expect,
  }) => {
    // Who comes for the first time while it goes on is busy, and no flood.
    const newcomers = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }).map((each) =>
      each.map((requests, host): Sender => ({
        ...SOMEBODY,
        address: `192.0.2.${host}`,
        requests,
      })),
    );
    const few = attack.map((how) => ({ ...how, addresses: 1 + (how.addresses % SUSPECTS_MAX) }));
    const everythingShared = {
      network: "shared",
      asn: "shared",
      ja4: "shared",
      user_agent: "shared",
      path: "shared",
      country: "shared",
    } as const;
    fc.assert(
      fc.property(people, newcomers, few, (regulars, alsoNew, how) => {
        const attackers = flooders(regulars, { ...how, ...everythingShared }).map((one) => ({
          ...one,
          requests: Math.max(one.requests, FLOOD_MIN),
        }));
        fc.pre(requestsOf(attackers) > requestsOf(regulars) + 2 * requestsOf(alsoNew));
        const during = counted([...regulars, ...alsoNew, ...attackers]);
        const found = suspectsIn(during, counted(regulars, BEFORE), {
          dimensions: NARROWEST_FIRST,
          usualShareMax: 0.001,
        });
        expect(found).toMatchObject({ kind: "named", dimension: "address", usualShare: 0 });
        if (found.kind !== "named") return;
        expect(new Set(found.suspects.map(({ name }) => name))).toEqual(
          new Set(attackers.map(({ address }) => address)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("names nobody while people come as before, or not twice as often", ({ expect }) => {
    fc.assert(
      fc.property(people, attack, terms, (regulars, how, by) => {
        expect(suspectsIn(counted(regulars), counted(regulars, BEFORE), by)).toEqual({
          kind: "none",
          reason: "no_excess",
        });
        const more = flooders(regulars, { ...how, factor: 1, addresses: 1 }).map((one) => ({
          ...one,
          requests: Math.ceil((EXCESS_FACTOR_MIN - 1) * requestsOf(regulars)) - 1,
        }));
        const during = counted([...regulars, ...more]);
        expect(suspectsIn(during, counted(regulars, BEFORE), by).kind).toBe("none");
      }),
    );
  });
});

describe("the answer is the same", () => {
  const shuffled = <T>(all: readonly T[]): fc.Arbitrary<readonly T[]> =>
    fc.shuffledSubarray([...all], { minLength: all.length });
  const inAnyOrder = (window: ReturnType<typeof counted>) =>
    fc
      .tuple(
        shuffled(window.dimensions),
        ...window.dimensions.map((cut) => shuffled(cut.top).map((top) => ({ ...cut, top }))),
      )
      .map(([order, ...cuts]) => ({
        ...window,
        dimensions: order.flatMap(
          (one) => cuts.find((cut) => cut.dimension === one.dimension) ?? [],
        ),
      }));

  it("in whatever order the counters list what they counted", ({ expect }) => {
    const reordered = scene.chain((all) =>
      fc.tuple(fc.constant(all), inAnyOrder(all.before), inAnyOrder(all.during)),
    );
    fc.assert(
      fc.property(reordered, ([all, before, during]) => {
        expect(suspectsIn(during, before, all.by)).toEqual(selected(all));
      }),
      { numRuns: 300 },
    );
  });

  /** Powers of two, so that no rate is rounded otherwise. */
  const TIMES = [2, 4, 64, 1_024] as const;
  const times = <Window extends ReturnType<typeof counted>>(
    window: Window,
    by: number,
  ): Window => ({
    ...window,
    dimensions: window.dimensions.map((cut) => ({
      ...cut,
      total: cut.total * by,
      top: cut.top.map((one) => ({ ...one, count: one.count * by, atLeast: one.atLeast * by })),
    })),
  });

  it("for a site with a thousand times the traffic", ({ expect }) => {
    fc.assert(
      fc.property(scene, some(TIMES), (all, by) => {
        const found = selected(all);
        const larger = suspectsIn(times(all.during, by), times(all.before, by), all.by);
        const expected =
          found.kind === "named"
            ? {
                ...found,
                suspects: found.suspects.map((one) => ({
                  ...one,
                  perSecond: one.perSecond * by,
                  beforePerSecond: one.beforePerSecond * by,
                })),
              }
            : found;
        expect(larger).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

it("spares whom the site's allowlist names, whatever they send", ({ expect }) => {
  fc.assert(
    fc.property(scene, fc.nat(), ({ attackers, before, during }, at) => {
      const spared = attackers[at % attackers.length]?.address ?? "";
      const selection = chooseSuspects(
        {
          before: { ...before, missingReports: 0, silentShards: 0 },
          during: { ...during, missingReports: 0, silentShards: 0 },
          allowlist: [spared],
          already: {},
        },
        { by: ["address", "network"], usual_max: 0.05 },
      );
      if (selection.kind !== "selected") return;
      expect(selection.picked).not.toMatchObject({ networks: expect.arrayContaining([spared]) });
    }),
  );
});
