/** Where challenges are paid: a contract, because pages that are open and programs know them. */
import { OWN_PREFIX } from "../facts.ts";

export const CHALLENGE_PATH = `${OWN_PREFIX}/challenge`;
/** GET: a puzzle as JSON, for programs. */
export const PUZZLE_PATH = `${CHALLENGE_PATH}/puzzle`;
/** POST: what was asked for, against a cookie. */
export const REDEEM_PATH = `${CHALLENGE_PATH}/redeem`;
/** GET: on to the page that was wanted, if the cookie was kept. */
export const RETURN_PATH = `${CHALLENGE_PATH}/return`;

export const isChallengeUrl = (url: string): boolean =>
  URL.parse(url)?.pathname.startsWith(`${CHALLENGE_PATH}/`) === true;
