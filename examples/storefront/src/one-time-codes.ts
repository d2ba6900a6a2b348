/** Codes of an authenticator: RFC 6238, SHA-1, six digits, a new one each 30 s. */

const STEP_MS = 30_000;
const DIGITS = 6;
/** A clock may be one step off, either way. */
const STEPS_OFF = [0, -1, 1] as const;

/** The step of time that the code is of, by which it is used up; null when it is none of the key's of now. */
export async function stepOfCode(
  code: string,
  keyHex: string,
  nowMs: number,
): Promise<number | null> {
  if (!/^\d{6}$/.test(code)) return null;
  const now = Math.floor(nowMs / STEP_MS);
  for (const off of STEPS_OFF) {
    if ((await codeAt(keyHex, now + off)) === code) return now + off;
  }
  return null;
}

/** The code of one step. */
export async function codeAt(keyHex: string, step: number): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.from(keyHex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    { name: "HMAC", hash: "SHA-1" },
    false,
    ["sign"],
  );
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const at = mac.getUint8(mac.byteLength - 1) & 0xf;
  const number = (mac.getUint32(at) & 0x7fff_ffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, "0");
}

/** The step at a moment. */
export const stepAt = (atMs: number): number => Math.floor(atMs / STEP_MS);
