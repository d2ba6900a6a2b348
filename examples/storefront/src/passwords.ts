/** Passwords as `pbkdf2-sha256$<iterations>$<salt, hex>$<hash, hex>`. */

const SHAPE = /^pbkdf2-sha256\$(\d{4,6})\$([0-9a-f]{32})\$([0-9a-f]{64})$/;
/** Checked when the address is unknown, so that the time taken does not tell. */
export const NOBODYS_HASH = `pbkdf2-sha256$20000$${"00".repeat(16)}$${"00".repeat(32)}`;

/** Whether the password is the one that was hashed; a hash of another shape matches nothing. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, iterations, salt, hash] = SHAPE.exec(stored) ?? [];
  if (iterations === undefined || salt === undefined || hash === undefined) return false;
  const encoded = new TextEncoder().encode(password);
  const key = await crypto.subtle.importKey("raw", encoded, "PBKDF2", false, ["deriveBits"]);
  const derived = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: Number(iterations) },
    key,
    256,
  );
  return crypto.subtle.timingSafeEqual(derived, bytes(hash));
}

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
