/**
 * SHA-256 of a message that fits into one block, at once. Only for checking work that anybody may check: WebCrypto's promises
 * cost more than the hash, sixteen times over, and a library would be twice the size of all the rest of the checking.
 */

/** Longer ones take a second block. */
export const MESSAGE_BYTES_MAX = 55;

const fraction = (value: number): number => Math.floor((value - Math.floor(value)) * 2 ** 32);
const isPrime = (n: number): boolean => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
};
const PRIMES = Array.from({ length: 310 }, (_, index) => index + 2).filter(isPrime);
/** The fractions of the roots of the first primes (FIPS 180-4, §4.2.2 and §5.3.3). */
const ROUNDS = Uint32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const root = (index: number): number => fraction(Math.sqrt(PRIMES[index] ?? 0));
const INITIAL = [root(0), root(1), root(2), root(3), root(4), root(5), root(6), root(7)] as const;

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** Used for each hash; nothing waits in between. */
const schedule = new Int32Array(64);

/** The first 32 bits of the hash, which is all that work is judged by. */
export function hashStart(message: Uint8Array): number {
  lay(message);
  return (mixed() + INITIAL[0]) >>> 0;
}

/** Pads the message to a block, and spreads the block over all rounds. */
function lay(message: Uint8Array): void {
  schedule.fill(0, 0, 16);
  for (let index = 0; index < message.length; index++) put(index, message[index] ?? 0);
  put(message.length, 0x80);
  schedule[15] = message.length * 8;
  for (let i = 16; i < 64; i++) {
    const early = at(i - 15);
    const late = at(i - 2);
    const small = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const large = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    schedule[i] = at(i - 16) + small + at(i - 7) + large;
  }
}

/** The first of the eight words that the rounds turn. */
function mixed(): number {
  let [a, b, c, d, e, f, g, h] = INITIAL;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g);
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + round(i) + at(i)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  return a;
}

const at = (index: number): number => schedule[index] ?? 0;
const round = (index: number): number => ROUNDS[index] ?? 0;

function put(index: number, byte: number): void {
  schedule[index >> 2] = at(index >> 2) | (byte << (24 - 8 * (index & 3)));
}
