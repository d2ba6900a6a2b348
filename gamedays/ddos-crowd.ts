/**
 * Who comes to the storefront on the day of the flood. Hardly anything tells them from the attackers: they use the same browser at the
 * same operators, some have an address beside theirs, and behind two addresses there are fifty people each.
 */
import type { Errand } from "./answer.ts";
import { headersOf, type Client } from "./clients.ts";
import { DAY, type Plan } from "./visitors.ts";

export const BROWSER =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
export const BROWSER_JA4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
/** The operator of half of the people and of all attackers. */
export const SHARED_ASN = 64_500;
const OTHER_ASN = 64_501;
export const COUNTRY = "NL";

/** Two addresses of fifty people each. */
export const NATS = ["192.0.2.10", "198.18.7.9"] as const;
const BEHIND_EACH = 50;
/** Where a whole network attacks, three homes are in it; and one in so many of those who are new. */
export const SHARED_NETWORK = "203.0.113";
const NEIGHBOURS = 3;
const NEW_NEIGHBOUR_EVERY = 30;
/** One in so many visits looks at one pitch. */
const LOOK_EVERY = 40;
/** Those who are new make this many visits, and are gone. */
export const NEWCOMER_VISITS = 2;

const person = (address: string, n: number): Client => ({
  address,
  asn: n % 2 === 0 ? SHARED_ASN : OTHER_ASN,
  country: COUNTRY,
  ja4: BROWSER_JA4,
  userAgent: BROWSER,
});

/** People who are here all the time, each with a name of their own; those behind one address are at one operator. */
export const regulars =
  (count: number): Plan =>
  (number) => {
    const index = number % count;
    const round = Math.floor(number / count);
    const errand = errandOf(number, round + index);
    const nat = NATS[Math.floor(index / BEHIND_EACH)];
    if (nat !== undefined) {
      return { visitor: `${nat} ${index}`, headers: headersOf(person(nat, 0)), errand };
    }
    const home = index - NATS.length * BEHIND_EACH;
    const address = home < NEIGHBOURS ? `${SHARED_NETWORK}.${home + 1}` : `198.51.100.${home}`;
    return { visitor: address, headers: headersOf(person(address, home)), errand };
  };

/** People who were never here: two at a time, and after their visits the next two. */
export const newcomers: Plan = (number) => {
  const pair = Math.floor(number / (2 * NEWCOMER_VISITS));
  const index = 2 * pair + (number % 2);
  const visit = Math.floor((number % (2 * NEWCOMER_VISITS)) / 2);
  const isNeighbour = index % NEW_NEIGHBOUR_EVERY === NEW_NEIGHBOUR_EVERY - 1;
  const address = isNeighbour
    ? `${SHARED_NETWORK}.${250 + (Math.floor(index / NEW_NEIGHBOUR_EVERY) % 5)}`
    : `198.19.${index % 250}.${10 + Math.floor(index / 250)}`;
  return {
    visitor: `new ${index}`,
    headers: headersOf(person(address, index)),
    errand: visit === 0 ? "browse" : isLook(index) ? "look" : "read",
  };
};

const errandOf = (number: number, step: number): Errand =>
  isLook(number) ? "look" : (DAY[step % DAY.length] ?? "browse");

const isLook = (number: number): boolean => number % LOOK_EVERY === LOOK_EVERY - 1;
