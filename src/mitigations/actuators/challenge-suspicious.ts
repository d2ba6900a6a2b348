/** Asks clients for a little work, once, before they go on; but for the site's allowlist, protected classes and webhooks. */
import { z } from "zod";
import {
  CLEARANCE_SECONDS_MAX,
  CLEARANCE_SECONDS_MIN,
  DIFFICULTY_DEFAULT,
  DIFFICULTY_MAX,
  DIFFICULTY_MIN,
  PROVIDERS,
  WAIT_SECONDS_MAX,
} from "../../policy/challenge.ts";
import { clientWords, routes } from "../../policy/words.ts";
import { parseDuration } from "../../shared/duration.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const seconds = (text: string): number => {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value / 1_000 : Number.NaN;
};
const between = (minSeconds: number, maxSeconds: number) =>
  z.string().refine((text) => {
    const value = seconds(text);
    return Number.isInteger(value) && value >= minSeconds && value <= maxSeconds;
  }, `write a duration in whole seconds from ${minSeconds}s to ${maxSeconds}s`);

const options = z.strictObject({
  /** Only these clients, if any are named. */
  ...clientWords,
  /** Only here; without it, everywhere. */
  routes: routes.optional(),
  /** Leading zero bits of each of 16 puzzles, the same for everyone; one more doubles the work. */
  difficulty: z.int().min(DIFFICULTY_MIN).max(DIFFICULTY_MAX).default(DIFFICULTY_DEFAULT),
  /** `turnstile` where the site has it; where it fails, work all the same. */
  provider: z.enum(PROVIDERS).default("work"),
  /** What browsers without scripts wait instead; `none` sends them away. */
  wait: z.union([z.literal("none"), between(1, WAIT_SECONDS_MAX)]).default("20s"),
  /** How long a browser that paid is not asked again. */
  clearance: between(CLEARANCE_SECONDS_MIN, CLEARANCE_SECONDS_MAX).default("1h"),
  /** Each solution is taken once by all isolates together; a moment slower. */
  strict: z.boolean().default(false),
  /** What people read; without it, the site's own sentence. */
  message: z.string().trim().min(1).max(500).optional(),
  /** What a client meets when nobody can be challenged, or the guard itself is in trouble: served all the same, or refused. */
  fail: z.enum(["open", "closed"]).default("open"),
});

type Options = z.infer<typeof options>;

export const challengeSuspicious = defineLease({
  id: "challenge-suspicious",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ networks, asns, countries, ja4s, routes, message, fail, ...terms }) => ({
      kind: "challenge",
      match: {
        ...(networks && { networks }),
        ...(asns && { asns }),
        ...(countries && { countries }),
        ...(ja4s && { ja4s }),
        ...(routes && { routes }),
      },
      action: {
        difficulty: terms.difficulty,
        provider: terms.provider,
        waitSeconds: terms.wait === "none" ? 0 : seconds(terms.wait),
        clearanceSeconds: seconds(terms.clearance),
        isStrict: terms.strict,
        ...(message && { message }),
      },
      fail,
    }),
    {
      touches: (given) => `${whom(given)}${where(given)}, once: a moment's work for a browser`,
      // It turns nobody away for good: who is real pays in a second, and goes on.
      siteWide: false,
      masks: [],
      // Bit by bit, so that an attack that is still there comes back bit by bit, too.
      release: "staged",
    },
  ),
  missing: ({ canSign }) =>
    canSign ? null : "the secret SIGNING_KEYS is not set, so nobody can be challenged",
});

/** More are counted, not listed. */
const NAMED_MAX = 5;

function whom({ networks = [], asns = [], countries = [], ja4s = [] }: Options): string {
  const named = [...networks, ...asns.map((asn) => `AS${asn}`), ...countries, ...ja4s];
  if (named.length === 0) return "every client but the allowlist";
  const list =
    named.length <= NAMED_MAX ? named.join(", ") : `${named.length} networks, places and programs`;
  return `every client in ${list}, but the allowlist`;
}

const where = ({ routes }: Options): string =>
  routes === undefined ? "" : ` that asks for ${routes.join(", ")}`;
