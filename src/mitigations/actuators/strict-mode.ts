/** Who signs in has to show more and may try less, sessions are short, and the API is slow: through the SDK, and through the guard where it can. */
import { z } from "zod";
import { limitActionOf, limitMatchOf, limitWords } from "../../policy/limit-words.ts";
import { MATCH_ROUTES_MAX } from "../../policy/patterns.ts";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntries, type NamedEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** A password alone is not enough. */
  mfa: z.boolean().default(true),
  /** Older sessions are over. */
  session_timeout: durationOption(60_000, 86_400_000).default("900s"),
  /** Wrong passwords for one account from one address, before it has to wait. */
  sign_in_attempts: z.int().min(1).max(100).default(3),
  /** Who administers comes from the site's allowlist. */
  admin_allowlist: z.boolean().default(true),
  /** Where the API is; without any, it is as fast as ever. */
  api_routes: z.array(z.string().startsWith("/").max(500)).min(1).max(MATCH_ROUTES_MAX).optional(),
  /** Of one client, there, in a minute. */
  api_per_minute: z.int().min(1).max(10_000).default(10),
});
type Options = z.infer<typeof options>;

export const strictMode = defineLease({
  id: "strict-mode",
  kind: "lease",
  options,
  ...guardEntries<Options>(
    (given) => [
      {
        kind: "strict-mode",
        match: {},
        action: {
          requireMfa: given.mfa,
          sessionTimeoutMs: msOf(given.session_timeout),
          signInAttemptsMax: given.sign_in_attempts,
          isAdminListed: given.admin_allowlist,
        },
        // A password that was enough again because Firebreak is gone is what an attacker waits for.
        fail: "closed",
      },
      ...apiLimit(given),
    ],
    {
      touches: (given) => `everybody who signs in: ${asked(given).join(", ")}`,
      // Whoever has a second factor is served as ever.
      siteWide: false,
      masks: [],
      release: "at_once",
    },
  ),
});

function apiLimit({ api_routes: routes, api_per_minute: limit }: Options): readonly NamedEntry[] {
  if (routes === undefined) return [];
  const words = limitWords.parse({ routes, limit, window: "60s", by: ["address"], name: "api" });
  return [
    {
      named: "api",
      kind: "rate-limit",
      match: limitMatchOf(words),
      action: limitActionOf(words),
      fail: "open",
    },
  ];
}

const asked = (given: Options): readonly string[] => [
  ...(given.mfa ? ["a second factor"] : []),
  `${given.sign_in_attempts} attempts`,
  `sessions of ${given.session_timeout}`,
  ...(given.admin_allowlist ? ["administrators from the allowlist only"] : []),
  ...(given.api_routes === undefined ? [] : [`${given.api_per_minute} API requests in a minute`]),
];
