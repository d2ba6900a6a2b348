/** Rate limits from the policy to the answers of real guards, over real `Limiter` objects. */
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { Counters } from "../../../src/guard/limits/counters.ts";
import {
  WAIT_DEADLINE_MS,
  STRICT_DEADLINE_MS,
  type Shard,
} from "../../../src/guard/limits/limiter-link.ts";
import { SHARD_QUIET_MS } from "../../../src/guard/limits/asks.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { limiterName } from "../../../src/limiter/limiter-api.ts";
import { anEntry } from "../../support/policy.ts";
import { guarded } from "./guarded.ts";

/** Long enough that nothing of a quota comes back during a test. */
const ACTION = { name: "api", limit: 20, windowMs: 600_000, by: ["address"], accuracy: "isolate" };
const limit = (action: object = {}, changes: Partial<PolicyEntry> = {}): PolicyEntry =>
  anEntry({
    id: "lse_limit",
    kind: "rate-limit",
    action: { ...ACTION, ...action },
    expiresAtMs: Date.now() + 3_600_000,
    ...changes,
  });

type Client = { readonly address?: string; readonly cf?: object } & RequestInit;
type Options = {
  readonly settings?: Partial<GuardSettings>;
  /** In place of the real objects; null for a deployment that binds none. */
  readonly limiter?: ((name: string) => Shard) | null;
};

/** A site under this policy: as many isolates of it as a test likes, each with counters of its own, over shards of its own. */
function site(entries: readonly PolicyEntry[], { settings = {}, limiter }: Options = {}) {
  const own = crypto.randomUUID();
  const real = (name: string): Shard => env.TEST_LIMITER.getByName(`${own}/${name}`);
  const shardNamed = limiter === undefined ? real : limiter;
  /** Awake: how long a first call takes is the machine's business. */
  const awake = () => Promise.all([0, 1].map((n) => real(limiterName(n)).lease(0, [])));
  const isolate = () => {
    const counters = new Counters({
      shard: shardNamed === null ? null : (n) => shardNamed(limiterName(n)),
      newIsolateId: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
    });
    const guard = guarded(entries, { counters }, { limiterShards: 2, ...settings });
    const ask = (path = "/", { address = "192.0.2.7", ...init }: Client = {}) => {
      const headers = new Headers(init.headers);
      headers.set("cf-connecting-ip", address);
      return guard.ask(path, { ...init, headers });
    };
    return { ...guard, ask };
  };
  return { isolate, awake };
}

const statuses = async (
  ask: (path?: string, client?: Client) => Promise<Response>,
  requests: number,
  client: Client = {},
): Promise<readonly number[]> => {
  const answers = await Promise.all(Array.from({ length: requests }, () => ask("/", client)));
  return answers.map(({ status }) => status);
};
const served = (codes: readonly number[]): number => codes.filter((code) => code === 200).length;

it("serves up to the limit, and then answers 429 with what the draft asks for", async ({
  expect,
}) => {
  const ask = site([limit()]).isolate().ask;
  expect(served(await statuses(ask, 25))).toBe(20);
  const response = await ask("/", { headers: { accept: "application/json" } });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    429,
    "application/problem+json",
  ]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "ratelimit-policy": '"api";q=20;w=600',
    ratelimit: '"api";r=0;t=30',
    "retry-after": "30",
    "cache-control": "no-store",
  });
  expect(await response.json()).toEqual({
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Too many requests",
    status: 429,
    detail: "Too many requests have come from here in a short time.",
    "violated-policies": ["api"],
    retry_after_seconds: 30,
  });
  expect((await ask("/", { address: "192.0.2.8" })).status).toBe(200);
});

