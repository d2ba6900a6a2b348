import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { GuardDeps } from "../../../src/guard/guard.ts";
import { signReplay } from "../../../src/guard/write-journal/envelope.ts";
import { LARGE_BODIES_MAX } from "../../../src/guard/held-bodies.ts";
import { HAND_OVER_DEADLINE_MS } from "../../../src/guard/write-journal/hand-over.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { signedByStripe } from "../../../dev/payment-provider.ts";
import { journalWorldOf, ROUTE } from "../write-journal/objects.ts";
import { forAMinute, guarded, KEY, token } from "./guarded.ts";

const SECRET = "whsec_of_this_test";
const PATH = "/webhooks/pay?a=1";
const MAINTENANCE = [forAMinute({ id: "m" })];
const READ_ONLY = [forAMinute({ id: "r", kind: "read-only" })];
const BACKLOG = [forAMinute({ id: "wj", kind: "write-journal", match: { routes: [ROUTE.route] } })];

/** A guard with a journal of its own; deliveries that it keeps are in the journal's world. */
function journaling(
  entries: readonly PolicyEntry[],
  changes: Partial<GuardDeps["journal"]> = {},
  settings: Partial<GuardSettings> = {},
) {
  const name = crypto.randomUUID();
  const journal = { journal: () => env.TEST_JOURNAL.getByName(name), secret: () => SECRET };
  const guard = guarded(
    entries,
    { journal: { ...journal, ...changes } },
    { writeJournal: [ROUTE], ...settings },
  );
  const stub = env.TEST_JOURNAL.getByName(name);
  const kept = async () => (await stub.status()).backlogCount;
  const reasons = () =>
    guard.counted.map(({ outcome }) =>
      outcome.kind === "refused" ? outcome.reason : outcome.kind,
    );
  // Held, so that what is kept can be counted.
  journalWorldOf(name).policy.set("m", forAMinute({ id: "m" }));
  return { ...guard, kept, reasons };
}

async function delivery(id = crypto.randomUUID(), changes: RequestInit = {}): Promise<RequestInit> {
  const body = JSON.stringify({ id });
  return { method: "POST", body, headers: await signedByStripe(SECRET, body), ...changes };
}

it.for([
  ["maintenance", MAINTENANCE],
  ["read-only", READ_ONLY],
  ["a backlog", BACKLOG],
] as const)(
  "keeps a signed delivery in %s, and tells its sender that it is done",
  async ([, entries], { expect }) => {
    const { ask, calls, kept, reasons } = journaling(entries);
    // On a busy machine the first object of all takes longer to come up than a delivery waits.
    expect(await kept()).toBe(0);
    const response = await ask(PATH, await delivery());
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ received: true });
    expect(calls).toEqual([]);
    expect(await kept()).toBe(1);
    expect(reasons()).toEqual(["journaled"]);
  },
);

it("keeps a delivery once, however often it comes", async ({ expect }) => {
  const { ask, kept } = journaling(MAINTENANCE);
  const one = await delivery();
  expect((await ask(PATH, one)).status).toBe(200);
  expect((await ask(PATH, one)).status).toBe(200);
  expect(await kept()).toBe(1);
});

it("is not kept busy by strangers who never finish what they send", async ({ expect }) => {
  const { ask, kept, reasons } = journaling(MAINTENANCE);
  expect(await kept()).toBe(0);
  const endings: (() => void)[] = [];
  const stalled = (): RequestInit => ({
    method: "POST",
    headers: { "stripe-signature": "t=1,v1=00" },
    body: new ReadableStream({ start: (body) => void endings.push(() => body.close()) }),
  });
  const held = Array.from({ length: LARGE_BODIES_MAX }, () => ask(PATH, stalled()));
  const one = await delivery();
  expect((await ask(PATH, one)).status).toBe(503);
  const headers = new Headers(one.headers);
  headers.set("content-length", "100");
  expect((await ask(PATH, { ...one, headers })).status).toBe(200);
  expect(reasons()).toEqual(["journal_missed", "journaled"]);
  for (const end of endings) end();
  await Promise.all(held);
});

it("reads nothing of who does not even claim to be the sender", async ({ expect }) => {
  const { ask, reasons } = journaling(MAINTENANCE);
  const body = new ReadableStream();
  expect((await ask(PATH, { method: "POST", body })).status).toBe(503);
  expect(reasons()).toEqual(["journal_unproved"]);
});

