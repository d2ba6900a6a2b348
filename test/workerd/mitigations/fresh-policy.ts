/** What actuators reach in these tests: a real policy object of their own, or one that does not answer. */
import { env } from "cloudflare:workers";
import type { Failure } from "../../../src/incidents/journal.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { err, ok, type Result } from "../../../src/shared/result.ts";
import { TEST_INSTANCE } from "../entry.ts";

const NOBODY: Failure = { class: "unknown_outcome", detail: "the policy object did not answer" };
export const nobodyAnswers = async (): Promise<Result<never, Failure>> => err(NOBODY);

export const freshPolicy = () => {
  const stub = env.TEST_POLICY.getByName(crypto.randomUUID());
  const policy: PolicyApi = stub;
  return { stub, policy, reach: reachOf(policy) };
};

export const reachOf = (policy: PolicyApi): Reach => ({
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
});
