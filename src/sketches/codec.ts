/**
 * Arrays of mostly small or zero counts as bytes: a magic number (two bytes), a size that the reader knows how
 * to interpret, and the counts, as variable-length integers. A zero is followed by how many more zeros come after it.
 */

/** A 32-bit word takes at most five bytes of seven bits. */
const VARINT_BYTES_MAX = 5;

export function encodeCounts(magic: number, size: number, counts: ArrayLike<number>): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(magic >>> 8);
  writer.byte(magic);
  writer.varint(size);
  for (let at = 0; at < counts.length; at += 1) {
    const count = counts[at] ?? 0;
    writer.varint(count);
    if (count !== 0) continue;
    const zerosFrom = at;
    while (at + 1 < counts.length && counts[at + 1] === 0) at += 1;
    writer.varint(at - zerosFrom);
  }
  return writer.bytes();
}

export type Decoded = { readonly size: number; readonly counts: Uint32Array<ArrayBuffer> };

/** Null for bytes that are not exactly one array; `lengthOf` says how many counts a size stands for, or null for none. */
export function decodeCounts(
  magic: number,
  bytes: Uint8Array,
  lengthOf: (size: number) => number | null,
): Decoded | null {
  if (bytes[0] !== magic >>> 8 || bytes[1] !== (magic & 0xff)) return null;
  const reader = new ByteReader(bytes, 2);
  const size = reader.varint();
  const length = size === null ? null : lengthOf(size);
  if (size === null || length === null) return null;
  const counts = new Uint32Array(length);
  for (let at = 0; at < length; at += 1) {
    const count = reader.varint();
    if (count === null) return null;
    counts[at] = count;
    if (count !== 0) continue;
    const zeros = reader.varint();
    if (zeros === null || zeros >= length - at) return null;
    at += zeros;
  }
  return reader.isAtEnd ? { size, counts } : null;
}

class ByteWriter {
  #bytes = new Uint8Array(1_024);
  #length = 0;

  byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes;
    this.#at = from;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Null at the end of the bytes, and for more than 32 bits. */
  varint(): number | null {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) return null;
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value <= 0xffff_ffff ? value : null;
    }
    return null;
  }
}
