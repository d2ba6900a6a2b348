/** The shapes of the flood: who sends it, what it asks for, and by what Firebreak should know it. */
import type { Client } from "./clients.ts";
import { BROWSER, BROWSER_JA4, COUNTRY, NATS, SHARED_ASN, SHARED_NETWORK } from "./ddos-crowd.ts";

export type Shot = { readonly client: Client; readonly path: string };

export type Shape = {
  /** For who watches. */
  readonly says: string;
  readonly requestsPerSecond: number;
  /** So many at that rate, and then no more than still make it a flood; null: at that rate until it is over. */
  readonly shots: number | null;
  readonly shotOf: (number: number) => Shot;
  /** People who cannot be told from the attackers, but by what their browsers can do; null: nobody. */
  readonly lookalikes: readonly Client[] | null;
  /** Whom the steps may name: the narrowest that tells the flood from the people, and nobody else. */
  readonly named: string;
};

/** A neighbour of fifty people, behind whose address they are. */
const SOURCE = `${NATS[0].slice(0, NATS[0].lastIndexOf("."))}.66`;
const NETWORK_FIRST = 10;
const NETWORK_ADDRESSES = 240;
const ONCE = 10_000;
const ONCE_NETWORKS = 500;
/** A program that is no browser, whatever it says. */
export const PROGRAM_JA4 = "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6";
const BUSTERS = 150;
const LOOKALIKES = 20;

const attacker = (address: string, ja4 = BROWSER_JA4): Client => ({
  address,
  asn: SHARED_ASN,
  country: COUNTRY,
  ja4,
  userAgent: BROWSER,
});

export const SHAPES = {
  "one-source": {
    says: `${SOURCE} asks for the same page`,
    requestsPerSecond: 150,
    shots: null,
    shotOf: () => ({ client: attacker(SOURCE), path: "/pitches" }),
    lookalikes: null,
    named: SOURCE,
  },
  "one-network": {
    says: `${NETWORK_ADDRESSES} addresses of ${SHARED_NETWORK}.0/24 ask for the same page`,
    requestsPerSecond: 150,
    shots: null,
    shotOf: (number) => ({
      client: attacker(`${SHARED_NETWORK}.${NETWORK_FIRST + (number % NETWORK_ADDRESSES)}`),
      path: "/pitches",
    }),
    lookalikes: null,
    named: `${SHARED_NETWORK}.0/24`,
  },
  distributed: {
    says: `${ONCE} addresses ask once each, all with the same program`,
    requestsPerSecond: 300,
    shots: ONCE,
    // What costs production next to nothing: two cores send all of this, and answer it.
    shotOf: (number) => ({
      client: attacker(onceAt(number), PROGRAM_JA4),
      path: "/assets/site.css",
    }),
    lookalikes: Array.from({ length: LOOKALIKES }, (_, at) =>
      attacker(`198.20.${at}.20`, PROGRAM_JA4),
    ),
    named: PROGRAM_JA4,
  },
  "cache-busting": {
    says: `${BUSTERS} addresses, each with a browser of its own, ask for pages that nobody ever asked for`,
    requestsPerSecond: 150,
    shots: null,
    shotOf: (number) => ({
      client: attacker(`198.19.${number % BUSTERS}.200`),
      path: `/pitches/${1 + scattered(number)}?v=${scattered(~number).toString(36)}`,
    }),
    lookalikes: null,
    named: "/pitches/+",
  },
} as const satisfies Readonly<Record<string, Shape>>;

export type ShapeName = keyof typeof SHAPES;
export const isShape = (name: string): name is ShapeName => Object.hasOwn(SHAPES, name);
export const SHAPE_NAMES = Object.keys(SHAPES) as [ShapeName, ...ShapeName[]];

/** Twenty in each of five hundred networks, one after the other. */
function onceAt(number: number): string {
  const network = number % ONCE_NETWORKS;
  return `198.${18 + Math.floor(network / 250)}.${network % 250}.${100 + Math.floor(number / ONCE_NETWORKS)}`;
}

/** As good as random, and the same in each run. */
function scattered(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  return (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 1) >>> 0;
}