describe("the answer, in the language of whoever asked", () => {
  const HTML = "text/html,application/xhtml+xml,*/*;q=0.8";
  it.for([
    ["GET", HTML, "text/html; charset=utf-8"],
    ["GET", "application/json", "application/problem+json"],
    ["HEAD", HTML, "text/html; charset=utf-8"],
    ["HEAD", "application/json", "application/problem+json"],
    ["POST", HTML, "text/html; charset=utf-8"],
    ["POST", "*/*", "application/problem+json"],
    ["OPTIONS", "*/*", "application/problem+json"],
  ] as const)("%s, %s: %s", async ([method, accept, type], { expect }) => {
    const ask = site([limit({ limit: 1, message: "Slower <please>." })]).isolate().ask;
    await ask();
    const response = await ask("/", { method, headers: { accept, origin: "https://app.example" } });
    expect([response.status, response.headers.get("content-type")]).toEqual([429, type]);
    for (const field of ["ratelimit-policy", "ratelimit", "retry-after"]) {
      expect(response.headers.has(field), field).toBe(true);
    }
    expect(response.headers.get("access-control-expose-headers")).toBe(
      "Retry-After, RateLimit-Policy, RateLimit",
    );
    const text = await response.text();
    expect(text === "").toBe(method === "HEAD");
    if (method !== "HEAD")
      expect(text).toContain(
        type.startsWith("text") ? "Slower &lt;please&gt;." : "Slower <please>.",
      );
  });

  it("lets a preflight pass, so that the script can read the refusal that follows", async ({
    expect,
  }) => {
    const ask = site([limit({ limit: 1 })]).isolate().ask;
    await ask();
    const response = await ask("/", {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "PUT" },
    });
    expect([response.status, response.headers.get("retry-after")]).toEqual([204, "600"]);
  });

  it("closes a WebSocket with a code that its script can see", async ({ expect }) => {
    const ask = site([limit({ limit: 1 })]).isolate().ask;
    await ask();
    const { status, webSocket } = await ask("/", { headers: { upgrade: "websocket" } });
    expect(status).toBe(101);
    const closed = new Promise<CloseEvent>((resolve) => {
      webSocket?.addEventListener("close", resolve);
    });
    webSocket?.accept();
    expect(await closed).toMatchObject({ code: 1013, reason: "Too many requests" });
  });
});

it("shares one limit between isolates, and takes back what it lent them", async ({ expect }) => {
  const { isolate, awake } = site([limit({ limit: 100, accuracy: "shared" })]);
  await awake();
  const isolates = [isolate(), isolate()];
  const perTurn: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    let admitted = 0;
    for (const { ask, settled } of isolates) {
      admitted += served(await statuses(ask, 10));
      await settled();
    }
    perTurn.push(admitted);
  }
  const total = perTurn.reduce((sum, admitted) => sum + admitted, 0);
  // What the first and then the second were lent before the shard was heard: half, and a quarter.
  expect(total).toBeGreaterThanOrEqual(95);
  expect(total).toBeLessThanOrEqual(100 + 50 * (1 + 1 / 2));
  expect(perTurn.slice(-3)).toEqual([0, 0, 0]);
});

it("counts exactly where it is strict, however many ask at once of however many isolates", async ({
  expect,
}) => {
  const { isolate, awake } = site([limit({ accuracy: "strict" })]);
  await awake();
  const turns = await Promise.all(
    [isolate(), isolate(), isolate()].map(({ ask }) => statuses(ask, 20)),
  );
  expect(served(turns.flat())).toBe(20);
  expect(turns.flat().filter((status) => status === 429)).toHaveLength(40);
});

it("counts a request once, although its decision also waits for its body", async ({ expect }) => {
  const readOnly = anEntry({ id: "r", kind: "read-only", expiresAtMs: Date.now() + 60_000 });
  const { isolate, awake } = site([limit({ accuracy: "strict", limit: 5 }), readOnly], {
    settings: { graphqlRoutes: ["/graphql"] },
  });
  await awake();
  const { ask } = isolate();
  const query = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ pitches }" }),
  };
  const codes: number[] = [];
  for (let n = 0; n < 7; n += 1) codes.push((await ask("/graphql", query)).status);
  expect(codes).toEqual([200, 200, 200, 200, 200, 429, 429]);
});

