/**
 * What makes a replayed delivery believable, when its sender's own signature is long stale: a token of ours beside the unchanged
 * body, bound to that body, to the path, to an instance, a key and a time.
 */
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { object, oneOf, sure, text, whole, type Read } from "../../shared/shape.ts";
import {
  fromBase64Url,
  importKey,
  lengthPrefixed,
  toBase64Url,
  type SigningKey,
} from "../signed.ts";
import { sha256Hex, utf8 } from "./bytes.ts";

export const REPLAY_HEADER = "x-firebreak-replay";
export const REPLAY_VERSION = 1;
/** Each attempt is signed anew; this is for the way, and for clocks that differ. */
export const REPLAY_LIFE_MS = 60_000;
/** What comes on a longer path cannot be signed, and is not kept. */
export const REPLAY_PATH_CHARACTERS_MAX = 4_096;
const TOKEN_CHARACTERS_MAX = 8_192;

const claims = object({
  v: oneOf([REPLAY_VERSION]),
  kid: text(32),
  instance: text(130),
  /** The route's id in `site.yaml`. */
  route: text(60),
  /** The same however often it is replayed: what the receiver applies once. */
  id: text(200, 1),
  /** Path and query, as they arrived. */
  path: text(REPLAY_PATH_CHARACTERS_MAX),
  receivedAtMs: whole(),
  exp: whole(),
});
export type ReplayClaims = Read<typeof claims>;

export type ReplayRefusal =
  | "malformed"
  | "unknown_key"
  | "forged"
  | "expired"
  | "other_instance"
  | "other_path";

/** The value of the header that goes with one attempt to deliver `body`. */
export async function signReplay(
  key: SigningKey,
  wanted: Omit<ReplayClaims, "v" | "kid">,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const signed = sure(claims, { ...wanted, v: REPLAY_VERSION, kid: key.kid });
  const bytes = await signedBytes(signed, body);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await importKey(key), bytes));
  return `${toBase64Url(utf8(JSON.stringify(signed)))}.${toBase64Url(mac)}`;
}

export type ReplayCheck = {
  readonly keys: readonly SigningKey[];
  readonly instance: string;
  /** Path and query of the request that carries it. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly nowMs: number;
};

/** Answers what was replayed, or why the token counts for nothing. */
export async function verifyReplay(
  token: string,
  { keys, instance, path, body, nowMs }: ReplayCheck,
): Promise<Result<ReplayClaims, ReplayRefusal>> {
  const read = readToken(token);
  if (read === null) return err("malformed");
  const key = keys.find(({ kid }) => kid === read.claims.kid);
  if (key === undefined) return err("unknown_key");
  const bytes = await signedBytes(read.claims, body);
  const isGenuine = await crypto.subtle.verify("HMAC", await importKey(key), read.mac, bytes);
  if (!isGenuine) return err("forged");
  if (read.claims.exp <= nowMs) return err("expired");
  if (read.claims.instance !== instance) return err("other_instance");
  return read.claims.path === path ? ok(read.claims) : err("other_path");
}

const signedBytes = async (
  signed: ReplayClaims,
  body: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> =>
  lengthPrefixed([
    "firebreak-replay",
    String(signed.v),
    signed.kid,
    signed.instance,
    signed.route,
    signed.id,
    signed.path,
    String(signed.receivedAtMs),
    String(signed.exp),
    await sha256Hex(body),
  ]);

type ReadToken = { readonly claims: ReplayClaims; readonly mac: Uint8Array<ArrayBuffer> };

function readToken(token: string): ReadToken | null {
  if (token.length > TOKEN_CHARACTERS_MAX) return null;
  const [payload = "", mac = "", ...rest] = token.split(".");
  const [payloadBytes, macBytes] = [fromBase64Url(payload), fromBase64Url(mac)];
  if (payloadBytes === null || macBytes === null || rest.length > 0) return null;
  const read = claims(parseJson(new TextDecoder().decode(payloadBytes)));
  return read.ok ? { claims: read.value, mac: macBytes } : null;
}
