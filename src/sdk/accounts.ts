/** Accounts as Firebreak knows them: under a keyed hash, which tells them apart and says nothing else. The key never leaves production. */

/** Of the hash, as base64url: enough that no two accounts meet. */
const HASH_BYTES = 12;
const KEY_CHARACTERS_MIN = 16;

export class Accounts {
  readonly #key: Promise<CryptoKey> | null;

  /** Without a key, or with one that could be guessed, accounts have no name at all. */
  constructor(secret: string | undefined) {
    const isKey = secret !== undefined && secret.length >= KEY_CHARACTERS_MIN;
    this.#key = isKey ? importKey(secret) : null;
  }

  /** The same for the same account, in every isolate that has the key; null without one. */
  async hashOf(account: string): Promise<string | null> {
    if (this.#key === null) return null;
    const text = new TextEncoder().encode(`firebreak/account\n${account}`);
    const mac = await crypto.subtle.sign("HMAC", await this.#key, text);
    const bytes = new Uint8Array(mac, 0, HASH_BYTES);
    return btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_");
  }
}

const importKey = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
