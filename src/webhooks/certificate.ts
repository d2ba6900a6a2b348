/** The public key of an X.509 certificate in PEM, read from its DER: this room has no library for it, and needs no more of one. */
import { fromBase64 } from "../guard/write-journal/bytes.ts";

const SEQUENCE = 0x30;
const EXPLICIT_VERSION = 0xa0;
/** Of a certificate's body, before its key: serial, algorithm, issuer, validity, subject. */
const FIELDS_BEFORE_KEY = 5;

/** The key as `importKey("spki", …)` takes it; null when this is no certificate. */
export function publicKeyOf(pem: string): Uint8Array<ArrayBuffer> | null {
  const base64 = /-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]+)-----END/.exec(pem)?.[1];
  const der = fromBase64((base64 ?? "").replaceAll(/\s/g, "")) ?? new Uint8Array();
  const certificate = partAt(der, 0);
  const body = certificate && partAt(der, certificate.from);
  const first = body && partAt(der, body.from);
  let part = first?.tag === EXPLICIT_VERSION ? partAt(der, first.to) : first;
  for (let field = 0; field < FIELDS_BEFORE_KEY; field += 1) part = part && partAt(der, part.to);
  return part?.tag === SEQUENCE ? der.slice(part.start, part.to) : null;
}

type Part = {
  readonly tag: number;
  /** Where its tag is, where its content begins, and where it ends. */
  readonly start: number;
  readonly from: number;
  readonly to: number;
};

/** The element that begins at `start`; null where none can. */
function partAt(der: Uint8Array, start: number): Part | null {
  const [tag, first] = [der[start], der[start + 1]];
  if (tag === undefined || first === undefined) return null;
  // 128 and more: that many bytes of length follow.
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if (lengthBytes > 3) return null;
  const from = start + 2 + lengthBytes;
  const digits = der.subarray(start + 2, from);
  const length = lengthBytes === 0 ? first : digits.reduce((sum, byte) => sum * 256 + byte, 0);
  return from + length > der.length ? null : { tag, start, from, to: from + length };
}
