/** Who is challenged, what they are told, and what lets them through. */
import { describe, it } from "vitest";
import { Challenges } from "../../../../src/guard/challenge/challenges.ts";
import { CLEARANCE_COOKIE } from "../../../../src/guard/signed.ts";
import { aSettings } from "../../../support/policy.ts";
import { covering, caching } from "../covering.ts";
import { KEY, token } from "../guarded.ts";
import { challenged, challenging, cookieOf, EASY, HTML } from "./challenging.ts";

const page = "text/html; charset=utf-8";
const problem = "application/problem+json";
const JSON_FIRST = "application/json";

describe("method × accept × cleared", () => {
  const NAVIGATE = { accept: HTML, "sec-fetch-mode": "navigate" };
  it.for([
    ["GET", NAVIGATE, page],
    ["HEAD", NAVIGATE, page],
    ["GET", { accept: HTML }, page],
    ["GET", { accept: HTML, "sec-fetch-mode": "cors" }, problem],
    ["GET", { accept: "image/avif,image/*;q=0.8", "sec-fetch-mode": "no-cors" }, problem],
    ["GET", { accept: JSON_FIRST }, problem],
    ["GET", { accept: "*/*" }, problem],
    ["GET", {}, problem],
    ["HEAD", { accept: JSON_FIRST }, problem],
    ["POST", NAVIGATE, problem],
    ["POST", { accept: JSON_FIRST }, problem],
    ["PUT", NAVIGATE, problem],
    ["PATCH", NAVIGATE, problem],
    ["DELETE", NAVIGATE, problem],
    ["OPTIONS", NAVIGATE, problem],
    ["OPTIONS", { accept: "*/*", origin: "https://app.example" }, problem],
  ] as const)(
    "%s %o: %s, and production once cleared",
    async ([method, headers, type], { expect }) => {
      const guard = challenged();
      const refused = await guard.ask("/cart", { method, headers });
      expect(refused.status).toBe(403);
      expect(refused.headers.get("content-type")).toBe(type);
      expect(refused.headers.get("cache-control")).toBe("no-store");
      expect(refused.headers.has("set-cookie")).toBe(false);
      expect((await refused.text()) === "").toBe(method === "HEAD");
      expect(guard.calls).toEqual([]);

      const cookie = await guard.cookie();
      const served = await guard.ask("/cart", { method, headers: { ...headers, cookie } });
      expect(served.status).toBe(200);
      expect(guard.calls.map((call) => call.method)).toEqual([method]);
      expect(guard.faults).toEqual([]);
    },
  );

  it("tells programs how to get clearance", async ({ expect }) => {
    const guard = challenged();
    const refused = await guard.ask("/cart");
    expect(await refused.json()).toMatchObject({
      type: "/_firebreak/problems/challenge",
      status: 403,
      detail: expect.stringContaining(CLEARANCE_COOKIE),
      puzzle: "/_firebreak/challenge/puzzle?difficulty=8",
      redeem: "/_firebreak/challenge/redeem",
    });
    expect(refused.headers.has("retry-after")).toBe(false);
  });

  it.for([
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/json",
    "application/graphql",
    "application/octet-stream",
    "text/html",
    "nonsense",
    "",
  ])(
    "a POST of %s never reaches production, and is never answered with a page",
    async (type, { expect }) => {
      const guard = challenged();
      const headers = { accept: HTML, "sec-fetch-mode": "navigate", "content-type": type };
      const refused = await guard.ask("/pay", { method: "POST", headers, body: "amount=1" });
      expect(refused.status).toBe(403);
      expect(refused.headers.get("content-type")).toBe(problem);
      expect(guard.calls).toEqual([]);
    },
  );

  it("closes a WebSocket with a code that scripts can read", async ({ expect }) => {
    const guard = challenged();
    const response = await guard.ask("/live", { headers: { upgrade: "websocket" } });
    expect(response.status).toBe(101);
    const closed = Promise.withResolvers<CloseEvent>();
    response.webSocket?.addEventListener("close", closed.resolve);
    response.webSocket?.accept();
    expect((await closed.promise).code).toBe(1008);
    expect(guard.calls).toEqual([]);
  });

  it("lets production answer preflights, which cannot show a cookie", async ({ expect }) => {
    const guard = challenged();
    const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
    expect((await guard.ask("/api", { method: "OPTIONS", headers })).status).toBe(200);
    const refused = await guard.ask("/api", {
      method: "POST",
      headers: { origin: headers.origin },
    });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("access-control-allow-origin")).toBe(headers.origin);
    expect(guard.calls.map(({ method }) => method)).toEqual(["OPTIONS"]);
  });
});

