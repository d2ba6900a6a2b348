/** What rate limits cost per request, and how near the leases of several isolates come to one exact counter. */
import { quotaOf } from "../src/guard/limits/gcra.ts";
import { LimitKeys, type LimitSubject } from "../src/guard/limits/key.ts";
import { RateLimits } from "../src/guard/limits/rate-limit.ts";
import { limitRule, type LimitRule } from "../src/guard/limits/rule.ts";
import { mix32 } from "../src/sketches/hash.ts";
import { simulate } from "../test/support/limits.ts";
import { goal, type Goal } from "./goal.ts";
import { compare, type Contestant, type Figure } from "./measure.ts";
import { profileHere, sayProfile, type ProfileLine } from "./profile.ts";

const LOADS = [0.2, 0.5, 1, 1.2, 2, 10, 200];
const ISOLATES = [1, 4, 16, 64];
const SEEDS = [1, 2, 3];
/** Times the rules, that is what the table must hold at once: 20 rules and 2 000 addresses fit. */
const ADDRESSES = 2_000;

export type LeaseFigure = {
  readonly spread: "even" | "skewed";
  readonly isolates: number;
  readonly load: number;
  /** The largest of the seeds', by size: how many more were admitted than by one exact counter. */
  readonly worstError: number;
  readonly callsPerThousand: number;
  readonly waitedPerThousand: number;
  readonly busiestWindow: number;
};

export type LimitsReport = {
  readonly figures: readonly Figure[];
  readonly leases: readonly LeaseFigure[];
  readonly bytes: number;
  /** Where the time of 20 rules goes, for each request. */
  readonly profile: readonly ProfileLine[];
};

const PROFILED_REQUESTS = 400_000;

export function limits(rounds: number): LimitsReport {
  const figures = compare(
    [
      { name: "one rule, clean", run: decideClean(1) },
      { name: "20 rules, clean", run: decideClean(20) },
      { name: "20 rules, clean, 50 addresses", run: decideClean(20, 50) },
      { name: "one rule, refused", run: decideRefused() },
      { name: "one rule, ever new addresses", run: decideNew() },
      { name: "a map of objects", run: mapOfObjects() },
    ],
    rounds,
  );
  const leases = (["even", "skewed"] as const).flatMap((spread) =>
    ISOLATES.flatMap((isolates) => LOADS.map((load) => leaseFigure(spread, isolates, load))),
  );
  const profile = profileHere(decideClean(20), PROFILED_REQUESTS);
  return { figures, leases, bytes: new RateLimits(4).byteLength, profile };
}

const ERROR_MAX = 0.05;
const ERROR_MAX_BEYOND_16 = 0.15;

/** The figures of virtual isolates; `rig` has those of real ones. */
export const limitsGoals = ({ leases }: LimitsReport): readonly Goal[] =>
  leases.map(({ spread, isolates, load, worstError }) =>
    goal({
      what: `admitted too many or too few, ${isolates} isolates, ${load} × the limit, ${spread}`,
      value: Math.abs(worstError),
      unit: "of the exact count",
      limit: { atMost: isolates > 16 ? ERROR_MAX_BEYOND_16 : ERROR_MAX },
      baseline: "one exact counter",
      rounds: SEEDS.length,
    }),
  );

export const sayLimits = ({ figures, leases, bytes, profile }: LimitsReport): string =>
  [
    `Rate limits per request, in ${(bytes / 2 ** 20).toFixed(2)} MiB`,
    ...figures.map(
      ({ name, medianNs, lowestNs, highestNs }) =>
        `  ${name.padEnd(30)}${medianNs.toFixed(0).padStart(6)} ns  (${lowestNs.toFixed(0)} to ${highestNs.toFixed(0)})`,
    ),
    "100 per 10 s shared by isolates over 60 s, round trip 30 ms, worst of three seeds",
    "  spread  isolates   load    error  calls/1000  waited/1000  busiest window",
    ...leases.map(
      (figure) =>
        `  ${figure.spread.padEnd(8)}${String(figure.isolates).padStart(8)}` +
        `${`${figure.load} x`.padStart(7)}${`${(figure.worstError * 100).toFixed(1)} %`.padStart(9)}` +
        `${figure.callsPerThousand.toFixed(0).padStart(12)}${figure.waitedPerThousand.toFixed(1).padStart(13)}` +
        `${String(figure.busiestWindow).padStart(16)}`,
    ),
    "Where the time of 20 rules goes, profiled",
    ...sayProfile(profile),
  ].join("\n");

