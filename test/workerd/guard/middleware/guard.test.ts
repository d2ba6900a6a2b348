import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { it, onTestFinished, vi } from "vitest";
import { guard, type GuardOptions } from "../../../../src/guard/middleware/guard.ts";
import { mintToken, PROBE_HEADER } from "../../../../src/guard/signed.ts";
import { POLICY_HEADER, VERDICT_HEADER } from "../../../../src/guard/verdict.ts";
import type { PolicyApi } from "../../../../src/policy/policy-api.ts";
import { formatSeq, type PolicyEntry } from "../../../../src/policy/policy.ts";
import { anEntry } from "../../../support/policy.ts";
import { TEST_INSTANCE } from "../../entry.ts";

const KEY = { kid: "k1", secret: "a-secret-that-only-this-test-knows" };
type Bindings = { readonly name: string };

/** A production app that mounts the guard over a real policy object. */
async function production(
  entries: readonly PolicyEntry[] = [],
  changes: Partial<GuardOptions<Bindings>> = {},
) {
  const name = crypto.randomUUID();
  const policy: PolicyApi = env.TEST_POLICY.getByName(name);
  for (const entry of entries) await policy.put(entry);
  const traffic = env.TEST_TRAFFIC.getByName(name);
  await traffic.window(1, 0);
  let runs = 0;
  const app = new Hono<{ Bindings: Bindings }>()
    .use(
      guard<Bindings>({
        policy: () => env.TEST_POLICY.getByName(name),
        policyId: () => name,
        traffic: () => traffic,
        signingKeys: () => JSON.stringify([KEY]),
        ...changes,
      }),
    )
    .all("/throws", () => {
      throw new Error("production threw");
    })
    .get("/fails-later", (c) => {
      runs += 1;
      if (runs > 1) return c.text("broken", 500, { "set-cookie": "a=1", "x-broken": "1" });
      return c.text("good", 200, { "cache-control": "max-age=60" });
    })
    .all("*", async (c) => {
      runs += 1;
      c.header("set-cookie", "cart=7");
      return c.text(`production ${c.req.header(PROBE_HEADER) ?? "-"} ${await c.req.text()}`);
    });
  const ask = async (path: string, init?: RequestInit) => {
    const ctx = createExecutionContext();
    const bindings: Bindings = { name };
    const response = await app.fetch(
      new Request(`https://shop.example${path}`, init),
      bindings,
      ctx,
    );
    return { response, settled: () => waitOnExecutionContext(ctx) };
  };
  return { ask, policy, traffic, runs: () => runs };
}

const inAMinute = (changes: Partial<PolicyEntry> = {}) =>
  anEntry({ expiresAtMs: Date.now() + 60_000, ...changes });

it("serves the app once, headers and body untouched, and reports it", async ({ expect }) => {
  const { ask, traffic, runs } = await production();
  const { response, settled } = await ask("/cart", { method: "POST", body: "three eggs" });
  expect(await response.text()).toBe("production - three eggs");
  expect(response.headers.get("set-cookie")).toBe("cart=7");
  expect(runs()).toBe(1);
  await settled();
  const { seconds } = await traffic.window(60, Math.floor(Date.now() / 1_000));
  expect(seconds.reduce((sum, { served }) => sum + served, 0)).toBe(1);
});

it("answers in the app's place by policy", async ({ expect }) => {
  const { ask, runs } = await production([inAMinute()]);
  const { response } = await ask("/cart");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ type: "/_firebreak/problems/maintenance" });
  expect(runs()).toBe(0);
});

it("guards what the app serves below the prefix of ours like all the rest", async ({ expect }) => {
  const { ask, runs } = await production([
    inAMinute({
      kind: "block-networks",
      match: { networks: ["192.0.2.0/24"], routes: ["/_firebreak/*"] },
    }),
  ]);
  const from = (address: string) => ({ headers: { "cf-connecting-ip": address } });
  for (const path of ["/_firebreak", "/_firebreak/x", "/_firebreak/..%2fcart"]) {
    expect((await ask(path, from("192.0.2.7"))).response.status, path).toBe(403);
  }
  expect(runs()).toBe(0);
  expect((await ask("/_firebreak/x", from("198.51.100.7"))).response.status).toBe(200);
});

it("takes what is paid for a challenge itself, and never asks the app", async ({ expect }) => {
  const { ask, runs } = await production([inAMinute()]);
  const { response } = await ask("/_firebreak/challenge/puzzle");
  expect([response.status, runs()]).toEqual([200, 0]);
});

it("lets writes wait in read-only, and reads go on", async ({ expect }) => {
  const { ask } = await production([inAMinute({ kind: "read-only" })]);
  expect((await ask("/cart", { method: "POST" })).response.status).toBe(503);
  expect((await ask("/cart")).response.status).toBe(200);
});

it("gives a stale copy when the app fails, and nothing of the failure with it", async ({
  expect,
}) => {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const { ask, runs } = await production([
    inAMinute({ kind: "emergency-cache", action: { freshSeconds: 1 } }),
  ]);
  const first = await ask("/fails-later");
  expect(await first.response.text()).toBe("good");
  await first.settled();
  vi.setSystemTime(startMs + 2_000);
  const { response } = await ask("/fails-later");
  expect([response.status, await response.text(), runs()]).toEqual([200, "good", 2]);
  expect([response.headers.get("x-broken"), response.headers.get("set-cookie")]).toEqual([
    null,
    null,
  ]);
});

it("closes a WebSocket with a code that its script can see", async ({ expect }) => {
  const { ask } = await production([inAMinute()]);
  const { response } = await ask("/live", { headers: { upgrade: "websocket" } });
  expect(response.status).toBe(101);
  expect(response.webSocket).not.toBeNull();
});

it("marks the answers to its own probes, and hides the token from the app", async ({ expect }) => {
  const { ask, policy } = await production();
  const exp = Date.now() + 60_000;
  const token = await mintToken(KEY, {
    instance: TEST_INSTANCE,
    kind: "probe",
    sub: "monitor",
    exp,
  });
  const { response } = await ask("/cart", { headers: { [PROBE_HEADER]: token } });
  expect(response.headers.get(VERDICT_HEADER)).toBe("clean");
  expect(response.headers.get(POLICY_HEADER)).toBe(formatSeq((await policy.read(null)).seq));
  expect(await response.text()).toBe("production - ");
});

it("counts the app's own exception as failed, once", async ({ expect }) => {
  const { ask, traffic } = await production();
  const { response, settled } = await ask("/throws");
  expect(response.status).toBe(500);
  await settled();
  const { seconds } = await traffic.window(60, Math.floor(Date.now() / 1_000));
  expect(seconds.map(({ served, failed }) => [served, failed])).toEqual([[0, 1]]);
});

it("runs the app unguarded when a binding is missing", async ({ expect }) => {
  const { ask, runs } = await production([inAMinute()], {
    policyId: () => {
      throw new TypeError("env.POLICY is undefined");
    },
  });
  expect((await ask("/cart")).response.status).toBe(200);
  expect(runs()).toBe(1);
});

it("looks at nothing when it is switched off", async ({ expect }) => {
  const { ask } = await production([inAMinute()], { isOff: () => true });
  expect((await ask("/cart")).response.status).toBe(200);
});