const FULL_CF = {
  asn: 64_496,
  country: "XX",
  colo: "AMS",
  botManagement: { verifiedBot: true, score: 1 },
};
const ME = { "cf-connecting-ip": "192.0.2.7" };

describe("who is spared", () => {
  it.for([
    ["a verified bot", {}, { cf: FULL_CF }, 200],
    [
      "a verified bot, where the site does not spare them",
      { verifiedBots: false },
      { cf: FULL_CF },
      403,
    ],
    ["a bot that only says so", {}, { headers: { "user-agent": "Googlebot/2.1" } }, 403],
    ["a bot with an empty cf", {}, { cf: {} }, 403],
    ["a bot with no bot management", {}, { cf: { asn: 15_169, country: "US" } }, 403],
  ] as const)("%s", async ([, classes, init, status], { expect }) => {
    const protectedClasses = { ...aSettings().protectedClasses, ...classes };
    const guard = challenged([challenging()], {}, { protectedClasses });
    const response = await guard.ask("/", {
      ...init,
      headers: { ...ME, ...("headers" in init ? init.headers : {}) },
    } as RequestInit);
    expect(response.status).toBe(status);
  });

  it.for([{ cf: { ...FULL_CF, botManagement: { verifiedBot: false, score: 1 } } }, { cf: {} }, {}])(
    "a probe of ours, with %o",
    async (init, { expect }) => {
      const { ask } = challenged();
      const headers = { "x-firebreak-probe": await token("probe", "monitor") };
      expect((await ask("/", { ...init, headers } as RequestInit)).status).toBe(200);
      expect(
        (await ask("/", { ...init, headers: { "x-firebreak-probe": "no" } } as RequestInit)).status,
      ).toBe(403);
    },
  );

  it("an operator with a bypass", async ({ expect }) => {
    const { ask } = challenged();
    expect(
      (await ask("/", { headers: { "x-firebreak-bypass": await token("bypass") } })).status,
    ).toBe(200);
  });

  it("where payment providers deliver, by any method, and nowhere that only looks like it", async ({
    expect,
  }) => {
    const protectedClasses = { ...aSettings().protectedClasses, webhookRoutes: ["/webhooks/*"] };
    const { ask } = challenged([challenging()], {}, { protectedClasses });
    expect((await ask("/webhooks/stripe", { method: "POST", body: "{}" })).status).toBe(200);
    for (const path of ["/webhooks/..%2fcart", "/webhooks/..;/cart", "/webhooksx"]) {
      expect((await ask(path, { method: "POST" })).status).toBe(403);
    }
  });

  it("the site's allowlist, whether or not anybody is blocked", async ({ expect }) => {
    const { ask } = challenged([challenging()], {}, { allowlist: ["192.0.2.0/28"] });
    expect((await ask("/", { headers: ME })).status).toBe(200);
    expect((await ask("/", { headers: { "cf-connecting-ip": "192.0.2.70" } })).status).toBe(403);
  });

  it("our own paths", async ({ expect }) => {
    const { ask } = challenged();
    expect(await (await ask("/_firebreak/status")).text()).toBe("own");
  });
});

