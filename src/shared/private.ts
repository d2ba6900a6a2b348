/** Finds what does not belong before the public: addresses, numbers of cards and what may be a secret. */
import { redact } from "./redact.ts";

const PRIVATE: readonly (readonly [RegExp, string])[] = [
  [/[^\s@]+@[^\s@]+\.[a-z]{2,}/i, "an e-mail address"],
  [/(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/, "an IP address"],
  [
    /(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}|(?<![\w:])(?:[0-9a-f]{1,4}:)+:[0-9a-f]/i,
    "an IP address",
  ],
  [/(?:\d[ -]?){13,19}/, "the number of a card or an account"],
  [/\b[\w-]+\.(?:internal|local|corp|lan)\b/i, "an internal name"],
  // Nobody writes words of this length; tokens and keys are.
  [/(?=[\w/+-]*\d)(?=[\w/+-]*[a-z])[\w/+-]{32,}/i, "what may be a secret"],
];

/** What of the kind a text has, in words; null when nothing is found. It finds the usual slips, not every secret. */
export function privateIn(text: string): string | null {
  if (redact(text) !== text) return "what may be a secret";
  return PRIVATE.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** What keeps a text from the public, in words; null: nothing does. */
export function unfitForPublic(text: string): string | null {
  const found = privateIn(text);
  return found === null ? null : `it has ${found} in it, and everybody would read it`;
}
