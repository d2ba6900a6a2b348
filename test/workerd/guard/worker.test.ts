import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it, onTestFinished, vi } from "vitest";
import guard, { type GuardEnv } from "../../../src/guard/worker.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { anEntry } from "../../support/policy.ts";

/** The binding of the control plane: says that it was asked. */
const CONTROL = { fetch: async () => new Response("control") };
const bindings = (changes: object = {}): GuardEnv =>
  Object.assign(Object.create(null), {
    ORIGIN: env.ORIGIN,
    POLICY: env.TEST_POLICY,
    TRAFFIC: env.TEST_TRAFFIC,
    LIMITER: env.TEST_LIMITER,
    CONTROL,
    ...changes,
  });
const ask = async (path: string, worker: GuardEnv, init?: RequestInit) => {
  const ctx = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(
    `https://shop.example${path}`,
    init as RequestInit<IncomingRequestCfProperties>,
  );
  const response = await guard.fetch(request, worker, ctx);
  return Object.assign(response, { settled: () => waitOnExecutionContext(ctx) });
};

it("serves production through its binding, whatever it answers", async ({ expect }) => {
  const worker = bindings();
  expect(await (await ask("/", worker)).text()).toBe("production");
  expect((await ask("/status/418", worker)).status).toBe(418);
  const echoed = await (await ask("/echo?x=1", worker, { method: "PUT", body: "eggs" })).json();
  expect(echoed).toMatchObject({ method: "PUT", url: "https://shop.example/echo?x=1" });
});

it("hands its own routes to the control plane", async ({ expect }) => {
  expect(await (await ask("/_firebreak/health", bindings())).text()).toBe("control");
});

it("follows the policy of the object named policy, and reports to traffic:0", async ({
  expect,
}) => {
  const policy: PolicyApi = env.TEST_POLICY.getByName("policy");
  const startMs = Date.now();
  const entry = anEntry({ id: "lse_worker", expiresAtMs: startMs + 60_000 });
  /** The location's copy is then older than a poll. */
  const afterPolls = (count: number) => vi.setSystemTime(startMs + count * 6_000);
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());

  await policy.put(entry);
  afterPolls(1);
  const refused = await ask("/", bindings());
  expect(refused.status).toBe(503);
  await refused.settled();
  for (const GUARD of ["off", "OFF", " Off\n"]) {
    expect(await (await ask("/", bindings({ GUARD }))).text()).toBe("production");
  }
  // Nothing else is a way to say so.
  expect((await ask("/", bindings({ GUARD: "on" }))).status).toBe(503);
  await policy.remove(entry.id);
  afterPolls(2);
  expect((await ask("/", bindings())).status).toBe(200);
  const nowSecond = Math.floor(Date.now() / 1_000);
  const { seconds } = await env.TEST_TRAFFIC.getByName("traffic:0").window(60, nowSecond);
  expect(seconds.map(({ refused }) => refused)).toContainEqual({ maintenance: 1 });
});

it.for([
  ["the policy's binding is missing", { POLICY: undefined }],
  ["the counters' binding is missing", { TRAFFIC: undefined }],
  ["the limiter's binding is missing", { LIMITER: undefined }],
  ["the signing keys are garbage", { SIGNING_KEYS: "nonsense" }],
  ["it is switched off and has no policy", { GUARD: "off", POLICY: undefined }],
] as const)("serves production although %s", async ([, changes], { expect }) => {
  expect(await (await ask("/", bindings(changes))).text()).toBe("production");
});

it("counts with the objects named limiter:<n>, and alone where they are not bound", async ({
  expect,
}) => {
  const policy: PolicyApi = env.TEST_POLICY.getByName("policy");
  const entry = anEntry({
    id: "lse_limited",
    kind: "rate-limit",
    match: { routes: ["/limited"] },
    action: { limit: 2, windowMs: 600_000, by: ["route"], accuracy: "strict" },
    expiresAtMs: Date.now() + 600_000,
  });
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  await policy.put(entry);
  onTestFinished(async () => void (await policy.remove(entry.id)));
  const statuses = async (worker: GuardEnv) => {
    const codes: number[] = [];
    for (let n = 0; n < 3; n += 1) codes.push((await ask("/limited", worker)).status);
    return codes;
  };
  expect(await statuses(bindings())).toEqual([200, 200, 429]);
  // Another isolate, and the same count.
  expect(await statuses(bindings())).toEqual([429, 429, 429]);
  expect(await statuses(bindings({ LIMITER: undefined }))).toEqual([200, 200, 429]);
});

it.for([
  ["nothing names production", undefined],
  ["its URL is not one", "shop"],
] as const)("says what to configure when %s", async ([, ORIGIN_URL], { expect }) => {
  const response = await ask("/", bindings({ ORIGIN: undefined, ORIGIN_URL }));
  expect([response.status, await response.text()]).toEqual([
    502,
    expect.stringContaining("bind ORIGIN"),
  ]);
});
