/**
 * Challenges, as one isolate puts and redeems them: the page for people, the puzzle for programs, and the paths below
 * `/_firebreak/challenge` where either is paid with. All of it works in the guard alone.
 */
import {
  challengeTerms,
  DIFFICULTY_MAX,
  DIFFICULTY_MIN,
  type ChallengeTerms,
} from "../../policy/challenge.ts";
import { answerFor, type Refusal } from "../answers.ts";
import { audienceOf } from "../audience.ts";
import { readCredentials, type Credentials } from "../credentials.ts";
import type { Snapshot } from "../loaded-policy.ts";
import { within } from "../deadline.ts";
import type { RequestLike } from "../facts.ts";
import { toBase64Url, type SigningKey } from "../signed.ts";
import { NO_KEY, type Clearance, type Price } from "./clearance.ts";
import { clearanceCookie, Clearances } from "./clearances.ts";
import { issueChallenge, issuedAtMs, readChallenge, type Issued } from "./issue.ts";
import { challengePage } from "./page.ts";
import { PUZZLE_PATH, REDEEM_PATH, RETURN_PATH } from "./paths.ts";
import { judge, readRedemption, REDEMPTION_BYTES_MAX, type Redemption } from "./redemption.ts";
import {
  type Site,
  cleared,
  early,
  emptyPage,
  json,
  newNonce,
  pageAnswer,
  placeOf,
  problem,
  seeOther,
  sorry,
} from "./responses.ts";
import { returnPath } from "./return-path.ts";
import { SPEND_DEADLINE_MS, Spent, type TakeOnce } from "./spent.ts";
import { verifyTurnstile, type TurnstileAccount } from "./turnstile.ts";
import type { ChallengeEvent } from "../../traffic/traffic-api.ts";

export type ChallengeDeps = {
  /** The first signs; without any, nobody can be challenged. */
  readonly keys: readonly SigningKey[];
  /** Null: not set up, and then all challenges are work. */
  readonly turnstile: TurnstileAccount | null;
  /** For strict terms; null counts in this isolate alone. */
  readonly takeOnce: TakeOnce | null;
};

/** Told of what happened, and when the challenge that it happened to was put. */
export type CountChallenge = (event: ChallengeEvent, issuedAtMs: number) => void;

export class Challenges {
  readonly #deps: ChallengeDeps;
  readonly #clearances: Clearances;
  readonly #spent = new Spent();

  constructor(deps: ChallengeDeps) {
    this.#deps = deps;
    this.#clearances = new Clearances(deps.keys);
  }

  /** What the bearer of this cookie has paid; at once for one that was here before. */
  clearanceOf(
    cookie: string | null,
    request: RequestLike,
    at: { readonly instance: string | null; readonly nowMs: number },
  ): Clearance | Promise<Clearance> {
    return this.#clearances.read(cookie, request, at);
  }

  /** The answer to a request under these terms: the page for a person who goes to it, and a problem for everything else. */
  async answer(
    request: Request,
    refusal: Refusal & { readonly terms: ChallengeTerms } & Site,
    count: CountChallenge,
  ): Promise<Response> {
    const { terms, nowMs, enforced, settings, instance } = refusal;
    const [key] = this.#deps.keys;
    if (key === undefined || instance === null) {
      // A limit goes on limiting.
      return enforced.kind === "challenge"
        ? problem(503, "challenge-unavailable")
        : answerFor(request, refusal);
    }
    if (!isNavigation(request)) return answerFor(request, refusal);
    const nonce = newNonce();
    if (request.method === "HEAD") return emptyPage();
    const issued = await issueChallenge(key, terms, {
      instance,
      host: new URL(request.url).host,
      nowMs,
    });
    count("issued", nowMs);
    const { pathname, search } = new URL(request.url);
    const to = returnPath(pathname + search, request.url);
    return this.#ask(issued, { settings, instance, to, message: enforced.message }, nonce);
  }

  /** Everything below `/_firebreak/challenge`. */
  async answerOwn(request: Request, site: OwnSite, count: CountChallenge): Promise<Response> {
    const route = ROUTES[new URL(request.url).pathname];
    if (route === undefined) return problem(404, "not-found");
    if (!route.methods.includes(request.method)) {
      return problem(405, "method-not-allowed", {}, { allow: route.methods.join(", ") });
    }
    const [key] = this.#deps.keys;
    if (key === undefined) return problem(503, "challenge-unavailable");
    const scene: Scene = { request, site, count, key, nowMs: Date.now() };
    switch (route.name) {
      case "puzzle":
        return this.#puzzle(scene);
      case "redeem":
        return this.#redeem(scene);
      case "return":
        return this.#return(scene);
    }
  }

