/**
 * Signed tokens: an operator's bypass, the mark that makes a request a probe of ours, the clearance of a client that met a challenge,
 * and the session of a person who looks at incidents. Bound to an instance, a key and a time; whoever holds one key of an instance can mint for it and for no other.
 */
import { parseJson } from "../shared/json.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { list, object, oneOf, sure, text, textThat, whole, type Read } from "../shared/shape.ts";

export const TOKEN_VERSION = 1;
export const TOKEN_CHARACTERS_MAX = 1_024;
export const LIVE_KEYS_MAX = 2;
/** Long enough to look around during an incident, short enough to be forgotten about. */
export const BYPASS_LIFE_MS_MAX = 8 * 3_600_000;

export const PROBE_HEADER = "x-firebreak-probe";
export const BYPASS_HEADER = "x-firebreak-bypass";
/** `__Host-`: only this host, only over HTTPS, only for the whole site. */
export const BYPASS_COOKIE = "__Host-firebreak-bypass";
export const CLEARANCE_COOKIE = "__Host-firebreak-clearance";
/** `__Secure-`: for our own paths alone, and so not for the whole site. */
export const SESSION_COOKIE = "__Secure-firebreak-session";

const signingKey = object({
  kid: textThat(/^[a-z0-9-]{1,32}$/, "at most 32 of a-z, 0-9 and -"),
  secret: textThat(({ length }) => length >= 32, "a text of at least 32 characters"),
});
const signingKeys = list(signingKey, LIVE_KEYS_MAX);
export type SigningKey = Read<typeof signingKey>;

const claims = object({
  v: oneOf([TOKEN_VERSION]),
  kid: text(32),
  instance: text(130),
  kind: oneOf(["bypass", "probe", "clearance", "session", "press"]),
  /**
   * Who: a person's name or address, or the probe's id; of a clearance, what was paid and by what kind of browser; of a session, a
   * digest of the token that began it; of a press, a digest of whom a form was shown to, and of which incident.
   */
  sub: text(120, 1),
  /** Epoch milliseconds. */
  exp: whole(),
});
export type TokenClaims = Read<typeof claims>;

export type TokenRefusal =
  | "malformed"
  | "unknown_key"
  | "forged"
  | "expired"
  | "other_instance"
  | "other_kind";

/** Reads `SIGNING_KEYS`: `[{ "kid", "secret" }]`, the first signs and both verify. Never repeats what it was given. */
export function readSigningKeys(given: string | undefined): Result<readonly SigningKey[], string> {
  if (given === undefined || given.trim() === "") return ok([]);
  const read = signingKeys(parseJson(given));
  return read.ok
    ? read
    : err(`SIGNING_KEYS is not [{ "kid", "secret" }]: SIGNING_KEYS${read.error}`);
}

/** Mints `<payload>.<mac>`, both base64url. */
export async function mintToken(
  key: SigningKey,
  wanted: Omit<TokenClaims, "v" | "kid">,
): Promise<string> {
  const minted = sure(claims, { ...wanted, v: TOKEN_VERSION, kid: key.kid });
  const mac = await macOf(key, fieldsOf(minted));
  return closeToken(minted, mac);
}

export type Verification = {
  readonly keys: readonly SigningKey[];
  readonly kind: TokenClaims["kind"];
  /** Null: not known yet (a guard without a policy); the key alone then says whose token it is. */
  readonly instance: string | null;
  readonly nowMs: number;
};

/** Answers whose token it is, or why it counts for nothing. `subtle.verify` compares in constant time. */
export async function verifyToken(
  token: string,
  { keys, kind, instance, nowMs }: Verification,
): Promise<Result<TokenClaims, TokenRefusal>> {
  const read = readToken(token);
  if (read === null) return err("malformed");
  const key = keys.find(({ kid }) => kid === read.claims.kid);
  if (key === undefined) return err("unknown_key");
  if (!(await isMacOf(read.mac, key, fieldsOf(read.claims)))) return err("forged");
  // The MAC is of what a token says, and not of how: spelt otherwise it would be one more token, and count as one.
  if (closeToken(read.claims, read.mac) !== token) return err("malformed");
  if (read.claims.exp <= nowMs) return err("expired");
  if (instance !== null && read.claims.instance !== instance) return err("other_instance");
  if (read.claims.kind !== kind) return err("other_kind");
  return ok(read.claims);
}

const encoder = new TextEncoder();

const fieldsOf = (signed: TokenClaims): readonly string[] => [
  "firebreak-token",
  String(signed.v),
  signed.kid,
  signed.instance,
  signed.kind,
  signed.sub,
  String(signed.exp),
];

/** What a key makes of these fields. The first says what kind of thing they are, so that no two kinds sign the same bytes. */
export async function macOf(
  key: SigningKey,
  fields: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const mac = await crypto.subtle.sign("HMAC", await imported(key), lengthPrefixed(fields));
  return new Uint8Array(mac);
}

export const isMacOf = async (
  mac: Uint8Array<ArrayBuffer>,
  key: SigningKey,
  fields: readonly string[],
): Promise<boolean> =>
  crypto.subtle.verify("HMAC", await imported(key), mac, lengthPrefixed(fields));

/** Each field with its length in bytes before it, so that no two lists of fields are the same bytes. */
export function lengthPrefixed(fields: readonly string[]): Uint8Array<ArrayBuffer> {
  const text = fields.map((field) => `${encoder.encode(field).length}:${field}`).join("");
  // Copied, because platforms differ in what buffer an encoder's bytes may lie in.
  return Uint8Array.from(encoder.encode(text));
}

type ReadToken = { readonly claims: TokenClaims; readonly mac: Uint8Array<ArrayBuffer> };

function readToken(token: string): ReadToken | null {
  const opened = openToken(token);
  const read = claims(opened?.payload);
  return opened !== null && read.ok ? { claims: read.value, mac: opened.mac } : null;
}

/** The two halves of `<payload>.<mac>`, unchecked; null when it is no such thing. */
export function openToken(
  token: string,
): { readonly payload: unknown; readonly mac: Uint8Array<ArrayBuffer> } | null {
  if (token.length > TOKEN_CHARACTERS_MAX) return null;
  const [payload = "", mac = "", ...rest] = token.split(".");
  const [payloadBytes, macBytes] = [fromBase64Url(payload), fromBase64Url(mac)];
  if (payloadBytes === null || macBytes === null || rest.length > 0) return null;
  return { payload: parseJson(new TextDecoder().decode(payloadBytes)), mac: macBytes };
}

/** `<payload>.<mac>`, both base64url. */
export const closeToken = (payload: unknown, mac: Uint8Array): string =>
  `${toBase64Url(encoder.encode(JSON.stringify(payload)))}.${toBase64Url(mac)}`;

/** Once per isolate. Only what is ready is kept: a promise belongs to the request that made it. */
const imports = new WeakMap<SigningKey, CryptoKey>();

async function imported(key: SigningKey): Promise<CryptoKey> {
  const known = imports.get(key);
  if (known !== undefined) return known;
  const fresh = await importKey(key);
  imports.set(key, fresh);
  return fresh;
}

export const importKey = ({ secret }: SigningKey): Promise<CryptoKey> =>
  crypto.subtle.importKey(
    "raw",
    Uint8Array.from(encoder.encode(secret)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null; // A length that no base64 has.
  }
}
