import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import type { JournalApi } from "../../../src/write-journal/journal-api.ts";
import { aDelivery } from "../write-journal/life.ts";
import { journalWorldOf } from "../write-journal/objects.ts";
import { client } from "./api.ts";

const PATH = "/api/v1/write-journal";

type Letter = { readonly id: string };

/** The surface over a journal whose production refuses everything, with these deliveries given up. */
async function withDead(...keys: readonly string[]) {
  const name = crypto.randomUUID();
  const world = journalWorldOf(name);
  world.answer = () => ({ class: "refuse", detail: "production answered 422" });
  const stub = env.TEST_JOURNAL.getByName(name);
  const journal: JournalApi = stub;
  for (const key of keys) await journal.accept(aDelivery(key));
  await runDurableObjectAlarm(stub);
  const ask = client({ writeJournal: () => journal });
  const list = async (query = "") =>
    (await ask(`${PATH}/stripe/dead-letters${query}`, { as: "viewer" })).json<{
      items: Letter[];
      next: string | null;
    }>();
  const ids = (await list()).items.map(({ id }) => id);
  return { ask, journal, list, ids, world, first: `${PATH}/stripe/dead-letters/${ids[0] ?? ""}` };
}

/** What is done for good is logged; that is for the log, not for the test's output. */
function quietLog() {
  const log = vi.spyOn(console, "info").mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  return log;
}

describe("the write journal", () => {
  it("says per route what waits, what was given up, and what is missing", async ({ expect }) => {
    const { ask } = await withDead("a");
    expect(await (await ask(PATH, { as: "viewer" })).json()).toEqual({
      items: [
        {
          route: "stripe",
          pattern: "/webhooks/stripe",
          scheme: "stripe",
          missing: "the secret JOURNAL_STRIPE is not set",
          backlogCount: 0,
          backlogBytes: 0,
          oldestAt: null,
          deadCount: 1,
          lastFailure: "production answered 422",
        },
      ],
      next: null,
    });
  });

  it("lists dead letters page by page, without what they hold", async ({ expect }) => {
    const { list, ids } = await withDead("a", "b", "c");
    const page = await list("?limit=2");
    expect(page.items).toMatchObject([
      { id: ids[0], delivery: "a", path: "/webhooks/pay", attempts: 1 },
      { id: ids[1], delivery: "b" },
    ]);
    expect(JSON.stringify(page)).not.toContain("a=1");
    const rest = await list(`?limit=2&after=${page.next}`);
    expect(rest).toMatchObject({ items: [{ id: ids[2] }], next: null });
  });

  it.for([
    ["admin", { headers: { "content-type": "application/json" }, bodyBase64: btoa('{"id":"a"}') }],
    ["responder", { headers: null, bodyBase64: null }],
    ["viewer", { headers: null, bodyBase64: null }],
  ] as const)(
    "shows to a token of role %s of what one holds: %o",
    async ([as, shown], { expect }) => {
      const { ask, first, ids } = await withDead("a");
      expect(await (await ask(first, { as })).json()).toMatchObject({ id: ids[0], ...shown });
    },
  );

  it("drives one again, and all of them", async ({ expect }) => {
    const { ask, journal, first } = await withDead("a", "b", "c");
    const again = () => ask(`${first}/redrive`, { method: "POST" });
    expect(await (await again()).json()).toEqual({ redriven: 1 });
    expect(await (await again()).json()).toEqual({ redriven: 0 });
    const all = await ask(`${PATH}/stripe/redrive`, { method: "POST" });
    expect(await all.json()).toEqual({ redriven: 2 });
    expect(await journal.status()).toMatchObject({ backlogCount: 3, deadCount: 0 });
  });

  it("drops one for good, for admins who say why", async ({ expect }) => {
    const log = quietLog();
    const { ask, first, ids } = await withDead("a");
    const body = { why: "a test of the vendor's" };
    expect((await ask(`${first}/discard`, { body })).status).toBe(403);
    expect((await ask(`${first}/discard`, { as: "admin", body: {} })).status).toBe(422);
    const dropped = await ask(`${first}/discard`, { as: "admin", body });
    expect(await dropped.json()).toEqual({ discarded: true });
    expect((await ask(first)).status).toBe(404);
    expect(log.mock.calls.join()).toContain(ids[0]);
    expect(log.mock.calls.join()).toContain("admin@test");
  });

  it.for([
    ["GET", "/other/dead-letters"],
    ["GET", "/Stripe/dead-letters"],
    ["GET", "/stripe/dead-letters/dlv_1"],
    ["POST", "/other/redrive"],
  ] as const)("knows no %s %s", async ([method, path], { expect }) => {
    const { ask } = await withDead();
    expect((await ask(`${PATH}${path}`, { method })).status).toBe(404);
  });

  it("is not for strangers", async ({ expect }) => {
    const { ask } = await withDead();
    expect((await ask(PATH, { as: null })).status).toBe(401);
    expect((await ask(`${PATH}/stripe/redrive`, { method: "POST", as: "viewer" })).status).toBe(
      403,
    );
  });
});
