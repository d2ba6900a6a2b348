/**
 * How senders of webhooks prove who they are. A delivery is checked as it arrives, over its raw bytes and in constant time, and
 * answers the id under which its repetitions are known: the sender's own where that is signed.
 */
import { err, ok, type Result } from "../../shared/result.ts";
import { parseJson } from "../../shared/json.ts";
import { fromBase64, fromHex, isSame, isSignedBy, join, sha256Hex, utf8 } from "./bytes.ts";

export const SCHEMES = ["stripe", "standard-webhooks", "hmac-sha256", "shared-secret"] as const;
export type SchemeName = (typeof SCHEMES)[number];

/** As the vendors' own libraries: a signature from further away proves nothing about now. */
export const TOLERANCE_SECONDS = 300;
/** A sender that rolls its secret signs with the old and the new one. */
const SIGNATURES_MAX = 8;
const HEADER_CHARACTERS_MAX = 4_096;

export type SchemeOptions = {
  readonly scheme: SchemeName;
  /** Where the signature, or the shared secret, stands; null: where the scheme says. */
  readonly header: string | null;
  /** For a shared secret: the header with the sender's id of the delivery; null: there is none. */
  readonly idHeader: string | null;
};

export type Delivery = {
  readonly headers: { get(name: string): string | null };
  readonly body: Uint8Array<ArrayBuffer>;
};

export type Proof = {
  /** The same for each repetition; null when nothing says that two deliveries are one. */
  readonly id: string | null;
};

export type SchemeRefusal = "unsigned" | "malformed" | "too_old" | "too_new" | "forged";

/** The secrets in a configured value: one, or an old and a new one, each on a line of its own. */
export const secretsIn = (text: string): readonly string[] =>
  text.split(/\r?\n/).filter((secret) => secret.trim() !== "");

/** The header that carries the proof. */
export const proofHeader = ({ scheme, header }: SchemeOptions): string =>
  header ?? DEFAULT_HEADERS[scheme];

const DEFAULT_HEADERS: Readonly<Record<SchemeName, string>> = {
  stripe: "stripe-signature",
  "standard-webhooks": "webhook-signature",
  "hmac-sha256": "x-hub-signature-256",
  "shared-secret": "authorization",
};

/** What receivers may need beside the body; none of them is a secret. */
export const KEPT_HEADERS: Readonly<Record<SchemeName, readonly string[]>> = {
  stripe: [],
  "standard-webhooks": ["webhook-id", "webhook-timestamp"],
  "hmac-sha256": ["x-github-event", "x-github-delivery", "x-github-hook-id"],
  "shared-secret": [],
};

/** Did who holds one of the secrets send this, just now? `nowMs` is the arrival. */
export async function verifyDelivery(
  delivery: Delivery,
  options: SchemeOptions,
  { secrets, nowMs }: { readonly secrets: readonly string[]; readonly nowMs: number },
): Promise<Result<Proof, SchemeRefusal>> {
  const header = delivery.headers.get(proofHeader(options));
  if (header === null || header === "") return err("unsigned");
  if (header.length > HEADER_CHARACTERS_MAX) return err("malformed");
  const claim = CLAIMS[options.scheme](header, delivery, options);
  if (claim === null) return err("malformed");
  if (claim.atSeconds !== null) {
    const ageSeconds = nowMs / 1_000 - claim.atSeconds;
    if (ageSeconds > TOLERANCE_SECONDS) return err("too_old");
    if (ageSeconds < -TOLERANCE_SECONDS) return err("too_new");
  }
  for (const secret of secrets) {
    if (await claim.isProvedBy(secret)) return ok({ id: await claim.id() });
  }
  return err("forged");
}

type Claim = {
  /** Null: the scheme has no time. */
  readonly atSeconds: number | null;
  readonly isProvedBy: (secret: string) => Promise<boolean>;
  readonly id: () => Promise<string | null>;
};

