/** Our client of Cloudflare's API against the stand-in, and the stand-in against what Cloudflare refuses. */
import { describe, it } from "vitest";
import { z } from "zod";
import { cloudflareApi } from "../../../dev/vendors/cloudflare-api.ts";
import { startVendors } from "../../../dev/vendors.ts";
import {
  CLOUDFLARE_BUDGET,
  createCloudflare,
  type CloudflareCall,
} from "../../../src/platform/cloudflare.ts";
import { keep } from "../../support/servers.ts";

const TOKEN = "token-of-the-test-0123456789";
const DEPLOYMENTS = "/workers/scripts/shop/deployments";
const READ: CloudflareCall<unknown> = { method: "GET", path: DEPLOYMENTS, result: z.unknown() };
const CHANGE: CloudflareCall<unknown> = {
  method: "POST",
  path: DEPLOYMENTS,
  body: { strategy: "percentage", versions: [{ version_id: "v1", percentage: 100 }] },
  result: z.unknown(),
};

async function cloudflare(token = TOKEN, now?: () => number) {
  const vendor = cloudflareApi({
    accountId: "acc",
    token: TOKEN,
    initial: {
      workers: { shop: { versions: [{ id: "v1" }], deployments: [] } },
      pages: {
        site: { live: "p1", deployments: [{ id: "p1", createdAt: "2026-11-25T12:00:00Z" }] },
      },
    },
  });
  const { url } = keep(await startVendors({ vendors: [vendor] }));
  const base = `${url}/cloudflare-api`;
  return {
    base,
    client: createCloudflare({ baseUrl: base, accountId: "acc", token, timeoutMs: 500 }, now),
    fail: async (kind: string, times = 1): Promise<void> => {
      await fetch(`${url}/__vendor/cloudflare-api`, {
        method: "POST",
        body: JSON.stringify({ kind, times }),
      });
    },
    calls: async (): Promise<number> => {
      const seen = await fetch(`${url}/__vendor/cloudflare-api`);
      return ((await seen.json()) as { calls: unknown[] }).calls.length;
    },
  };
}

describe("the client", () => {
  it.for([
    ["5xx", "retry", "unknown_outcome"],
    ["timeout", "retry", "unknown_outcome"],
    ["garbage", "retry", "unknown_outcome"],
    ["429", "retry", "retry"],
    ["403", "refuse", "refuse"],
  ] as const)(
    "says of %s that a read may %s and a change is %s",
    async ([fault, read, change], { expect }) => {
      for (const [call, kind] of [
        [READ, read],
        [CHANGE, change],
      ] as const) {
        const { client, fail } = await cloudflare();
        await fail(fault);
        expect(await client.call(call)).toMatchObject({ ok: false, error: { class: kind } });
      }
    },
  );

  it("asks once, whatever happens", async ({ expect }) => {
    const { client, fail, calls } = await cloudflare();
    await fail("5xx", 10);
    await client.call(READ);
    expect(await calls()).toBe(1);
  });

  it("asks nothing more for as long as a 429 says, and then again", async ({ expect }) => {
    let atMs = 1_000_000;
    const { client, fail, calls } = await cloudflare(TOKEN, () => atMs);
    await fail("429");
    await client.call(READ);
    expect(await client.call(CHANGE)).toMatchObject({ error: { class: "retry" } });
    expect(await calls()).toBe(1);
    atMs += 1_000;
    expect(await client.call(READ)).toMatchObject({ ok: true });
  });

  it("keeps below the vendor's limit, and room for changes", async ({ expect }) => {
    let atMs = 1_000_000;
    const { client, calls } = await cloudflare(TOKEN, () => atMs);
    const { burst, reserve, perSecond } = CLOUDFLARE_BUDGET;
    for (let n = 0; n < burst; n += 1) await client.call(READ);
    expect(await calls()).toBe(burst - reserve);
    expect(await client.call(CHANGE)).toMatchObject({ ok: true });
    atMs += 1_000;
    for (let n = 0; n < burst; n += 1) await client.call(CHANGE);
    expect(await calls()).toBe(burst + perSecond);
    expect(perSecond * 300).toBeLessThan(1_200);
  });

  it("repeats the vendor's words, and never the token", async ({ expect }) => {
    const { base } = await cloudflare();
    const wrong = createCloudflare({ baseUrl: base, accountId: "acc", token: "wrong-token" });
    const refused = await wrong.call(READ);
    expect(refused).toMatchObject({
      error: { class: "refuse", status: 401, errors: [{ code: 10_000 }] },
    });
    const echo = createCloudflare({ baseUrl: `${base}/${TOKEN}`, accountId: "acc", token: TOKEN });
    const nowhere = createCloudflare({
      baseUrl: `http://${TOKEN}.invalid`,
      accountId: "a",
      token: TOKEN,
    });
    for (const answer of [refused, await echo.call(READ), await nowhere.call(READ)]) {
      expect(answer.ok).toBe(false);
      expect(JSON.stringify(answer)).not.toMatch(/wrong-token|token-of-the-test/);
    }
  });

  it("takes an answer of another shape for none", async ({ expect }) => {
    const { client } = await cloudflare();
    const odd = { ...READ, result: z.object({ deployments: z.string() }) };
    expect(await client.call(odd)).toMatchObject({ error: { class: "retry" } });
  });
});

