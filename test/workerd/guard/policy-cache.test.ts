/** What guards do while the location's cache hangs, or says what cannot be. */
import { it, vi } from "vitest";
import { locationCache, type PolicyCache } from "../../../src/guard/policy-cache.ts";
import { anEntry } from "../../support/policy.ts";
import { atTime, HOUR_MS, site } from "./listed.ts";

/** The runtime's cache, never answering. */
const hanging = (): PolicyCache => {
  const never = () => new Promise<never>(() => undefined);
  return locationCache("", () =>
    Object.assign(Object.create(caches.default), { match: never, put: never }),
  );
};

const aSite = async (cache: PolicyCache) => {
  const { policy, snapshots } = site();
  const { current } = snapshots(policy, cache);
  const changed = async (): Promise<string> => {
    const id = crypto.randomUUID();
    await policy.put(anEntry({ id, expiresAtMs: Date.now() + HOUR_MS }));
    return id;
  };
  const held = async () =>
    (await current())?.loaded.entries.maintenance.map(({ entry }) => entry.id) ?? [];
  // Awake: how long a first call takes is the machine's business.
  await policy.entries();
  return { changed, held };
};

it("a cache that hangs costs neither the policy nor any refresh of it", async ({ expect }) => {
  const later = atTime();
  const { changed, held } = await aSite(hanging());
  for (const laterMs of [0, 4_000, 8_000]) {
    const id = await changed();
    later(laterMs);
    // At its pace, as after a refresh that succeeded.
    await vi.waitFor(async () => expect(await held()).toContain(id));
  }
});

it("is not believed when it says that the future was confirmed", async ({ expect }) => {
  const { name, policy, snapshots } = site();
  await policy.put(anEntry({ expiresAtMs: Date.now() + HOUR_MS }));
  const { current } = snapshots(policy);
  const snapshot = await current();
  if (snapshot === null) throw new Error("no policy");
  const cache = locationCache(name);
  await cache.put({ ...snapshot, confirmedAtMs: Date.now() + HOUR_MS });
  const found = await cache.match();
  expect(found?.policy).toEqual(snapshot.loaded.policy);
  expect(found?.confirmedAtMs).toBeLessThanOrEqual(Date.now());
});
