/** A block from the actuator through the real policy object to the answers of a real guard, and back. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it, onTestFinished } from "vitest";
import { assembleGuard } from "../../../src/guard/assemble.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { actuators } from "../../../src/mitigations/registry.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { GuardPolicyObject } from "../../../src/policy/policy-object.ts";
import type { GuardSettings } from "../../../src/policy/policy.ts";
import { ok } from "../../../src/shared/result.ts";
import { TEST_INSTANCE, TEST_SETTINGS } from "../entry.ts";

const actuator = actuators["block-networks"];
const ALLOWED = { ...TEST_SETTINGS, allowlist: ["192.0.2.128/25"] };
const aLease = (networks: readonly string[], changes: object = {}) => ({
  id: "lse_block" as const,
  incidentId: "inc_block",
  options: { networks },
  reason: "brute force",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + 60_000,
  prior: null,
  ...changes,
});

/** A policy object and what a fresh isolate answers by it. */
function site() {
  const background: Promise<unknown>[] = [];
  onTestFinished(async () => void (await Promise.all(background)));
  const stub = env.TEST_POLICY.getByName(crypto.randomUUID());
  const policy: PolicyApi = stub;
  const reach: Reach = {
    instance: TEST_INSTANCE,
    cloudflare: null,
    neon: null,
    credentials: null,
    sessions: null,
    canSign: true,
    postgres: null,
    policy: {
      put: (entry) => policy.put(entry),
      get: async (id) => ok(await policy.get(id)),
      remove: (id) => policy.remove(id),
    },
  };
  /** The object as it starts after a deployment with these settings. */
  const redeploy = (settings: GuardSettings): Promise<PolicyApi> =>
    runInDurableObject(
      stub,
      (_, ctx) =>
        new GuardPolicyObject(ctx, env, { instance: TEST_INSTANCE, settings: () => settings }),
    );
  const statusFor = async (address: string, reader: PolicyApi = policy): Promise<number> => {
    const guard = assembleGuard({
      isOff: false,
      origin: async () => new Response("production"),
      ownRoutes: async () => new Response("own"),
      policy: () => reader,
      traffic: () => ({ flush: async () => undefined }),
      limiter: null,
      policyId: crypto.randomUUID(),
      signingKeys: undefined,
      journal: { journal: () => null, secret: () => undefined },
    });
    const headers = { "cf-connecting-ip": address };
    const answer = await guard(new Request("https://shop.example/", { headers }), {
      waitUntil: (promise) => void background.push(promise),
    });
    return answer.status;
  };
  return { reach, redeploy, statusFor };
}

it("blocks whom the lease names and nobody else, until it is taken back", async ({ expect }) => {
  const { reach, statusFor } = site();
  const lease = aLease(["192.0.2.0/24", "2001:db8:bad::/48"]);
  expect(await statusFor("192.0.2.7")).toBe(200);
  expect(await actuator.apply(lease, reach)).toMatchObject({ ok: true });
  expect(await statusFor("192.0.2.7")).toBe(403);
  expect(await statusFor("::ffff:192.0.2.7")).toBe(403);
  expect(await statusFor("2001:db8:bad::1")).toBe(403);
  expect(await statusFor("198.51.100.7")).toBe(200);
  expect(await actuator.revert(lease, reach)).toEqual(ok("restored"));
  expect(await statusFor("192.0.2.7")).toBe(200);
});

it("blocks nobody while it is only rehearsed", async ({ expect }) => {
  const { reach, statusFor } = site();
  await actuator.apply(aLease(["192.0.2.0/24"], { shadow: true }), reach);
  expect(await statusFor("192.0.2.7")).toBe(200);
});

it("never blocks who is on the allowlist, not even who came onto it after the block", async ({
  expect,
}) => {
  const { reach, redeploy, statusFor } = site();
  await actuator.apply(aLease(["192.0.2.0/24", "192.0.2.200"]), reach);
  expect(await statusFor("192.0.2.200")).toBe(403);
  const later = await redeploy(ALLOWED);
  expect(await statusFor("192.0.2.200", later)).toBe(200);
  expect(await statusFor("192.0.2.7", later)).toBe(403);
});
