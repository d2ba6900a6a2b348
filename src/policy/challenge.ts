/** What a challenge asks of a client, and what it gives for it. Fixed while an entry lasts: nobody is asked for more because of who they seem to be. */
import { object, oneOf, truth, whole, withDefault, type Read } from "../shared/shape.ts";

/** Leading zero bits of each puzzle; one more doubles the work. */
export const DIFFICULTY_MIN = 8;
export const DIFFICULTY_MAX = 18;
/** A quarter of a million hashes in all: a fraction of a second on a desk, a second or two on a slow phone. */
export const DIFFICULTY_DEFAULT = 14;
/** What those without scripts wait instead; 0 offers no such way. */
export const WAIT_SECONDS_MAX = 120;
export const WAIT_SECONDS_DEFAULT = 20;
/** How long a client that paid is let through. It may pass its clearance on, so it is not for long. */
export const CLEARANCE_SECONDS_MIN = 60;
export const CLEARANCE_SECONDS_MAX = 4 * 3_600;
export const CLEARANCE_SECONDS_DEFAULT = 3_600;

/** `turnstile` where the site has it, and work of our own where it fails or is not set up. */
export const PROVIDERS = ["work", "turnstile"] as const;

export const challengeTerms = object({
  difficulty: withDefault(whole(DIFFICULTY_MIN, DIFFICULTY_MAX), DIFFICULTY_DEFAULT),
  provider: withDefault(oneOf(PROVIDERS), "work"),
  waitSeconds: withDefault(whole(0, WAIT_SECONDS_MAX), WAIT_SECONDS_DEFAULT),
  clearanceSeconds: withDefault(
    whole(CLEARANCE_SECONDS_MIN, CLEARANCE_SECONDS_MAX),
    CLEARANCE_SECONDS_DEFAULT,
  ),
  /** Each solution is taken once by all isolates together, and not only by the one that it was sent to. */
  isStrict: withDefault(truth, false),
});
export type ChallengeTerms = Read<typeof challengeTerms>;