describe("whom an entry means", () => {
  const named = {
    networks: ["192.0.2.0/24"],
    asns: [64_496],
    countries: ["XX"],
    routes: ["/sign-in"],
  };
  it.for([
    ["a network of it", ME, {}, "/sign-in", 403],
    ["an operator of it", {}, { cf: { asn: 64_496 } }, "/sign-in", 403],
    ["a country of it", {}, { cf: { country: "XX" } }, "/sign-in", 403],
    [
      "somebody else",
      { "cf-connecting-ip": "198.51.100.7" },
      { cf: { asn: 1, country: "NL" } },
      "/sign-in",
      200,
    ],
    [
      "somebody else, with an empty cf",
      { "cf-connecting-ip": "198.51.100.7" },
      { cf: {} },
      "/sign-in",
      200,
    ],
    ["another route", ME, {}, "/", 200],
  ] as const)("%s", async ([, headers, init, path, status], { expect }) => {
    const { ask } = challenged([challenging({ match: named })]);
    expect((await ask(path, { ...init, headers } as RequestInit)).status).toBe(status);
  });

  it("stands beside entries for everyone, and beside blocks", async ({ expect }) => {
    const block = challenging({
      id: "b",
      kind: "block-networks",
      match: { networks: ["192.0.2.7"] },
      action: {},
    });
    const { ask, counted } = challenged([
      block,
      challenging({ match: { routes: ["/a"] } }),
      challenging({ id: "n", match: { networks: ["198.51.100.0/24"] } }),
    ]);
    await ask("/", { headers: ME });
    await ask("/a", { headers: { "cf-connecting-ip": "203.0.113.1" } });
    await ask("/", { headers: { "cf-connecting-ip": "198.51.100.1" } });
    await ask("/", { headers: { "cf-connecting-ip": "203.0.113.1" } });
    expect(
      counted.map(({ outcome }) => ("reason" in outcome ? outcome.reason : outcome.kind)),
    ).toEqual(["blocked", "challenged", "challenged", "served"]);
  });

  it("in shadow touches nobody, and counts whom it would have", async ({ expect }) => {
    const { ask, counted, challenged: events } = challenged([challenging({ mode: "shadow" })]);
    expect((await ask("/", { headers: { accept: HTML } })).status).toBe(200);
    expect(counted).toMatchObject([
      { outcome: { kind: "served" }, shadowedIds: ["lse_challenge"] },
    ]);
    expect(events).toEqual([]);
  });
});

describe("without a signing key", () => {
  const keyless = {
    challenges: new Challenges({ keys: [], turnstile: null, takeOnce: null }),
    keys: [],
  };
  it("serves where the entry fails open, and counts it", async ({ expect }) => {
    const { ask, challenged: events, counted } = challenged([challenging()], keyless);
    expect((await ask("/", { headers: { accept: HTML } })).status).toBe(200);
    expect(events).toEqual(["unenforced"]);
    expect(counted).toMatchObject([{ outcome: { kind: "served" } }]);
  });

  it("refuses where it fails closed, although another fails open", async ({ expect }) => {
    const entries = [challenging({ id: "open" }), challenging({ id: "closed", fail: "closed" })];
    const { ask, calls, counted } = challenged(entries, keyless);
    const refused = await ask("/", { headers: { accept: HTML } });
    expect([refused.status, (await refused.json<{ type: string }>()).type]).toEqual([
      503,
      "/_firebreak/problems/challenge-unavailable",
    ]);
    expect(calls).toEqual([]);
    expect(counted).toMatchObject([{ outcome: { reason: "challenge_unavailable" } }]);
  });

  it("has nothing to redeem", async ({ expect }) => {
    const { redeem } = challenged([], keyless);
    expect((await redeem({ challenge: "x" })).status).toBe(503);
  });
});

