/** How senders prove who they are, for adapters: what each scheme has in common with the others. */
import { fromHex, isSame, isSignedBy, utf8 } from "../guard/write-journal/bytes.ts";
import {
  secretsIn,
  TOLERANCE_SECONDS,
  verifyDelivery,
  type SchemeName,
} from "../guard/write-journal/schemes.ts";
import type { Delivery, Webhook } from "./webhook.ts";

type Verify = Webhook["verify"];

/** Signatures read of one header; a sender that rolls its secret sends two. */
const SIGNATURES_MAX = 8;
const HEADER_CHARACTERS_MAX = 4_096;
/** The last part of an address that carries the secret, for tools that can send no header. */
const QUERY_NAME = "key";

/** A scheme that the write journal knows as well. */
export const signedAs =
  (scheme: SchemeName): Verify =>
  async ({ headers, bytes }, secret, { atMs }) => {
    const options = { scheme, header: null, idHeader: null };
    const by = { secrets: secretsIn(secret), nowMs: atMs };
    return (await verifyDelivery({ headers, body: bytes }, options, by)).ok;
  };

/** `<prefix><hex>[,<prefix><hex>]` is the HMAC-SHA256 of the bytes, keyed with the secret's text. */
export async function hasHmac(
  header: string | null,
  bytes: Uint8Array<ArrayBuffer>,
  secret: string,
  prefix = "",
): Promise<boolean> {
  if (header === null || header.length > HEADER_CHARACTERS_MAX) return false;
  const given = header.split(",").map((one) => one.trim());
  const signatures = given
    .filter((one) => one.startsWith(prefix))
    .slice(0, SIGNATURES_MAX)
    .flatMap((one) => fromHex(one.slice(prefix.length)) ?? []);
  for (const key of secretsIn(secret)) {
    if (await isSignedBy(utf8(key), bytes, signatures)) return true;
  }
  return false;
}

/** Seconds since the epoch, within the tolerance of `atMs`. */
export const isTimely = (seconds: string, atMs: number): boolean =>
  /^\d{1,12}$/.test(seconds) && Math.abs(atMs / 1_000 - Number(seconds)) <= TOLERANCE_SECONDS;

/** The secret itself in `Authorization`, as a bearer token or as the password of basic authentication. */
export const showsSecret: Verify = ({ headers }, secret) =>
  isOneOf(credentialsIn(headers.get("authorization")), secret);

/** The same, or as `?key=` of the address: such a secret is in whatever logs addresses, so only for tools that have no other way. */
export const showsSecretSomehow: Verify = async (delivery, secret, reach) =>
  (await showsSecret(delivery, secret, reach)) || isOneOf(delivery.query.get(QUERY_NAME), secret);

/** The secret itself in a header of the vendor's. */
export const showsSecretIn =
  (header: string): Verify =>
  ({ headers }: Delivery, secret) =>
    isOneOf(headers.get(header), secret);

async function isOneOf(given: string | null, secret: string): Promise<boolean> {
  if (given === null || given === "" || given.length > HEADER_CHARACTERS_MAX) return false;
  for (const wanted of secretsIn(secret)) {
    if (await isSame(utf8(given), utf8(wanted))) return true;
  }
  return false;
}

function credentialsIn(authorization: string | null): string | null {
  const [scheme = "", given = ""] = (authorization ?? "").split(/ +/, 2);
  if (scheme.toLowerCase() === "bearer") return given;
  if (scheme.toLowerCase() !== "basic") return null;
  try {
    const pair = atob(given);
    return pair.slice(pair.indexOf(":") + 1);
  } catch {
    return null;
  }
}