type Read = (header: string, delivery: Delivery, options: SchemeOptions) => Claim | null;

/** `t=<seconds>,v1=<hex>[,v1=<hex>]`, over `<t>.<body>`, keyed with the secret's text. */
const readStripe: Read = (header, { body }) => {
  const pairs = header.split(",").map((pair) => pair.trim().split("="));
  const valuesOf = (wanted: string): readonly string[] =>
    pairs.flatMap(([name, value]) => (name === wanted && value !== undefined ? [value] : []));
  const [time = ""] = valuesOf("t");
  const signatures = listOf(valuesOf("v1"), fromHex);
  if (!isSeconds(time) || signatures === null) return null;
  const signed = join(utf8(`${time}.`), body);
  return {
    atSeconds: Number(time),
    isProvedBy: (secret) => isSignedBy(utf8(secret), signed, signatures),
    id: async () => eventId(body) ?? sha256Hex(body),
  };
};

/** `webhook-signature: v1,<base64> …`, over `<id>.<seconds>.<body>`, keyed with the base64 after `whsec_`. */
const readStandard: Read = (header, { headers, body }) => {
  const [id, time] = [headers.get("webhook-id") ?? "", headers.get("webhook-timestamp") ?? ""];
  const versioned = header.split(" ").flatMap((one) => (one.startsWith("v1,") ? one.slice(3) : []));
  const signatures = listOf(versioned, fromBase64);
  if (!isId(id) || !isSeconds(time) || signatures === null) return null;
  const signed = join(utf8(`${id}.${time}.`), body);
  return {
    atSeconds: Number(time),
    isProvedBy: (secret) => {
      const key = fromBase64(secret.startsWith("whsec_") ? secret.slice(6) : secret);
      return key === null ? Promise.resolve(false) : isSignedBy(key, signed, signatures);
    },
    id: async () => id,
  };
};

/** `sha256=<hex>` over the body. Neither a time nor an id is signed, so the body is its own id. */
const readHmac: Read = (header, { body }) => {
  const signature = header.startsWith("sha256=") ? fromHex(header.slice(7)) : null;
  if (signature === null) return null;
  return {
    atSeconds: null,
    isProvedBy: (secret) => isSignedBy(utf8(secret), body, [signature]),
    id: () => sha256Hex(body),
  };
};

/** The secret itself. Who holds it may say anything, an id included; two deliveries with the same body may be two. */
const readShared: Read = (header, { headers }, { idHeader }) => {
  const id = idHeader === null ? null : headers.get(idHeader);
  if (id !== null && !isId(id)) return null;
  return {
    atSeconds: null,
    isProvedBy: (secret) => isSame(utf8(header.replace(/^Bearer +/i, "")), utf8(secret)),
    id: async () => id,
  };
};

const CLAIMS: Readonly<Record<SchemeName, Read>> = {
  stripe: readStripe,
  "standard-webhooks": readStandard,
  "hmac-sha256": readHmac,
  "shared-secret": readShared,
};

const isSeconds = (text: string): boolean => /^\d{1,12}$/.test(text);
const isId = (text: string): boolean => /^[\x21-\x7e]{1,200}$/.test(text);

/** All of them decoded, null when there are none, too many, or one is not what it should be. */
function listOf(
  texts: readonly string[],
  decode: (text: string) => Uint8Array<ArrayBuffer> | null,
): readonly Uint8Array<ArrayBuffer>[] | null {
  const decoded = texts.map(decode);
  const isList = texts.length > 0 && texts.length <= SIGNATURES_MAX;
  return isList && decoded.every((one) => one !== null) ? decoded : null;
}

/** Stripe's `evt_…`; null when the body has none. */
function eventId(body: Uint8Array): string | null {
  const event = parseJson(new TextDecoder().decode(body));
  const id = typeof event === "object" && event !== null && "id" in event ? event.id : null;
  return typeof id === "string" && isId(id) ? id : null;
}