  #ask(
    issued: Issued,
    page: Site & { readonly to: string; readonly message: string | null },
    nonce: string,
  ): Response {
    const { settings, to, message } = page;
    const { turnstile } = this.#deps;
    const { turnstileSiteKey: siteKey, messages } = settings;
    const isWidget = issued.claims.provider === "turnstile" && siteKey !== null;
    const rendered = challengePage(
      {
        ...placeOf(settings, to),
        message: message ?? messages.challenge,
        issued,
        redeemPath: REDEEM_PATH,
        turnstile: isWidget && turnstile !== null ? { siteKey, baseUrl: turnstile.baseUrl } : null,
      },
      nonce,
    );
    return pageAnswer(rendered);
  }

  /** A puzzle for a program that is willing to pay. */
  async #puzzle({ request, site, count, key, nowMs }: Scene): Promise<Response> {
    if (site.instance === null) return problem(503, "challenge-unavailable");
    const { searchParams, host } = new URL(request.url);
    const difficulty = searchParams.get("difficulty");
    const terms = challengeTerms({
      waitSeconds: 0,
      clearanceSeconds: site.puzzleSeconds,
      // Nobody may take the looser way by asking for it.
      isStrict: true,
      ...(difficulty === null ? {} : { difficulty: Number(difficulty) }),
    });
    if (!terms.ok) {
      const detail = `difficulty is a whole number from ${DIFFICULTY_MIN} to ${DIFFICULTY_MAX}.`;
      return problem(422, "invalid-request", { detail });
    }
    const asked = { instance: site.instance, host, nowMs };
    const { token, claims, seed } = await issueChallenge(key, terms.value, asked);
    count("issued", nowMs);
    const body = {
      challenge: token,
      seed: toBase64Url(seed),
      difficulty: claims.difficulty,
      n: claims.n,
      expires_at: new Date(claims.exp).toISOString(),
      redeem: REDEEM_PATH,
      how: HOW,
    };
    return json(body);
  }

  async #redeem(scene: Scene): Promise<Response> {
    const { request, site, count, key, nowMs } = scene;
    const sent = await readRedemption(request);
    if (!sent.ok) return problem(UNREADABLE[sent.error], sent.error, LIMITS);
    const to = returnPath(sent.value.to, request.url);
    const issued = await readChallenge(sent.value.challenge, {
      keys: this.#deps.keys,
      instance: site.instance,
      host: new URL(request.url).host,
      nowMs,
    });
    if (!issued.ok) {
      count("failed", nowMs);
      return this.#sorry(scene, to, issued.error);
    }
    const met = await this.#meet(issued.value, sent.value, scene);
    const putAtMs = issuedAtMs(issued.value.claims);
    if (met.kind === "paid") {
      count("solved", putAtMs);
      const userAgent = request.headers.get("user-agent") ?? "";
      const cookie = await clearanceCookie(key, issued.value.claims, {
        price: met.price,
        userAgent,
      });
      return cleared(request, to, cookie);
    }
    if (met.kind === "early") return early(request, site, { issued: issued.value, to, ...met });
    count("failed", putAtMs);
    if (met.kind === "refused") return this.#sorry(scene, to, met.reason);
    // Turnstile is not well: nobody waits for it, there is work to do instead.
    const terms: ChallengeTerms = { ...issued.value.claims, provider: "work" };
    const { instance, host } = issued.value.claims;
    const again = await issueChallenge(key, terms, { instance, host, nowMs });
    count("issued", nowMs);
    return this.#ask(again, { ...site, to, message: null }, newNonce());
  }

  async #meet(issued: Issued, sent: Redemption, { request, nowMs }: Scene): Promise<Meeting> {
    const { claims } = issued;
    if (this.#spent.has(claims, nowMs)) return { kind: "refused", reason: "spent" };
    const met = judge(issued, sent, nowMs);
    if (met.kind === "early") return met;
    if (met.kind === "wrong") return { kind: "refused", reason: "wrong" };
    const isFirst = this.#spent.spend(claims, nowMs) && (await this.#isFirstAnywhere(claims));
    if (!isFirst) return { kind: "refused", reason: "spent" };
    if (met.kind === "paid") return met;
    // Spent by now: made-up tokens cost a challenge each before anybody else is asked about them.
    const verdict = await this.#askTurnstile(sent.turnstile, claims.nonce, request);
    if (verdict === "unanswered") return { kind: "unanswered" };
    if (verdict === "refused") return { kind: "refused", reason: "turnstile" };
    return { kind: "paid", price: { way: "turnstile" } };
  }

  async #askTurnstile(
    token: string,
    nonce: string,
    request: Request,
  ): Promise<"passed" | "refused" | "unanswered"> {
    const { turnstile } = this.#deps;
    if (turnstile === null) return "unanswered";
    const { hostname } = new URL(request.url);
    return verifyTurnstile(token, turnstile, { hostname, idempotencyKey: uuidOf(nonce) });
  }

  /** Where nobody answers in time, this isolate's own memory is what there is. */
  async #isFirstAnywhere({ isStrict, nonce, exp }: Issued["claims"]): Promise<boolean> {
    const { takeOnce } = this.#deps;
    if (!isStrict || takeOnce === null) return true;
    const taking = takeOnce(nonce, exp - Date.now()).catch(() => true);
    return within(taking, SPEND_DEADLINE_MS, true);
  }

  /** On the way back to the page that was wanted: whoever arrives without the cookie refuses it, and is told instead of sent round. */
  async #return({ request, site, nowMs }: Scene): Promise<Response> {
    const to = returnPath(new URL(request.url).searchParams.get("to") ?? "/", request.url);
    const cookie = readCredentials(request)?.clearance ?? null;
    const at = { instance: site.instance, nowMs };
    const clearance = await this.#clearances.read(cookie, request, at);
    if (clearance.kind === "paid") return seeOther(to);
    return sorry(site, to, {
      heading: "Your browser did not keep the cookie",
      message:
        "This site has to remember that your browser was here, for which it sets one cookie and no more. Please allow cookies for this site, then try again.",
    });
  }

  #sorry({ request, site }: Scene, to: string, reason: RefusalReason): Response {
    if (audienceOf(request) !== "page") {
      return problem(403, "challenge-failed", { reason, detail: REASONS[reason] });
    }
    return sorry(site, to, { heading: "That did not work", message: REASONS[reason] });
  }
}