describe("after a fault of the guard's own", () => {
  const broken = {
    snapshots: {
      current: async () => Promise.reject(new Error("broken")),
      peek: (): never => {
        throw new Error("broken");
      },
    },
  };
  it("serves production", async ({ expect }) => {
    const { ask } = challenged([challenging({ fail: "closed" })], broken);
    expect((await ask("/")).status).toBe(200);
  });

  it.for([
    ["for everyone, closed", { fail: "closed" }, 503],
    ["for everyone, open", {}, 200],
    ["for some clients, closed", { fail: "closed", match: { networks: ["192.0.2.7"] } }, 200],
  ] as const)("%s", async ([, changes, status], { expect }) => {
    const entry = challenging(changes);
    const { deps } = challenged([entry]);
    const faulty = {
      snapshots: { ...deps.snapshots, current: async () => Promise.reject(new Error("broken")) },
    };
    const { ask } = challenged([entry], faulty);
    expect((await ask("/", { headers: ME })).status).toBe(status);
  });
});

it("production never sees the cookie, valid or not", async ({ expect }) => {
  const guard = challenged();
  const cookie = await guard.cookie();
  await guard.ask("/", { headers: { cookie: `theme=dark; ${cookie}; cart=3` } });
  await guard.ask("/", { headers: { cookie } });
  const open = challenged([]);
  await open.ask("/", { headers: { cookie: `${CLEARANCE_COOKIE}=garbage; theme=dark` } });
  const seen = [...guard.calls, ...open.calls].map(({ headers }) => headers.get("cookie"));
  expect(seen).toEqual(["theme=dark; cart=3", null, "theme=dark"]);
});

it("a cleared visitor still shares the emergency cache", async ({ expect }) => {
  const { cookie } = challenged();
  const clearance = await cookie();
  const cached = covering(undefined, [caching(), challenging()], {
    challenges: new Challenges({ keys: [KEY], turnstile: null, takeOnce: null }),
  });
  const ask = () => cached.text("/pitches", { headers: { cookie: clearance } });
  expect([await ask(), await ask(), cached.asked()]).toEqual(["answer 1", "answer 1", 1]);
});

it("maintenance comes after it: who paid is told of it, who did not is challenged", async ({
  expect,
}) => {
  const guard = challenged([
    challenging(),
    challenging({ id: "m", kind: "maintenance", action: {} }),
  ]);
  const cookie = await guard.cookie();
  expect((await guard.navigate("/")).status).toBe(403);
  expect((await guard.navigate("/", { cookie })).status).toBe(503);
});

it.for([
  ["too easy", { action: { ...EASY, difficulty: 7 } }],
  ["too hard", { action: { ...EASY, difficulty: 19 } }],
  ["a word of a later version", { match: { moonphase: "full" } }],
  ["another provider", { action: { provider: "acme" } }],
] as const)(
  "leaves alone and counts an entry that it does not understand: %s",
  async ([, changes], { expect }) => {
    const { ask, counted } = challenged([challenging(changes)]);
    expect((await ask("/")).status).toBe(200);
    expect(counted).toMatchObject([{ unknownEntries: 1 }]);
  },
);

it("the page says what it is, loads nothing, and is never framed or kept", async ({ expect }) => {
  const guard = challenged([challenging({ action: { ...EASY, message: "<b>Busy</b>" } })]);
  const response = await guard.navigate('/?q="><script>alert(1)</script>');
  const text = await response.text();
  expect(text).toContain("&lt;b&gt;Busy&lt;/b&gt;");
  expect(text).not.toContain("<script>");
  expect(text).not.toMatch(/(?:src|href)="(?!\/|mailto:)/);
  const policy = response.headers.get("content-security-policy") ?? "";
  const nonce = /script-src 'nonce-([\w-]{22})'/.exec(policy)?.[1] ?? "none";
  expect(text).toContain(`<script nonce="${nonce}">`);
  expect(policy).not.toContain("unsafe");
  expect(policy).toContain("frame-ancestors 'none'");
  const again = await guard.navigate("/");
  expect(again.headers.get("content-security-policy")).not.toBe(policy);
  expect(cookieOf(response)).toBe("");
});
