/**
 * A challenge as it travels: what is asked and of whom, under a MAC over each field with its length before it. Nothing is kept of
 * it here; what comes back is believed because nobody else could have made it.
 */
import {
  CLEARANCE_SECONDS_MAX,
  CLEARANCE_SECONDS_MIN,
  DIFFICULTY_MAX,
  DIFFICULTY_MIN,
  PROVIDERS,
  WAIT_SECONDS_MAX,
  type ChallengeTerms,
} from "../../policy/challenge.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import {
  object,
  oneOf,
  sure,
  text,
  textThat,
  truth,
  whole,
  type Read,
} from "../../shared/shape.ts";
import { closeToken, isMacOf, macOf, openToken, toBase64Url, type SigningKey } from "../signed.ts";
import { PUZZLES, PUZZLES_MAX } from "./puzzles.ts";

export const CHALLENGE_VERSION = 1;
/** Long enough for the slowest phone and a person who reads first. */
export const CHALLENGE_LIFE_MS = 5 * 60_000;
export const NONCE_BYTES = 16;
/** No name is longer. What is stays what it is in its first part, so that it is asked like any other. */
export const HOST_CHARS_MAX = 255;

const claims = object({
  v: oneOf([CHALLENGE_VERSION]),
  kid: text(32),
  instance: text(130),
  /** Epoch milliseconds. */
  exp: whole(),
  difficulty: whole(DIFFICULTY_MIN, DIFFICULTY_MAX),
  n: whole(1, PUZZLES_MAX),
  host: text(HOST_CHARS_MAX),
  nonce: textThat(/^[A-Za-z0-9_-]{22}$/, "a nonce"),
  provider: oneOf(PROVIDERS),
  waitSeconds: whole(0, WAIT_SECONDS_MAX),
  clearanceSeconds: whole(CLEARANCE_SECONDS_MIN, CLEARANCE_SECONDS_MAX),
  isStrict: truth,
});
export type ChallengeClaims = Read<typeof claims>;

export type Issued = {
  readonly token: string;
  readonly claims: ChallengeClaims;
  /** What the puzzles are made from: the MAC itself, which the token shows anyway. */
  readonly seed: Uint8Array;
};

export type ChallengeRefusal =
  | "malformed"
  | "unknown_key"
  | "forged"
  | "expired"
  | "other_instance"
  | "other_host";

/** To whom a challenge is put. */
export type Asked = { readonly instance: string; readonly host: string; readonly nowMs: number };

export async function issueChallenge(
  key: SigningKey,
  terms: ChallengeTerms,
  { instance, host, nowMs }: Asked,
): Promise<Issued> {
  const { difficulty, provider, waitSeconds, clearanceSeconds, isStrict } = terms;
  const made = sure(claims, {
    v: CHALLENGE_VERSION,
    kid: key.kid,
    instance,
    exp: nowMs + CHALLENGE_LIFE_MS,
    difficulty,
    n: PUZZLES,
    host: host.slice(0, HOST_CHARS_MAX),
    nonce: toBase64Url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))),
    provider,
    waitSeconds,
    clearanceSeconds,
    isStrict,
  });
  const seed = await macOf(key, fieldsOf(made));
  return { token: closeToken(made, seed), claims: made, seed };
}

export type Reading = {
  readonly keys: readonly SigningKey[];
  /** Null: not known yet (a guard without a policy); the key alone then says whose challenge it is. */
  readonly instance: string | null;
  readonly host: string;
  readonly nowMs: number;
};

/** A challenge that this instance put to this host's visitors and that has not ended, or why it is none. */
export async function readChallenge(
  token: string,
  { keys, instance, host, nowMs }: Reading,
): Promise<Result<Issued, ChallengeRefusal>> {
  const opened = openToken(token);
  const read = claims(opened?.payload);
  if (opened === null || !read.ok) return err("malformed");
  const key = keys.find(({ kid }) => kid === read.value.kid);
  if (key === undefined) return err("unknown_key");
  if (!(await isMacOf(opened.mac, key, fieldsOf(read.value)))) return err("forged");
  if (read.value.exp <= nowMs) return err("expired");
  if (instance !== null && read.value.instance !== instance) return err("other_instance");
  if (read.value.host !== host.slice(0, HOST_CHARS_MAX)) return err("other_host");
  return ok({ token, claims: read.value, seed: opened.mac });
}

/** When it was put. */
export const issuedAtMs = ({ exp }: ChallengeClaims): number => exp - CHALLENGE_LIFE_MS;

const fieldsOf = (made: ChallengeClaims): readonly string[] => [
  "firebreak-challenge",
  String(made.v),
  made.kid,
  made.instance,
  String(made.exp),
  String(made.difficulty),
  String(made.n),
  made.host,
  made.nonce,
  made.provider,
  String(made.waitSeconds),
  String(made.clearanceSeconds),
  String(made.isStrict),
];