function leaseFigure(spread: "even" | "skewed", isolates: number, load: number): LeaseFigure {
  const outcomes = SEEDS.map((seed) =>
    simulate({ isolates, load, seed, spread, limit: 100, windowMs: 10_000, seconds: 60 }),
  );
  const offered = sum(outcomes.map((outcome) => outcome.offered));
  const errors = outcomes.map(({ admitted, exact }) => admitted / exact - 1);
  return {
    spread,
    isolates,
    load,
    worstError: errors.reduce((worst, error) =>
      Math.abs(error) > Math.abs(worst) ? error : worst,
    ),
    callsPerThousand: (1_000 * sum(outcomes.map(({ calls }) => calls))) / offered,
    waitedPerThousand: (1_000 * sum(outcomes.map(({ waited }) => waited))) / offered,
    busiestWindow: Math.max(...outcomes.map(({ busiestWindow }) => busiestWindow)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Far from any limit, key and all: what every request pays. */
function decideClean(count: number, addresses = ADDRESSES): Contestant["run"] {
  const rules = Array.from({ length: count }, (_, index) => aRule(index, 1_000_000));
  const table = new RateLimits(4);
  const keys = new LimitKeys();
  return overRequests((subject, nowMs) => {
    let admitted = 0;
    keys.begin(subject, []);
    for (const rule of rules) {
      if (!keys.read(rule)) continue;
      if (table.decide(rule, keys.key, nowMs).kind === "admit") admitted += 1;
    }
    return admitted;
  }, addresses);
}

/** What an attacker gets. */
function decideRefused(): Contestant["run"] {
  const rule: LimitRule = { ...aRule(0, 1), accuracy: "isolate" };
  const table = new RateLimits(4);
  const keys = new LimitKeys();
  return overRequests((subject, nowMs) => {
    keys.begin(subject, []);
    keys.read(rule);
    return table.decide(rule, keys.key, nowMs).kind === "refuse" ? 1 : 0;
  });
}

function decideNew(): Contestant["run"] {
  const rule = aRule(0, 100);
  const table = new RateLimits(4);
  const key = new Uint32Array(2);
  let address = 0;
  return overRequests((_subject, nowMs) => {
    address += 1;
    key[0] = mix32(address);
    key[1] = mix32(~address);
    return table.decide(rule, key, nowMs).kind === "admit" ? 1 : 0;
  });
}

/** The limiter that everyone begins with: a fixed window per address, in a map. */
function mapOfObjects(): Contestant["run"] {
  const windows = new Map<number, { count: number; endsAtMs: number }>();
  return overRequests(({ address }, nowMs) => {
    const key = address?.words[0] ?? 0;
    const window = windows.get(key);
    if (window === undefined || window.endsAtMs <= nowMs) {
      windows.set(key, { count: 1, endsAtMs: nowMs + 10_000 });
      return 1;
    }
    window.count += 1;
    return window.count <= 1_000_000 ? 1 : 0;
  });
}

const aRule = (index: number, limit: number): LimitRule =>
  limitRule(
    {
      id: `rule-${index}`,
      quota: quotaOf(limit, 10_000),
      parts: index % 2 === 0 ? ["address"] : ["network", "asn"],
      accuracy: "shared",
      fail: "open",
      penalty: null,
      sessionSource: 0,
    },
    "bench",
  );

/** Ten requests a millisecond from so many addresses; goes on where the last call ended. */
function overRequests(
  one: (subject: LimitSubject, nowMs: number) => number,
  addresses = ADDRESSES,
): Contestant["run"] {
  const subjects = Array.from({ length: addresses }, (_, index): LimitSubject => {
    const place = { asn: 1 + (index % 500), country: "NL" };
    return {
      address: { family: 4, words: Uint32Array.from([mix32(index), 0, 0, 0]) },
      place: () => place,
      ja4: () => null,
      header: () => null,
    };
  });
  let event = 0;
  return (times) => {
    let total = 0;
    for (let time = 0; time < times; time += 1) {
      const subject = subjects[event % addresses];
      if (subject !== undefined) total += one(subject, 1_700_000_000_000 + Math.floor(event / 10));
      event += 1;
    }
    return total;
  };
}
