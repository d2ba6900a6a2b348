/**
 * The network matcher alone: lookups with parsing against the libraries, and what a table costs to make and to take. Everyone
 * answers the same questions of the same list, half of them hits.
 */
import { goal, type Goal } from "./goal.ts";
import { ipContestants } from "./ip-contestants.ts";
import { tableCosts, type TableCosts } from "./ip-table.ts";
import { compare, type Figure, type Spread } from "./measure.ts";
import { networksAndProbes } from "./networks.ts";

const SIZES = [1_000, 10_000, 100_000];
const TABLE_SIZE = 100_000;

export type IpReport = {
  readonly lookups: readonly {
    readonly family: 4 | 6;
    readonly networks: number;
    readonly figures: readonly Figure[];
  }[];
  readonly tables: readonly ({ readonly family: 4 | 6 } & TableCosts)[];
};

const FAMILIES = [4, 6] as const;

export async function ip(rounds: number): Promise<IpReport> {
  const lookups = [];
  for (const family of FAMILIES) {
    for (const count of SIZES) {
      const contestants = await ipContestants(family, networksAndProbes(family, count));
      lookups.push({ family, networks: count, figures: compare(contestants, rounds) });
    }
  }
  const tables = FAMILIES.map((family) => {
    const { networks } = networksAndProbes(family, TABLE_SIZE);
    return { family, ...tableCosts(family, networks, rounds) };
  });
  return { lookups, tables };
}

const LOOKUP_NS_MAX = { 4: 150, 6: 500 } as const;
const COMPILE_MS_MAX = { 4: 150, 6: 600 } as const;
const READ_MS_MAX = 5;
const TABLE_MIB_MAX = 2;

export const ipGoals = ({ lookups, tables }: IpReport): readonly Goal[] => [
  ...lookups.flatMap(({ family, networks, figures }) => {
    const [ours] = figures;
    if (networks !== TABLE_SIZE || ours === undefined) return [];
    return goal({
      what: `IPv${family} lookup with parsing, ${networks} networks`,
      value: ours.medianNs,
      unit: "ns",
      limit: { atMost: LOOKUP_NS_MAX[family] },
      rounds: ours.rounds,
      spread: { median: ours.medianNs, p25: ours.lowestNs, p75: ours.highestNs },
    });
  }),
  ...tables.flatMap(({ family, networks, bytes, coldCompileMs, coldReadMs }) => {
    const what = `${networks} IPv${family} networks`;
    const ms = (does: string, spread: Spread, atMost: number): Goal =>
      goal({
        what: `${what} ${does}`,
        value: spread.median,
        unit: "ms",
        limit: { atMost },
        spread,
      });
    return [
      ms("compiled, in a fresh process", coldCompileMs, COMPILE_MS_MAX[family]),
      ms("taken, in a fresh process", coldReadMs, READ_MS_MAX),
      goal({
        what: `${what}, the table`,
        value: bytes / 2 ** 20,
        unit: "MiB",
        limit: { atMost: TABLE_MIB_MAX },
      }),
    ];
  }),
];

/** For people: a line for each figure. */
export function sayIp({ lookups, tables }: IpReport): string {
  const lookupLines = lookups.flatMap(({ family, networks, figures }) => [
    `IPv${family}, ${networks} networks: a lookup with parsing`,
    ...figures.map(sayFigure),
  ]);
  const tableLines = tables.flatMap(({ family, networks, bytes, ...costs }) => [
    `IPv${family}, ${networks} networks: a table of ${round(bytes / 2 ** 20)} MiB`,
    ...Object.entries(costs).map(
      ([name, { median, p25, p75 }]) =>
        `  ${name.padEnd(26)}${round(median).padStart(9)} ms  (half between ${round(p25)} and ${round(p75)})`,
    ),
  ]);
  return [...lookupLines, ...tableLines].join("\n");
}

const sayFigure = ({ name, medianNs, lowestNs, highestNs, ratio }: Figure): string =>
  `  ${name.padEnd(26)}${round(medianNs).padStart(9)} ns  (${round(lowestNs)} to ${round(highestNs)})  ` +
  `× ${round(ratio.median)} (half between ${round(ratio.p25)} and ${round(ratio.p75)})`;

const round = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
