/** What a client sends when it has met a challenge, read out of a form or JSON, and whether it has. */
import * as z from "zod/mini";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { TOKEN_CHARACTERS_MAX } from "../signed.ts";
import { readText } from "./bounded-text.ts";
import { issuedAtMs, type Issued } from "./issue.ts";
import type { Price } from "./clearance.ts";
import { areSolved, COUNTER_MAX, PUZZLES_MAX } from "./puzzles.ts";
import { TURNSTILE_TOKEN_CHARS_MAX } from "./turnstile.ts";

/** A form writes a character in three; the longest of everything fits. */
export const REDEMPTION_BYTES_MAX = 12 * 1_024;

export const WAYS = ["work", "turnstile", "wait"] as const;

const counters = z
  .array(z.int().check(z.minimum(0), z.maximum(COUNTER_MAX)))
  .check(z.maxLength(PUZZLES_MAX));

const redemption = z.object({
  challenge: z.string().check(z.maxLength(TOKEN_CHARACTERS_MAX)),
  way: z._default(z.enum(WAYS), "work"),
  solutions: z._default(counters, []),
  turnstile: z._default(z.string().check(z.maxLength(TURNSTILE_TOKEN_CHARS_MAX)), ""),
  /** Of any length that fits into the body: `returnPath` makes something of it, and nobody who paid is turned away for it. */
  to: z._default(z.string(), "/"),
});
export type Redemption = z.infer<typeof redemption>;

export type Unreadable = "payload-too-large" | "unsupported-media-type" | "malformed-body";

/** Reads a redemption, or says which problem it is. Rejects when the body breaks off. */
export async function readRedemption(request: Request): Promise<Result<Redemption, Unreadable>> {
  const [type = ""] = (request.headers.get("content-type") ?? "").toLowerCase().split(";");
  const read = READERS.get(type.trim());
  if (read === undefined) return err("unsupported-media-type");
  const text = await readText(request, REDEMPTION_BYTES_MAX);
  if (text === null) return err("payload-too-large");
  const parsed = redemption.safeParse(read(text));
  return parsed.success ? ok(parsed.data) : err("malformed-body");
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
