/** Lists of networks like those that are in use, and addresses to ask of them; the same in every run. */

export type Work = { readonly networks: readonly string[]; readonly probes: readonly string[] };

export const PROBES = 100_000;

/** `count` distinct networks, and addresses in random order of which half lie in one of them. */
export function networksAndProbes(family: 4 | 6, count: number): Work {
  const random = randomFrom(family * 1_000_003 + count);
  const one = family === 4 ? v4Network : v6Network;
  const networks = new Set<string>();
  while (networks.size < count) networks.add(one(random));
  const listed = [...networks];
  const probes = Array.from({ length: PROBES }, () => {
    const network = random() < 0.5 ? (listed[Math.floor(random() * count)] ?? "") : one(random);
    return network.slice(0, network.indexOf("/"));
  });
  return { networks: listed, probes };
}

/** `count` IPv4 networks in which no visitor of `visitors.ts` is. */
export const networksOfOthers = (count: number): readonly string[] =>
  networksAndProbes(4, count + SPARE)
    .networks.filter((network) => !VISITORS_NETWORK.test(network))
    .slice(0, count);

/** For benchmarks, by RFC 2544. */
const VISITORS_NETWORK = /^198\.1[89]\./;
/** More than are ever left out: a network of visitors is one in some 30 000. */
const SPARE = 200;

type Random = () => number;

/** Mulberry32: small, seeded, good enough to spread addresses. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Seven of ten are single addresses, two are /24, one is wider. */
function v4Network(random: Random): string {
  const kind = random();
  const prefix = kind < 0.7 ? 32 : kind < 0.9 ? 24 : 16 + Math.floor(random() * 8);
  const host = 2 ** (32 - prefix);
  const address = Math.floor((random() * 2 ** 32) / host) * host;
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

/** Where providers' addresses begin: most of a list is in a few of these, which is what an index finds hard. */
const V6_FIRST_GROUPS = [
  0x2001, 0x2400, 0x2404, 0x2408, 0x2409, 0x240e, 0x2600, 0x2601, 0x2607, 0x2800, 0x2804, 0x2a00,
  0x2a01, 0x2a02, 0x2a03, 0x2a04, 0x2a05, 0x2a06, 0x2a0d,
];
const V6_PREFIXES = [128, 128, 64, 64, 64, 56, 48, 48, 40, 32];

/** Two of ten are single addresses, three are subscribers' /64. */
function v6Network(random: Random): string {
  const pick = (from: readonly number[]): number => from[Math.floor(random() * from.length)] ?? 0;
  const prefix = pick(V6_PREFIXES);
  const first = pick(V6_FIRST_GROUPS);
  const groups = Array.from({ length: 8 }, (_, at) => {
    const group = at === 0 ? first : Math.floor(random() * 0x1_0000);
    const bits = Math.min(16, Math.max(0, prefix - 16 * at));
    return (group & (0xffff << (16 - bits)) & 0xffff).toString(16);
  });
  return `${shortened(groups)}/${prefix}`;
}

const shortened = (groups: readonly string[]): string =>
  groups.join(":").replace(/(?::0){2,}$/, "::");