describe("the stand-in", () => {
  const ask = async (
    path: string,
    {
      method = "GET",
      body,
      token = TOKEN,
    }: { method?: string; body?: unknown; token?: string } = {},
  ) => {
    const { base } = await cloudflare();
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { errors } = (await response.json()) as { errors: { code: number }[] };
    return [response.status, errors[0]?.code];
  };
  const to = (versions: unknown, more: object = {}) => ({
    method: "POST",
    body: { strategy: "percentage", versions, ...more },
  });
  const deployments = "/accounts/acc/workers/scripts/shop/deployments";
  const logs = "/accounts/acc/workers/observability/telemetry/query";
  const query = { queryId: "q", view: "events", limit: 10, parameters: {} };

  it.for([
    ["another token", deployments, { token: "x" }, 401, 10_000],
    ["another account", deployments.replace("acc/", "other/"), {}, 404, 7_003],
    ["an unknown route", "/accounts/acc/workers/nothing", {}, 404, 7_003],
    ["another method", deployments, { method: "PUT", body: {} }, 404, 7_003],
    ["an unknown Worker", deployments.replace("shop", "nope"), {}, 404, 10_007],
    ["an unknown version", deployments, to([{ version_id: "v9", percentage: 100 }]), 404, 10_209],
    ["half a deployment", deployments, to([{ version_id: "v1", percentage: 50 }]), 400, 10_021],
    ["another strategy", deployments, to([], { strategy: "all" }), 400, 10_021],
    [
      "a query of no time",
      logs,
      { method: "POST", body: { ...query, timeframe: { from: 2, to: 2 } } },
      400,
      10_021,
    ],
    ["an unknown project", "/accounts/acc/pages/projects/nope", {}, 404, 8_000_007],
    [
      "an unknown build",
      "/accounts/acc/pages/projects/site/deployments/p9/rollback",
      { method: "POST" },
      404,
      8_000_009,
    ],
  ] as const)("refuses %s", async ([, path, asked, status, code], { expect }) => {
    expect(await ask(path, asked)).toEqual([status, code]);
  });

  it("takes no question to analytics that Cloudflare would not take", async ({ expect }) => {
    const { client } = await cloudflare();
    const ask = (query: string, variables = {}) =>
      client.analytics({ query, variables, of: "accounts", found: z.unknown() });
    const REFUSED = [
      [
        'query { viewer { accounts(filter: { accountTag: "other" }) { __typename } } }',
        "authorized",
      ],
      [
        "query ($account: string!) { viewer { accounts(filter: { accountTag: $account }) { nothing } } }",
        "nothing",
      ],
      ["query (", "Syntax"],
    ] as const;
    for (const [query, why] of REFUSED) {
      expect(await ask(query)).toMatchObject({
        error: { class: "refuse", detail: expect.stringContaining(why) },
      });
    }
  });
});