describe("a penalty", () => {
  const penalty = { firstMs: 60_000, maxMs: 150_000, forgetMs: 600_000 };
  it("shuts out for a while, twice as long each time up to the most", async ({ expect }) => {
    const startMs = Date.now();
    vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const entry = limit({ limit: 2, windowMs: 10_000, beyond: "block", penalty });
    const { ask } = site([entry]).isolate();
    let nowMs = startMs;
    for (const seconds of [60, 120, 150, 150]) {
      expect(served(await statuses(ask, 2))).toBe(2);
      const response = await ask("/", { headers: { accept: "application/json" } });
      expect([response.status, response.headers.get("retry-after")]).toEqual([
        429,
        String(seconds),
      ]);
      expect(response.headers.get("ratelimit")).toBe(`"api";r=0;t=${seconds}`);
      expect(await response.json()).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
      });
      vi.setSystemTime((nowMs += seconds * 1_000 - 1));
      expect((await ask()).status).toBe(429);
      vi.setSystemTime((nowMs += 1));
    }
  });
});

describe("in shadow", () => {
  it.for(["isolate", "shared", "strict"])(
    "refuses nobody and waits for nobody, and counts whom it would have refused: %s",
    async (accuracy, { expect }) => {
      const { isolate, awake } = site([limit({ accuracy }, { mode: "shadow" })]);
      await awake();
      const { ask, counted, settled } = isolate();
      const shadowed: number[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        expect(served(await statuses(ask, 20))).toBe(20);
        await settled();
        shadowed.push(counted.splice(0).filter(({ shadowedIds }) => shadowedIds.length > 0).length);
      }
      // What is not exact learns of the others' requests a turn late.
      expect(shadowed[0]).toBe(0);
      expect(shadowed[2]).toBe(20);
    },
  );

  it("keeps no request waiting for a shard that hangs", async ({ expect }) => {
    let isAsked = false;
    const hanging = (): Promise<unknown> => {
      isAsked = true;
      return new Promise(() => {});
    };
    const entry = limit({ accuracy: "strict", limit: 1 }, { mode: "shadow" });
    const ask = site([entry], { limiter: () => ({ lease: hanging, take: hanging }) }).isolate().ask;
    await ask();
    const startMs = Date.now();
    expect(served(await statuses(ask, 10))).toBe(10);
    expect([isAsked, Date.now() - startMs < WAIT_DEADLINE_MS]).toEqual([true, true]);
  });
});

const FAULTS: Readonly<Record<string, () => Promise<unknown>>> = {
  errs: () => Promise.reject(new Error("overloaded")),
  throws: () => {
    throw new Error("no such binding");
  },
  hangs: () => new Promise(() => {}),
  "answers garbage": () => Promise.resolve([{ granted: -1, isAdmitted: "maybe" }]),
};

describe.for(Object.entries(FAULTS))("a limiter that %s", ([, answer]) => {
  const limiter = () => ({ lease: answer, take: answer });
  it.for([
    ["shared", WAIT_DEADLINE_MS],
    ["strict", STRICT_DEADLINE_MS],
  ] as const)(
    "fails open, %s: production is served within the deadline",
    async ([accuracy, deadlineMs], { expect }) => {
      const ask = site([limit({ accuracy, limit: 10 }, { fail: "open" })], { limiter }).isolate()
        .ask;
      await ask("/", { address: "198.51.100.1" });
      const startMs = Date.now();
      const codes = await statuses(ask, 30);
      expect(Date.now() - startMs).toBeLessThan(deadlineMs + 400);
      // It counts alone then; what it was just reporting it counts again only when that has failed.
      expect(served(codes)).toBeLessThanOrEqual(11);
      expect(served(codes)).toBeGreaterThanOrEqual(9);
      expect(codes.every((code) => code === 200 || code === 429)).toBe(true);
    },
  );

  it.for(["shared", "strict"] as const)(
    "fails closed, %s: 503 with a time to come again",
    async (accuracy, { expect }) => {
      const ask = site([limit({ accuracy }, { fail: "closed" })], { limiter }).isolate().ask;
      const codes = await statuses(ask, 30);
      expect(codes.filter((code) => code === 503).length).toBeGreaterThanOrEqual(29);
      const response = await ask("/", { headers: { accept: "application/json" } });
      expect(response.status).toBe(503);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "retry-after": String(SHARD_QUIET_MS / 1_000),
        "ratelimit-policy": '"api";q=20;w=600',
        ratelimit: '"api";r=0;t=1',
      });
      expect(await response.json()).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
        detail: "This request cannot be handled safely at the moment. Please try again shortly.",
      });
      // Who is under no such limit is not concerned.
      const other = site([limit({ accuracy }, { fail: "closed", match: { routes: ["/pay"] } })], {
        limiter,
      });
      expect((await other.isolate().ask("/")).status).toBe(200);
    },
  );
});

