/** A client's network as text: `192.0.2.7`, `192.0.2.0/24`, `2001:db8:1::/48`, as the lists of networks read them. */
import {
  addressWords,
  formatAddress,
  parseAddress,
  type AddressWords,
  type Family,
} from "./address.ts";

export function networkName(
  { family, words }: { readonly family: Family; readonly words: AddressWords },
  v4Bits: number,
  v6Bits: number,
): string {
  const bits = family === 4 ? v4Bits : v6Bits;
  const kept = words.map((word, at) => {
    const left = Math.min(32, Math.max(0, bits - at * 32));
    return left === 0 ? 0 : word & (-1 << (32 - left));
  });
  const text = formatAddress(family, kept);
  return family === 4 && bits === 32 ? text : `${text}/${bits}`;
}

/** One client's: IPv4, or the /64 that one IPv6 subscriber has; null when the text is no address. */
export function clientNameOf(text: string): string | null {
  const words = addressWords();
  const family = parseAddress(text, words);
  return family === 0 ? null : networkName({ family, words }, 32, 64);
}
