/**
 * Turnstile, where the site has it. Whatever goes wrong on the way to siteverify, or with our own secret, is `unanswered`: then
 * the visitor is given work instead, and nobody is locked out.
 */
import { parseJson } from "../../shared/json.ts";
import { list, object, optional, text, truth, withDefault } from "../../shared/shape.ts";
import { readText } from "./bounded-text.ts";

/** Where Cloudflare serves the widget's script and siteverify. */
export const TURNSTILE_URL = "https://challenges.cloudflare.com/turnstile/v0";
/** The widget's, and what siteverify must give back. */
export const TURNSTILE_ACTION = "firebreak";
export const TURNSTILE_TOKEN_CHARS_MAX = 2_048;
/** A visitor waits for it, and has work to do if it comes to nothing. */
export const SITEVERIFY_DEADLINE_MS = 3_000;
const ANSWER_BYTES_MAX = 16 * 1_024;

export type TurnstileAccount = {
  readonly secret: string;
  /** `TURNSTILE_URL`, but in tests. */
  readonly baseUrl: string;
};

export type TurnstileVerdict = "passed" | "refused" | "unanswered";

const answer = object({
  success: truth,
  hostname: optional(text()),
  action: optional(text()),
  "error-codes": withDefault(list(text()), []),
});

/** These say that the visitor's token is no good; any other says that we, or Turnstile, are not well. */
const VISITORS_FAULTS: ReadonlySet<string> = new Set([
  "missing-input-response",
  "invalid-input-response",
  "timeout-or-duplicate",
]);

/** Asks siteverify once. Never rejects. */
export async function verifyTurnstile(
  token: string,
  { secret, baseUrl }: TurnstileAccount,
  asked: { readonly hostname: string; readonly idempotencyKey: string },
): Promise<TurnstileVerdict> {
  if (token === "" || token.length > TURNSTILE_TOKEN_CHARS_MAX) return "refused";
  const { hostname, idempotencyKey } = asked;
  try {
    const response = await fetch(`${baseUrl}/siteverify`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ secret, response: token, idempotency_key: idempotencyKey }),
      signal: AbortSignal.timeout(SITEVERIFY_DEADLINE_MS),
      redirect: "manual",
    });
    const read = answer(parseJson((await readText(response, ANSWER_BYTES_MAX)) ?? ""));
    if (!read.ok) return "unanswered";
    const { success, ...said } = read.value;
    if (success) {
      return said.hostname === hostname && said.action === TURNSTILE_ACTION ? "passed" : "refused";
    }
    const codes = said["error-codes"];
    return codes.length > 0 && codes.every((code) => VISITORS_FAULTS.has(code))
      ? "refused"
      : "unanswered";
  } catch {
    return "unanswered"; // Unreachable, late or cut off: all the same to the visitor.
  }
}
