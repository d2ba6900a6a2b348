import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import * as z from "zod";
import { challengeTerms } from "../../policy/challenge.ts";
import { defaultSettings } from "../../policy/policy.ts";
import { sure } from "../../shared/shape.ts";
import { Challenges } from "../challenge/challenges.ts";
import { isChallengeUrl } from "../challenge/paths.ts";
import { TURNSTILE_URL } from "../challenge/turnstile.ts";
import { locationCopies } from "../emergency-cache/copies.ts";
import { guardRequest, type GuardDeps } from "../guard.ts";
import { NO_COUNTERS } from "../limits/counters.ts";
import { readSigningKeys } from "../signed.ts";
import { fixedPolicy } from "./fixed-policy.ts";
import { isOnOrNot, type IsOn } from "./is-on.ts";
import { proceed, replace } from "./proceed.ts";
import { standingWords } from "./standing.ts";
import { say } from "../../shared/log.ts";

const routes = z.array(z.string().startsWith("/", "write a path that starts with /"));

const options = z.strictObject({
  /** Only here; without it, everywhere. */
  routes: routes.min(1).optional(),
  /** Never here, such as where payment providers deliver. */
  exempt: routes.default([]),
  /** Leading zero bits of each of 16 puzzles, 8 to 18. */
  difficulty: z.int().optional(),
  provider: z.enum(["work", "turnstile"]).optional(),
  /** What browsers without scripts wait instead, at most 120; 0 sends them away. */
  waitSeconds: z.int().optional(),
  /** How long who paid is not asked again, 60 to 14 400. */
  clearanceSeconds: z.int().optional(),
  /** What a client meets without signing keys: served, or refused. */
  fail: z.enum(["open", "closed"]).default("open"),
  /** As for limits and blocks: by it the allowlist is matched, and Cloudflare's word on bots is taken. */
  clientAddress: standingWords.clientAddress,
  allowlist: z.array(z.string()).default([]),
  turnstileSiteKey: z.string().min(1).max(64).optional(),
  title: z.string().min(1).max(120).default("This site"),
  message: z.string().min(1).max(500).optional(),
  contact: z.string().max(200).optional(),
});

export type ChallengeOptions = z.input<typeof options> & {
  readonly isOn: IsOn;
  /** JSON: `[{ "kid", "secret" }]`, at most two live; the first signs. */
  readonly signingKeys: (c: Context) => string | undefined;
  readonly turnstileSecret?: (c: Context) => string | undefined;
};

/**
 * While `isOn` says so, asks each browser for a little work, or for Turnstile, before it goes on to the app; verified bots go on
 * as they are. Serves `/_firebreak/challenge` itself. For an app without a control plane; with one, `guard()` does this by
 * policy. Throws at construction on options that are wrong.
 */
export const challenge = ({ isOn, signingKeys, turnstileSecret, ...given }: ChallengeOptions) => {
  const parsed = options.parse(given);
  const loaded = policyOf(parsed);
  const snapshot = () => ({ loaded, confirmedAtMs: Date.now() });
  // One per isolate; the runtime hands the same `env` to every request of it.
  const known = new WeakMap<object, Parts>();
  const assemble = (c: Context): Parts => {
    const keys = readSigningKeys(signingKeys(c));
    if (!keys.ok) say("error", { part: "guard", detail: `${keys.error}; nobody is challenged` });
    const secret = turnstileSecret?.(c);
    return {
      isOff: false,
      snapshots: { current: async () => snapshot(), peek: snapshot },
      telemetry: {
        ask: () => undefined,
        record: () => undefined,
        recordChallenge: () => undefined,
      },
      challenges: new Challenges({
        keys: keys.ok ? keys.value : [],
        turnstile: secret === undefined ? null : { secret, baseUrl: TURNSTILE_URL },
        takeOnce: null,
      }),
      journal: { journal: () => null, secret: () => undefined },
      counters: NO_COUNTERS,
      copies: locationCopies("app", () => caches.default),
      keys: [],
      onFault: (fault) => {
        say("error", {
          part: "guard",
          detail: "the challenge failed, so the app answered",
          fault: String(fault),
        });
      },
    };
  };

  return createMiddleware(async function challenge(c, next) {
    // Whoever is at it when it is switched off is still let through.
    if (!isChallengeUrl(c.req.url) && !(await isOnOrNot(isOn, c))) return next();
    const env: object = c.env;
    const parts = known.get(env) ?? assemble(c);
    known.set(env, parts);
    const origin = proceed(c, next);
    const deps = { ...parts, origin, ownRoutes: null };
    return replace(c, await guardRequest(c.req.raw, deps, waiting(c)));
  });
};

type Parts = Omit<GuardDeps, "origin" | "ownRoutes">;

const waiting = (c: Context): { waitUntil: (promise: Promise<unknown>) => void } => ({
  waitUntil: (promise) => c.executionCtx.waitUntil(promise),
});

function policyOf(given: z.output<typeof options>) {
  const { routes: on, exempt, fail, title, message, contact = null, ...rest } = given;
  const { difficulty, provider, waitSeconds, clearanceSeconds } = rest;
  const terms = sure(challengeTerms, { difficulty, provider, waitSeconds, clearanceSeconds });
  const settings = defaultSettings();
  return fixedPolicy(
    {
      kind: "challenge",
      match: on === undefined ? {} : { routes: on },
      action: { ...terms, ...(message === undefined ? {} : { message }) },
      fail,
    },
    {
      title,
      allowlist: given.allowlist,
      clientAddress: given.clientAddress,
      protectedClasses: { ...settings.protectedClasses, webhookRoutes: exempt },
      turnstileSiteKey: given.turnstileSiteKey ?? null,
      messages: { ...settings.messages, contact },
    },
  );
}
