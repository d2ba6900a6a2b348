/** What a client sends when it has met a challenge, read out of a form or JSON, and whether it has. */
import { parseJson } from "../../shared/json.ts";
import { err, type Result } from "../../shared/result.ts";
import { list, object, oneOf, text, whole, withDefault, type Read } from "../../shared/shape.ts";
import { TOKEN_CHARACTERS_MAX } from "../signed.ts";
import { readText } from "./bounded-text.ts";
import { issuedAtMs, type Issued } from "./issue.ts";
import type { Price } from "./clearance.ts";
import { areSolved, COUNTER_MAX, PUZZLES_MAX } from "./puzzles.ts";
import { TURNSTILE_TOKEN_CHARS_MAX } from "./turnstile.ts";

/** A form writes a character in three; the longest of everything fits. */
export const REDEMPTION_BYTES_MAX = 12 * 1_024;

export const WAYS = ["work", "turnstile", "wait"] as const;

const redemption = object({
  challenge: text(TOKEN_CHARACTERS_MAX),
  way: withDefault(oneOf(WAYS), "work"),
  solutions: withDefault(list(whole(0, COUNTER_MAX), PUZZLES_MAX), []),
  turnstile: withDefault(text(TURNSTILE_TOKEN_CHARS_MAX), ""),
  /** Of any length that fits into the body: `returnPath` makes something of it, and nobody who paid is turned away for it. */
  to: withDefault(text(), "/"),
});
export type Redemption = Read<typeof redemption>;

export type Unreadable = "payload-too-large" | "unsupported-media-type" | "malformed-body";

/** Reads a redemption, or says which problem it is. Rejects when the body breaks off. */
export async function readRedemption(request: Request): Promise<Result<Redemption, Unreadable>> {
  const [type = ""] = (request.headers.get("content-type") ?? "").toLowerCase().split(";");
  const read = READERS.get(type.trim());
  if (read === undefined) return err("unsupported-media-type");
  const body = await readText(request, REDEMPTION_BYTES_MAX);
  if (body === null) return err("payload-too-large");
  const sent = redemption(read(body));
  return sent.ok ? sent : err("malformed-body");
}

function parseForm(text: string): unknown {
  const { solutions, ...fields } = Object.fromEntries(new URLSearchParams(text));
  return { ...fields, solutions: solutions ? numbersIn(solutions) : [] };
}

/** A map, because a client names the type, and an object knows more names than its own. */
const READERS: ReadonlyMap<string, (text: string) => unknown> = new Map([
  ["application/json", parseJson],
  ["application/x-www-form-urlencoded", parseForm],
]);

/** `17,4711,…`; what is no such list is left as it is, for the schema to refuse. */
const numbersIn = (text: string): unknown =>
  /^\d{1,10}(?:,\d{1,10})*$/.test(text) ? text.split(",").map(Number) : text;

export type Met =
  | { readonly kind: "paid"; readonly price: Price }
  | { readonly kind: "early"; readonly leftSeconds: number }
  | { readonly kind: "wrong" }
  /** For Turnstile to say. */
  | { readonly kind: "ask" };

/** Judges what was sent against the challenge that it is for; pure. */
export function judge({ claims, seed }: Issued, sent: Redemption, nowMs: number): Met {
  const { difficulty, waitSeconds, provider } = claims;
  switch (sent.way) {
    case "work":
      return areSolved(seed, claims, sent.solutions)
        ? { kind: "paid", price: { way: "work", difficulty } }
        : { kind: "wrong" };
    case "turnstile":
      return { kind: provider === "turnstile" ? "ask" : "wrong" };
    case "wait": {
      if (waitSeconds === 0) return { kind: "wrong" };
      const leftMs = issuedAtMs(claims) + waitSeconds * 1_000 - nowMs;
      return leftMs > 0
        ? { kind: "early", leftSeconds: Math.ceil(leftMs / 1_000) }
        : { kind: "paid", price: { way: "wait", seconds: waitSeconds } };
    }
  }
}
