/** What signatures are made of: bytes, and their spellings. */

const encoder = new TextEncoder();

/** Copied, because platforms differ in what buffer an encoder's bytes may lie in. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(encoder.encode(text));

export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Null when the text is no hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Null when the text is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

/** Whether one of the signatures is this key's over these bytes; each is compared in constant time. */
export async function isSignedBy(
  key: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
  signatures: readonly Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  if (key.length === 0) return false;
  const imported = await crypto.subtle.importKey("raw", key, HMAC, false, ["verify"]);
  for (const signature of signatures) {
    if (await crypto.subtle.verify("HMAC", imported, signature, signed)) return true;
  }
  return false;
}

/** Equal bytes, in a time that does not tell how much of them: their MACs under one key are compared. */
export async function isSame(
  given: Uint8Array<ArrayBuffer>,
  wanted: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (wanted.length === 0) return false;
  const key = await crypto.subtle.importKey("raw", wanted, HMAC, false, ["sign", "verify"]);
  const mac = await crypto.subtle.sign("HMAC", key, wanted);
  return crypto.subtle.verify("HMAC", key, mac, given);
}
