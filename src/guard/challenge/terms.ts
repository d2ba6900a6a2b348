/** Which terms a refused client may meet instead: those of a challenge, or of a limit beyond which clients are challenged. */
import { challengeTerms, type ChallengeTerms } from "../../policy/challenge.ts";
import type { KnownEntry } from "../../policy/kinds.ts";
import { sure } from "../../shared/shape.ts";
import type { LoadedPolicy } from "../loaded-policy.ts";

/** A limit has no terms of its own. */
const LIMIT_TERMS = sure(challengeTerms, {});

/** Null: there is nothing that this client could pay. */
export const challengeOf = ({
  challenge,
  limit,
}: Pick<KnownEntry, "challenge" | "limit">): ChallengeTerms | null =>
  challenge ?? (limit?.beyond === "challenge" ? LIMIT_TERMS : null);

/** Who asks for a puzzle does not say for which entry, so it clears for as long as the one that clears for shortest. */
export const puzzleSeconds = (loaded: LoadedPolicy | null): number =>
  (loaded?.entries.challenge ?? []).reduce(
    (least, { challenge }) => Math.min(least, challenge?.clearanceSeconds ?? least),
    LIMIT_TERMS.clearanceSeconds,
  );
