/** A guard over given entries, whose production, counters and faults a test can see. */
import { Challenges } from "../../../src/guard/challenge/challenges.ts";
import { guardRequest, type GuardDeps } from "../../../src/guard/guard.ts";
import { locationCopies } from "../../../src/guard/emergency-cache/copies.ts";
import { NO_COUNTERS } from "../../../src/guard/limits/counters.ts";
import { loadPolicy, type Snapshot } from "../../../src/guard/loaded-policy.ts";
import { mintToken, type SigningKey } from "../../../src/guard/signed.ts";
import type { Counted } from "../../../src/guard/telemetry.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import type { ChallengeEvent } from "../../../src/traffic/traffic-api.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

export const KEY: SigningKey = { kid: "k1", secret: "a-secret-that-only-this-test-knows" };
export const forAMinute = (changes: Partial<PolicyEntry> = {}) =>
  anEntry({ expiresAtMs: Date.now() + 60_000, ...changes });
export const token = (kind: "bypass" | "probe", sub = "ada") =>
  mintToken(KEY, { instance: "shop.test", kind, sub, exp: Date.now() + 60_000 });

/** A guard over the given entries; what reached production and what was counted is kept. */
export function guarded(
  entries: readonly PolicyEntry[],
  changes: Partial<GuardDeps> = {},
  settings: Partial<GuardSettings> = {},
) {
  const calls: Request[] = [];
  const background: Promise<unknown>[] = [];
  const counted: Counted[] = [];
  const challenged: ChallengeEvent[] = [];
  /** One for each time that it was counted that production is asked. */
  const asked: number[] = [];
  const faults: unknown[] = [];
  const snapshot: Snapshot = {
    loaded: loadPolicy(aPolicy({ entries: [...entries], settings: aSettings(settings) })),
    confirmedAtMs: Date.now(),
  };
  const deps: GuardDeps = {
    isOff: false,
    origin: async (request) => {
      calls.push(request);
      return new Response("production");
    },
    ownRoutes: async () => new Response("own"),
    snapshots: { current: async () => snapshot, peek: () => snapshot },
    telemetry: {
      ask: () => void asked.push(asked.length),
      record: (entry) => void counted.push(entry),
      recordChallenge: (event) => void challenged.push(event),
    },
    challenges: new Challenges({ keys: [KEY], turnstile: null, takeOnce: null }),
    copies: locationCopies(crypto.randomUUID(), () => caches.default),
    journal: { journal: () => null, secret: () => undefined },
    counters: NO_COUNTERS,
    keys: [KEY],
    onFault: (fault) => void faults.push(fault),
    ...changes,
  };
  const ask = (path: string, init?: RequestInit) =>
    guardRequest(new Request(`https://shop.example${path}`, init), deps, {
      waitUntil: (promise) => void background.push(promise),
    });
  /** After what goes on when the answers are out. */
  const settled = () => Promise.all(background);
  return { ask, asked, calls, counted, challenged, faults, deps, settled };
}
