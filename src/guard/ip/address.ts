/**
 * Reads and writes addresses. Strict where others guess: one spelling of an octet, no zone, no port, no spaces, so that two
 * programs on the way of a request cannot disagree on who the client is. An IPv4-mapped address (`::ffff:0:0/96`) is IPv4; the
 * other forms that embed one (`::/96`, `64:ff9b::/96`, `2002::/16`) stay IPv6. Nothing here throws.
 */

/** The longest spelling there is: six groups of four digits and a dotted quad. */
export const ADDRESS_CHARS_MAX = 45;

export type Family = 4 | 6;

/** Four unsigned words, the most significant first. An IPv4 address is the first word, the others are zero. */
export type AddressWords = Uint32Array;

/** Room for one address: allocate once, read many. */
export const addressWords = (): AddressWords => new Uint32Array(4);

/** Reads an address into `words`; 0 when it is none, and then `words` says nothing. */
export function parseAddress(text: string, words: AddressWords): Family | 0 {
  const length = text.length;
  if (length < 2 || length > ADDRESS_CHARS_MAX) return 0;
  // One of the first five characters tells the families apart: an octet has three digits, a group four.
  for (let at = 0; at < 5; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) return parseV4(text, words);
    if (code === COLON) return parseV6(text, words);
  }
  return 0;
}

/** The one spelling of an address: dotted IPv4, or IPv6 as RFC 5952 has it. */
export function formatAddress(family: Family, words: AddressWords): string {
  const [first = 0, second = 0, third = 0, fourth = 0] = words;
  if (family === 4) {
    return `${first >>> 24}.${(first >>> 16) & 0xff}.${(first >>> 8) & 0xff}.${first & 0xff}`;
  }
  const groups = [first, second, third, fourth].flatMap((word) => [word >>> 16, word & 0xffff]);
  const { start, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

const DOT = 46;
const COLON = 58;
const MAPPED_GROUP = 0xffff;
const INVALID = -1;
const NO_GAP = -1;

/** The groups of the IPv6 address at hand. One for all calls: a call ends before the next begins. */
const groupsRead = new Uint16Array(8);

function parseV4(text: string, words: AddressWords): 4 | 0 {
  const quad = readQuad(text, 0);
  if (quad === INVALID) return 0;
  words[0] = quad;
  words[1] = words[2] = words[3] = 0;
  return 4;
}

/** The dotted quad that fills `text` from `from` on, or `INVALID`. */
function readQuad(text: string, from: number): number {
  const length = text.length;
  let quad = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = from; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0 || dots === 3) return INVALID;
      quad = (quad << 8) | octet;
      dots++;
      octet = 0;
      digits = 0;
      continue;
    }
    const digit = code - 48;
    // A leading zero is octal to some programs and decimal to others.
    if (digit < 0 || digit > 9 || (digits !== 0 && octet === 0)) return INVALID;
    octet = octet * 10 + digit;
    if (octet > 255) return INVALID;
    digits++;
  }
  return dots === 3 && digits !== 0 ? ((quad << 8) | octet) >>> 0 : INVALID;
}

function parseV6(text: string, words: AddressWords): Family | 0 {
  const from = leadingGap(text);
  if (from === INVALID) return 0;
  return parseGroups(text, from, words);
}

function parseGroups(text: string, from: number, words: AddressWords): Family | 0 {
  let gapAt = from === 0 ? NO_GAP : 0;
  let count = 0;
  let group = 0;
  let digits = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const digit = hexDigit(code);
    if (digit !== INVALID) {
      if (++digits > 4) return 0;
      group = (group << 4) | digit;
      continue;
    }
    if (code === DOT) return parseTail(text, at - digits, count, gapAt, words);
    if (code !== COLON || count > 7) return 0;
    if (digits === 0) {
      // The second colon of a pair.
      if (gapAt !== NO_GAP) return 0;
      gapAt = count;
      continue;
    }
    groupsRead[count++] = group;
    group = digits = 0;
  }
  // A colon at the end is one of a pair.
  if (digits === 0) return gapAt === count ? assemble(words, count, gapAt) : 0;
  // A ninth group is not stored, and refused for the count.
  groupsRead[count] = group;
  return assemble(words, count + 1, gapAt);
}

/** Where an address goes on behind a leading `::`, 0 when there is none. */
function leadingGap(text: string): number {
  if (text.charCodeAt(0) !== COLON) return 0;
  return text.charCodeAt(1) === COLON ? 2 : INVALID;
}

/** Ends an IPv6 address with the dotted quad that begins at `from`, which stands for two groups. */
function parseTail(
  text: string,
  from: number,
  count: number,
  gapAt: number,
  words: AddressWords,
): Family | 0 {
  const quad = count > 6 ? INVALID : readQuad(text, from);
  if (quad === INVALID) return 0;
  groupsRead[count] = quad >>> 16;
  groupsRead[count + 1] = quad & 0xffff;
  return assemble(words, count + 2, gapAt);
}

/** Writes `::` out as zeros, moving the groups behind it to the end. */
function assemble(words: AddressWords, count: number, gapAt: number): Family | 0 {
  if (gapAt === NO_GAP) {
    if (count !== 8) return 0;
  } else {
    if (count > 7) return 0;
    groupsRead.copyWithin(8 - (count - gapAt), gapAt, count);
    groupsRead.fill(0, gapAt, 8 - (count - gapAt));
  }
  const first = wordAt(0);
  const second = wordAt(2);
  const third = wordAt(4);
  const isMapped = first === 0 && second === 0 && third === MAPPED_GROUP;
  words[0] = isMapped ? wordAt(6) : first;
  words[1] = second;
  words[2] = isMapped ? 0 : third;
  words[3] = isMapped ? 0 : wordAt(6);
  return isMapped ? 4 : 6;
}

const wordAt = (group: number): number =>
  (((groupsRead[group] ?? 0) << 16) | (groupsRead[group + 1] ?? 0)) >>> 0;

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : INVALID;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