it.for(["shared", "strict"])(
  "counts in each isolate alone where no limiter is bound, also what fails closed: %s",
  async (accuracy, { expect }) => {
    const { isolate } = site([limit({ accuracy }, { fail: "closed" })], { limiter: null });
    expect(served(await statuses(isolate().ask, 30))).toBe(20);
    expect(served(await statuses(isolate().ask, 30))).toBe(20);
  },
);

describe("production's answers say what is left, where the limit announces it", () => {
  it.for(["isolate", "shared", "strict"])("%s", async (accuracy, { expect }) => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const { isolate, awake } = site([limit({ accuracy, announce: true })]);
    await awake();
    const { ask, settled } = isolate();
    for (const left of [19, 18, 17]) {
      const response = await ask();
      expect(await response.text()).toBe("production");
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "ratelimit-policy": '"api";q=20;w=600',
        ratelimit: `"api";r=${left};t=${(20 - left) * 30}`,
      });
      await settled();
    }
  });

  it("and nowhere else", async ({ expect }) => {
    const { headers } = await site([limit()]).isolate().ask();
    expect([headers.has("ratelimit"), headers.has("ratelimit-policy")]).toEqual([false, false]);
  });
});

describe("who is who, with a full request.cf and with an empty one", () => {
  const full = {
    asn: 64_496,
    country: "NL",
    colo: "AMS",
    botManagement: { verifiedBot: false, ja4: "t13d1516h2_8daaf6152771_b0da82dd1658" },
  };
  const one = { address: "2001:db8:1:2::1" };
  it.for([
    ["address", "address", one, { address: "2001:db8:1:2:ffff::9" }, true, true],
    ["another address", "address", one, { address: "2001:db8:1:3::1" }, false, false],
    ["network", "network", one, { address: "2001:db8:1:ffff::1" }, true, true],
    ["operator", "asn", one, { address: "192.0.2.9" }, true, false],
    ["country", "country", one, { address: "192.0.2.9" }, true, false],
    ["handshake", "ja4", one, { address: "192.0.2.9" }, true, false],
  ] as const)("%s", async ([, part, first, second, isOneWhenFull, isOneWhenEmpty], { expect }) => {
    for (const [cf, isOne] of [
      [full, isOneWhenFull],
      [{}, isOneWhenEmpty],
    ] as const) {
      const ask = site([limit({ limit: 1, by: [part] })]).isolate().ask;
      expect((await ask("/", { ...first, cf })).status).toBe(200);
      expect((await ask("/", { ...second, cf })).status).toBe(isOne ? 429 : 200);
    }
  });

  it("spares a verified bot by the platform's word, and by nothing that it says itself", async ({
    expect,
  }) => {
    const bot = { ...full, botManagement: { verifiedBot: true } };
    const claims = { headers: { "user-agent": "Googlebot/2.1", "x-forwarded-for": "203.0.113.9" } };
    const spared = site([limit({ limit: 1 })]).isolate().ask;
    expect(await statuses(spared, 3, { cf: bot })).toEqual([200, 200, 200]);
    const claiming = site([limit({ limit: 1 })]).isolate().ask;
    expect(await statuses(claiming, 3, { cf: {}, ...claims })).toEqual([200, 429, 429]);
  });

  it("counts sessions by the header that the limit names", async ({ expect }) => {
    const entry = limit({ limit: 1, by: ["session"], session: { header: "x-api-key" } });
    const ask = site([entry]).isolate().ask;
    const by = (key: string, address: string) =>
      ask("/", { address, headers: { "x-api-key": key } });
    expect((await by("k1", "192.0.2.1")).status).toBe(200);
    expect((await by("k1", "192.0.2.2")).status).toBe(429);
    expect((await by("k2", "192.0.2.1")).status).toBe(200);
    expect(await statuses(ask, 3)).toEqual([200, 200, 200]);
  });
});
