/** The storefront's API keys: shown once, kept as a hash; one that is rotated works beside its successor until it ends. */
import { Redis } from "@upstash/redis";
import { Hono } from "hono";
import { afterAll, beforeAll, it } from "vitest";
import { startRedis } from "../../../dev/redis.ts";
import { startUpstashBridge } from "../../../dev/upstash-bridge.ts";
import { startWarden } from "../../../dev/warden.ts";
import type { Env } from "../../../examples/storefront/src/env.ts";
import { apiKeys } from "../../../examples/storefront/src/api-keys.ts";
import type { App } from "../../../examples/storefront/src/app.ts";
import { openStores } from "../../../examples/storefront/src/stores.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import { aSession } from "../../support/storefront.ts";
import { brokenInto, type BrokenInto } from "../mitigations/credentials.ts";

const stack = new AsyncDisposableStack();
let world: BrokenInto;
let env: Env;
beforeAll(async () => {
  world = stack.use(await brokenInto());
  const { directory } = stack.use(startWarden());
  const server = stack.use(await startRedis({ directory, warn: () => {} }));
  const bridge = stack.use(await startUpstashBridge({ redis: server, token: "t" }));
  env = {
    POSTGRES_URL: world.storefront.database.ownerUrl,
    POSTGRES_REPLICA_URL: "",
    POSTGRES_FETCH_ENDPOINT: world.storefront.fetchEndpoint,
    REDIS_URL: bridge.url,
    REDIS_TOKEN: "t",
    STRIPE_API_URL: "http://127.0.0.1:1",
    STRIPE_API_KEY: "rk_test_1",
    SQUARE_API_URL: "http://127.0.0.1:1",
    SQUARE_ACCESS_TOKEN: "sq_1",
    STRIPE_WEBHOOK_SECRET: "whsec_1",
    FIREBREAK_INSTANCE: "shop.test",
  };
});
afterAll(() => stack.disposeAsync());

const shop = new Hono<App>()
  .use(async (c, next) => {
    const session = { key: "198.51.100.7", wroteAtMs: null };
    c.set("stores", openStores(env, { session, waitUntil: () => {} }));
    await next();
  })
  .route("/api", apiKeys);
const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
  shop.request(path, init);
const whose = async (key: string): Promise<unknown> => {
  const answer = await ask("/api/me", { headers: { authorization: `Bearer ${key}` } });
  return answer.ok ? answer.json() : answer.status;
};

it("makes a key that works, and whose successor works beside it until it has ended", async ({
  expect,
}) => {
  expect((await ask("/api/keys", { method: "POST" })).status).toBe(401);
  expect(await whose("shop_00")).toBe(401);
  const redis = new Redis({ url: env.REDIS_URL, token: "t", retry: false });
  const session = { userId: "1", email: "ada@example.com", issuedAtMs: Date.now() };
  await redis.set("session:ada", session);
  const cookie = "session=ada";
  const make = async (): Promise<string> => {
    const made = await ask("/api/keys", { method: "POST", headers: { cookie } });
    expect(made.status).toBe(201);
    return String(Reflect.get(Object(await made.json()), "key"));
  };
  await world.breakIn();
  const old = await make();
  expect(await whose(old)).toEqual({ email: "ada@example.com" });
  const owner = await aSession(world.storefront.database.ownerUrl);
  const stored = await owner.query("SELECT * FROM api_keys");
  expect(JSON.stringify(stored.rows)).not.toContain(old);
  const logged = await owner.query(
    "SELECT action FROM audit_logs WHERE action = 'api_key_created'",
  );
  expect(logged.rows).toHaveLength(1);

  const rotate = acts["rotate-api-keys"];
  const asked = {
    id: "act_1",
    incidentId: "inc_1",
    options: { overlap: "1h" },
    reason: "security",
    onsetAtMs: Date.now() - 60_000,
  } as const;
  const judgement = await rotate?.judge(asked, world.reach());
  if (judgement?.ok !== true) throw new Error("nothing to rotate");
  const act = { ...asked, judged: judgement.value.judged };
  expect(await rotate?.perform(act, world.reach())).toMatchObject({ ok: true });
  const successor = await make();
  expect([await whose(old), await whose(successor)]).toEqual([
    { email: "ada@example.com" },
    { email: "ada@example.com" },
  ]);
  // An hour later.
  await owner.query("UPDATE api_keys SET expires_at = expires_at - interval '1 hour'");
  expect([await whose(old), await whose(successor)]).toEqual([401, { email: "ada@example.com" }]);
});