type Link = Partial<GuardDeps["journal"]>;
const AS_IT_IS: Link = {};
const WITHOUT_SECRET: Link = { secret: () => undefined };
const UNBOUND: Link = { journal: () => null };
const FAILING: Link = {
  journal: () => ({ accept: () => Promise.reject(new Error("overloaded")) }),
};
const stranger: RequestInit = { method: "POST", body: '{"id":"evt_1"}' };
const late = async () => {
  const body = '{"id":"evt_1"}';
  const headers = await signedByStripe(SECRET, body, Date.now() - 301_000);
  return { method: "POST", body, headers };
};
const large = async () => {
  const body = JSON.stringify({ id: "evt_1", pad: "x".repeat(ROUTE.bodyBytesMax) });
  return { method: "POST", body, headers: await signedByStripe(SECRET, body) };
};
it("waits for a body no longer than its deadline", async ({ expect }) => {
  const { ask, reasons } = journaling(MAINTENANCE);
  const startedAtMs = Date.now();
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
  });
  const headers = { "stripe-signature": "t=1,v1=00" };
  expect((await ask(PATH, { method: "POST", body, headers })).status).toBe(503);
  expect(Date.now() - startedAtMs).toBeLessThan(HAND_OVER_DEADLINE_MS + 2_000);
  expect(reasons()).toEqual(["journal_missed"]);
}, 15_000);

describe.for([
  ["a stranger", async () => stranger, AS_IT_IS, "journal_unproved", 0],
  ["a signature that is stale", late, AS_IT_IS, "journal_unproved", 0],
  ["no secret", () => delivery(), WITHOUT_SECRET, "journal_missed", 1],
  ["no journal bound", () => delivery(), UNBOUND, "journal_missed", 1],
  ["a journal that fails", () => delivery(), FAILING, "journal_missed", 1],
  ["a body larger than it keeps", large, AS_IT_IS, "journal_missed", 1],
] as const)("%s", ([, make, changes, reason, faults]) => {
  it("is refused in maintenance as without a journal, and counted", async ({ expect }) => {
    const { ask, calls, counted, kept, reasons } = journaling(MAINTENANCE, changes);
    const response = await ask(PATH, await make());
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect(calls).toEqual([]);
    expect(await kept()).toBe(0);
    expect(reasons()).toEqual([reason]);
    expect(counted.filter(({ isFault }) => isFault)).toHaveLength(faults);
  });

  it("is production's to judge while only a backlog waits", async ({ expect }) => {
    const { ask, calls, counted, kept } = journaling(BACKLOG, changes);
    const given = await make();
    const response = await ask(PATH, given);
    expect(await response.text()).toBe("production");
    expect(await calls[0]?.text()).toBe(given.body);
    expect(await kept()).toBe(0);
    expect(counted.filter(({ isFault }) => isFault)).toHaveLength(faults);
  });
});

it("asks to come again when there is no more room", async ({ expect }) => {
  const { ask, kept, reasons } = journaling(BACKLOG);
  for (let n = 0; n < ROUTE.deliveriesMax; n += 1) await ask(PATH, await delivery());
  const response = await ask(PATH, await delivery());
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ type: "/_firebreak/problems/journal-full" });
  expect(await kept()).toBe(ROUTE.deliveriesMax);
  expect(reasons().at(-1)).toBe("journal_full");
});

it.for([
  ["another method", PATH, { method: "PUT" }],
  ["another path", "/webhooks/other", {}],
  ["a path that routers may read differently", "/webhooks/%70ay", {}],
] as const)("keeps nothing of %s", async ([, path, changes], { expect }) => {
  const { ask, kept } = journaling(MAINTENANCE);
  const response = await ask(path, await delivery(undefined, changes));
  expect(response.status).toBe(503);
  expect(await kept()).toBe(0);
});

it.for([
  ["an exempt route", {}, { maintenanceExempt: ["/webhooks/*"] }],
  ["an operator", { "x-firebreak-bypass": "token" }, {}],
] as const)("lets %s through to production", async ([, headers, settings], { expect }) => {
  const { ask, calls } = journaling(MAINTENANCE, {}, settings as Partial<GuardSettings>);
  const one = await delivery();
  const bypass =
    "x-firebreak-bypass" in headers ? { "x-firebreak-bypass": await token("bypass") } : {};
  await ask(PATH, { ...one, headers: { ...(one.headers as Record<string, string>), ...bypass } });
  expect(calls).toHaveLength(1);
});

it("does not keep again what it replays, should that come through a guard", async ({ expect }) => {
  const { ask, calls, kept } = journaling(BACKLOG);
  const body = '{"id":"evt_1"}';
  const now = Date.now();
  const replayed = await signReplay(
    KEY,
    {
      instance: "shop.test",
      route: "pay",
      id: "evt_1",
      path: PATH,
      receivedAtMs: now,
      exp: now + 9_000,
    },
    Uint8Array.from(new TextEncoder().encode(body)),
  );
  await ask(PATH, { method: "POST", body, headers: { "x-firebreak-replay": replayed } });
  expect(calls).toHaveLength(1);
  expect(await kept()).toBe(0);
});