/** What this request's bearer has paid; `unavailable` where nobody is ever challenged. */
export const clearanceOf = (
  challenges: Challenges | null,
  request: RequestLike,
  credentials: Credentials | null,
  { snapshot, nowMs }: { readonly snapshot: Snapshot | null; readonly nowMs: number },
): Clearance | Promise<Clearance> => {
  const instance = snapshot?.loaded.policy.instance ?? null;
  const cookie = credentials?.clearance ?? null;
  return challenges?.clearanceOf(cookie, request, { instance, nowMs }) ?? NO_KEY;
};

/** `puzzleSeconds`: how long a puzzle clears who asks for one, as long as the strictest page and no longer. */
export type OwnSite = Site & { readonly puzzleSeconds: number };

type Scene = {
  readonly request: Request;
  readonly site: OwnSite;
  readonly count: CountChallenge;
  readonly key: SigningKey;
  readonly nowMs: number;
};

type Meeting =
  | { readonly kind: "paid"; readonly price: Price }
  | { readonly kind: "early"; readonly leftSeconds: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "unanswered" };

type RefusalReason = keyof typeof REASONS;

const TRY_AGAIN = "Please try again; it takes a moment.";
const REASONS = {
  malformed: `What was sent is not one of this site's challenges. ${TRY_AGAIN}`,
  unknown_key: `This challenge is no longer accepted. ${TRY_AGAIN}`,
  forged: `What was sent is not one of this site's challenges. ${TRY_AGAIN}`,
  expired: `That took longer than the five minutes that a challenge is good for. ${TRY_AGAIN}`,
  other_instance: `This challenge is another site's. ${TRY_AGAIN}`,
  other_host: `This challenge is another host's. ${TRY_AGAIN}`,
  spent: `This challenge was used already, and each is good for once. ${TRY_AGAIN}`,
  wrong: `The solution does not fit the challenge. ${TRY_AGAIN}`,
  turnstile: `The check of your browser was not accepted. ${TRY_AGAIN}`,
} as const;

const HOW =
  "For each i from 0 to n-1 find a number c below 2^32 for which SHA-256(seed || i || c), with i and c as 32-bit big-endian, begins with `difficulty` zero bits. POST { challenge, solutions: [c, ...] } as JSON to `redeem`, and send the cookie that comes back with each request.";

const ROUTES: Readonly<
  Record<
    string,
    { readonly name: "puzzle" | "redeem" | "return"; readonly methods: readonly string[] }
  >
> = {
  [PUZZLE_PATH]: { name: "puzzle", methods: ["GET"] },
  [REDEEM_PATH]: { name: "redeem", methods: ["POST"] },
  [RETURN_PATH]: { name: "return", methods: ["GET", "HEAD"] },
};

const UNREADABLE = {
  "payload-too-large": 413,
  "unsupported-media-type": 415,
  "malformed-body": 400,
} as const;
const LIMITS = {
  limitBytes: REDEMPTION_BYTES_MAX,
  accepts: ["application/x-www-form-urlencoded", "application/json"],
};

/** A person who goes to a page. A script that asks for HTML could do nothing with the page, and gets a problem like any program. */
const isNavigation = (request: RequestLike): boolean =>
  // What no browser would have sent: a host that is none.
  URL.canParse(request.url) &&
  (request.method === "GET" || request.method === "HEAD") &&
  audienceOf(request) === "page" &&
  (request.headers.get("sec-fetch-mode") ?? "navigate") === "navigate";

/** A nonce is 16 random bytes, and so is a UUID; a repeated redemption repeats it. */
function uuidOf(nonce: string): string {
  const binary = atob(`${nonce.replaceAll("-", "+").replaceAll("_", "/")}==`);
  const bytes = Array.from(binary, (character) => character.charCodeAt(0));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
