/**
 * Which rules hold for what else is known of a client: the number of its network's operator, its country, the fingerprint of
 * its TLS hello. Each set maps a key to values in the order given; what a value is, the guard decides.
 */

/** Autonomous system numbers have 32 bits. */
export const ASN_MAX = 0xffff_ffff;

export type Keyed<K, V> = { readonly key: K; readonly value: V };

/** What holds for a key; nothing for what is no key at all. Never throws. */
export type Lookup<K, V> = (key: K) => readonly V[];

const NOTHING: readonly never[] = [];

/** By ASN: sorted numbers and a binary search, so that nothing of a request is hashed. */
export function asnSet<V>(rows: readonly Keyed<number, V>[]): Lookup<number, V> {
  const valuesOf = grouped(rows.filter(({ key }) => isAsn(key)));
  const numbers = Uint32Array.from(valuesOf.keys()).sort();
  const values = Array.from(numbers, (number) => valuesOf.get(number) ?? NOTHING);
  return (asn) => {
    let low = 0;
    let high = numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((numbers[middle] ?? 0) < asn) low = middle + 1;
      else high = middle;
    }
    return numbers[low] === asn ? (values[low] ?? NOTHING) : NOTHING;
  };
}

/** By country: two capital letters as in ISO 3166, or `T1`, which is how Cloudflare names Tor. */
export function countrySet<V>(rows: readonly Keyed<string, V>[]): Lookup<string, V> {
  const slots: (readonly V[] | undefined)[] = Array.from({ length: COUNTRY_SLOTS });
  for (const [country, values] of grouped(rows)) {
    const slot = countrySlot(country);
    if (slot !== NO_SLOT) slots[slot] = values;
  }
  return (country) => slots[countrySlot(country)] ?? NOTHING;
}

/** By JA4 fingerprint. */
export function ja4Set<V>(rows: readonly Keyed<string, V>[]): Lookup<string, V> {
  const valuesOf = grouped(rows.filter(({ key }) => isJa4(key)));
  return (fingerprint) => valuesOf.get(fingerprint) ?? NOTHING;
}

export const isAsn = (asn: number): boolean => Number.isInteger(asn) && asn > 0 && asn <= ASN_MAX;

export const isCountry = (country: string): boolean => countrySlot(country) !== NO_SLOT;

/** Transport, TLS version, SNI, counts of ciphers and extensions, first ALPN; then two truncated hashes. */
export const isJa4 = (fingerprint: string): boolean =>
  fingerprint.length === JA4_CHARS &&
  /^[tqd][0-9sd][0-9][di]\d{4}[0-9a-zA-Z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/.test(fingerprint);

const JA4_CHARS = 36;

const LETTERS = 26;
const TOR_SLOT = LETTERS * LETTERS;
const COUNTRY_SLOTS = TOR_SLOT + 1;
const NO_SLOT = -1;

/** A place for each pair of letters, and one for Tor. */
function countrySlot(country: string): number {
  if (country.length !== 2) return NO_SLOT;
  if (country === "T1") return TOR_SLOT;
  const first = country.charCodeAt(0) - 65;
  const second = country.charCodeAt(1) - 65;
  const areLetters = first >= 0 && first < LETTERS && second >= 0 && second < LETTERS;
  return areLetters ? first * LETTERS + second : NO_SLOT;
}

function grouped<K, V>(rows: readonly Keyed<K, V>[]): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>();
  for (const { key, value } of rows) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
