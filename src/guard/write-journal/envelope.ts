/**
 * What makes a replayed delivery believable, when its sender's own signature is long stale: a token of ours beside the unchanged
 * body, bound to that body, to the path, to an instance, a key and a time.
 */
import * as z from "zod/mini";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
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

const claims = z.object({
  v: z.literal(REPLAY_VERSION),
  kid: z.string().check(z.maxLength(32)),
  instance: z.string().check(z.maxLength(130)),
  /** The route's id in `site.yaml`. */
  route: z.string().check(z.maxLength(60)),
  /** The same however often it is replayed: what the receiver applies once. */
  id: z.string().check(z.minLength(1), z.maxLength(200)),
  /** Path and query, as they arrived. */
  path: z.string().check(z.maxLength(REPLAY_PATH_CHARACTERS_MAX)),
  receivedAtMs: z.int(),
  exp: z.int(),
});
export type ReplayClaims = z.infer<typeof claims>;

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
  const signed = claims.parse({ ...wanted, v: REPLAY_VERSION, kid: key.kid });
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
  const parsed = claims.safeParse(parseJson(new TextDecoder().decode(payloadBytes)));
  return parsed.success ? { claims: parsed.data, mac: macBytes } : null;
}
