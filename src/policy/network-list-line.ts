/** One item of a list: the network as it is written, and what is said about it. */
import * as z from "zod";

export const REASON_CHARS_MAX = 500;

export type ListItem = {
  /** Or `AS64500`, a country, a JA4. */
  readonly network: string;
  /** The comment behind the network, or the object's own reason. */
  readonly reason: string | null;
  /** From objects only; null leaves it to the list. */
  readonly expiresAtMs: number | null;
};

/**
 * What stands on a line: an item, nothing (null), or what is wrong with it. `#` and `;` begin a comment, which is the reason
 * when it stands behind a network; so does a comma, for tables whose first column is the network.
 */
export function itemOn(text: string): ListItem | string | null {
  const line = text.trim();
  if (line === "" || line.startsWith("#") || line.startsWith(";")) return null;
  if (line.startsWith("{")) return itemOfObject(line);
  const [, network = "", mark = "", comment = ""] = LINE.exec(line) ?? [];
  if (mark === "" && comment !== "") {
    return `${quoted(line)} is more than a network; begin a comment with # or ;`;
  }
  return { network, reason: cut(comment), expiresAtMs: null };
}

/** An item of a JSON list, or what is wrong with it. */
export function itemOf(value: unknown): ListItem | string {
  if (typeof value === "string") return { network: value.trim(), reason: null, expiresAtMs: null };
  const parsed = itemObject.safeParse(value);
  if (!parsed.success) return OBJECT_EXPECTED;
  const { network, cidr, ip, asn, country, ja4, reason, expiresAtMs } = parsed.data;
  const written = network ?? cidr ?? ip ?? (asn === undefined ? (country ?? ja4) : `AS${asn}`);
  if (written === undefined) return OBJECT_EXPECTED;
  return { network: written.trim(), reason: cut(reason ?? ""), expiresAtMs: expiresAtMs ?? null };
}

/** As it stands in the list: cut, and without what would upset a terminal. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, QUOTED_CHARS));

const QUOTED_CHARS = 60;

const LINE = /^([^\s#;,]*)\s*([#;,]?)[\s#;,]*(.*)$/;

/** Feeds call the network differently, and say more than is read here: an ASN or a country beside a network only describes it. */
const itemObject = z.object({
  network: z.string().optional(),
  cidr: z.string().optional(),
  ip: z.string().optional(),
  asn: z.int().positive().optional(),
  country: z.string().optional(),
  ja4: z.string().optional(),
  reason: z.string().nullish(),
  expiresAtMs: z.int().positive().nullish(),
});

const OBJECT_EXPECTED =
  'is no item: a text, or {"network": text, "reason"?: text, "expiresAtMs"?: milliseconds}';

function itemOfObject(line: string): ListItem | string {
  try {
    return itemOf(JSON.parse(line));
  } catch {
    return "is not JSON";
  }
}

/** One line of well-formed text, so that what was read can be written as a line again. */
const cut = (reason: string): string | null =>
  reason === ""
    ? null
    : reason
        .slice(0, REASON_CHARS_MAX)
        .toWellFormed()
        .replaceAll(/\p{Cc}/gu, " ");
