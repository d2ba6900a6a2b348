/** The per-location copies of the policy and its table, so that a location asks the object once per poll however many isolates it runs. */
import { within } from "./deadline.ts";
import type { Snapshot } from "./loaded-policy.ts";

/** A cache that has not answered by then has missed; so early that a cold request can still ask the object. */
export const MATCH_DEADLINE_MS = 50;
/** The same for a table, which may have tens of megabytes. */
export const MATCH_TABLE_DEADLINE_MS = 1_000;

export type PolicyCache = {
  /** What the location holds, unparsed, and when the object last confirmed it; null on a miss. */
  match(): Promise<{ readonly policy: unknown; readonly confirmedAtMs: number } | null>;
  put(snapshot: Snapshot): Promise<void>;
  /** The table of this name as the location holds it, unverified; null on a miss. */
  matchTable(sha256: string): Promise<ArrayBuffer | null>;
  putTable(sha256: string, bytes: ArrayBuffer): Promise<void>;
};

/** A table never changes under its name; this long it may stay unasked for. */
const TABLE_MAX_AGE_SECONDS = 86_400;

const CONFIRMED_AT_HEADER = "x-firebreak-confirmed-at-ms";

/**
 * Where there is no Cache API (workers.dev, behind Access) this misses always. The key's host is nobody's, so that no visitor's
 * URL ever finds it; `identity` is the policy object's id, so that two instances in one zone do not read each other's.
 */
export function locationCache(
  identity: string,
  open: () => Cache = () => caches.default,
): PolicyCache {
  const key = `https://policy.firebreak.invalid/${encodeURIComponent(identity)}`;
  const tableKey = (sha256: string): string => `${key}/tables/${sha256}`;
  const policyFrom = async (cache: Cache) => {
    const response = await cache.match(key);
    if (response === undefined) return null;
    // Nobody confirms the future, whoever's clock it was.
    const confirmedAtMs = Math.min(Date.now(), Number(response.headers.get(CONFIRMED_AT_HEADER)));
    return { policy: await response.json(), confirmedAtMs };
  };
  const tableFrom = async (cache: Cache, sha256: string) => {
    const response = await cache.match(tableKey(sha256));
    return response === undefined ? null : response.arrayBuffer();
  };
  return {
    match: async () => within(policyFrom(open()), MATCH_DEADLINE_MS, null),
    async put({ loaded, confirmedAtMs }) {
      const maxAgeSeconds = Math.max(1, Math.ceil(loaded.policy.settings.pollMs / 1_000));
      const headers = {
        "cache-control": `max-age=${maxAgeSeconds}`,
        [CONFIRMED_AT_HEADER]: String(confirmedAtMs),
      };
      await open().put(key, Response.json(loaded.policy, { headers }));
    },
    matchTable: async (sha256) => within(tableFrom(open(), sha256), MATCH_TABLE_DEADLINE_MS, null),
    async putTable(sha256, bytes) {
      const headers = { "cache-control": `max-age=${TABLE_MAX_AGE_SECONDS}` };
      await open().put(tableKey(sha256), new Response(bytes, { headers }));
    },
  };
}

/** For a guard outside Workers' cache, such as one mounted inside a production app that shares its zone. */
export const NO_CACHE: PolicyCache = {
  match: async () => null,
  put: async () => undefined,
  matchTable: async () => null,
  putTable: async () => undefined,
};
