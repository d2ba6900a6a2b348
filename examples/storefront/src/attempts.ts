/** Attempts to sign in while strict mode asks for few, and codes that were used, in Redis. */
import type { Redis } from "@upstash/redis/cloudflare";
import type { SignInParties } from "firebreak/sdk";

const WINDOW_S = 900;
/** Longer than a code may be shown. */
const CODE_LIFE_S = 120;

/**
 * Whether one more attempt is left. Of one account from one address: nobody keeps somebody else out by failing elsewhere. Each counts,
 * the right one as well, so that attempts made at once find no gap.
 */
export async function spendAttempt(
  redis: Redis,
  { address, account }: Required<SignInParties>,
  attemptsMax: number,
): Promise<boolean> {
  const key = `attempts:${address}:${account}`;
  const [made] = await redis.multi().incr(key).expire(key, WINDOW_S, "NX").exec<[number, number]>();
  return made <= attemptsMax;
}

/** False when this code was used before. */
export const useCode = async (
  redis: Redis,
  { user, step }: { readonly user: string; readonly step: number },
): Promise<boolean> =>
  (await redis.set(`code:${user}:${step}`, 1, { nx: true, ex: CODE_LIFE_S })) === "OK";
