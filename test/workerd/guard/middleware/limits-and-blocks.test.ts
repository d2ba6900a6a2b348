import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, it } from "vitest";
import {
  blockNetworks,
  type BlockNetworksOptions,
} from "../../../../src/guard/middleware/block-networks.ts";
import { rateLimit, type RateLimitOptions } from "../../../../src/guard/middleware/rate-limit.ts";

type Bindings = { readonly site: string };
type Middleware = ReturnType<typeof rateLimit<Bindings>> | ReturnType<typeof blockNetworks>;

function app(middleware: Middleware, bindings: Bindings = { site: crypto.randomUUID() }) {
  const hono = new Hono<{ Bindings: Bindings }>()
    .use(middleware)
    .all("*", (c) => c.text("production", 200, { "set-cookie": "a=1" }));
  return async (path = "/", init: RequestInit = {}, address = "192.0.2.7") => {
    const ctx = createExecutionContext();
    const headers = new Headers(init.headers);
    headers.set("cf-connecting-ip", address);
    const request = new Request(`https://shop.example${path}`, { ...init, headers });
    const response = await hono.fetch(request, bindings, ctx);
    await waitOnExecutionContext(ctx);
    return response;
  };
}

const AT_CLOUDFLARE = { clientAddress: "cloudflare" } as const;
const limited = (options: Partial<RateLimitOptions<Bindings>>) =>
  app(rateLimit<Bindings>({ ...AT_CLOUDFLARE, ...options }));

describe("rateLimit()", () => {
  it("is 50 in 60 seconds for each address, unless told otherwise", async ({ expect }) => {
    const ask = limited({});
    const codes: number[] = [];
    for (let n = 0; n < 51; n += 1) codes.push((await ask()).status);
    expect([codes.indexOf(429), codes[50]]).toEqual([50, 429]);
    expect((await ask("/", {}, "192.0.2.8")).status).toBe(200);
  });

  it("answers with the fields, in the app's words", async ({ expect }) => {
    const ask = limited({
      limit: 1,
      window: "10m",
      name: "api",
      message: "Slower.",
      title: "The Shop",
    });
    const first = await ask();
    expect([first.headers.has("ratelimit"), first.headers.get("set-cookie")]).toEqual([
      false,
      "a=1",
    ]);
    const refused = await ask("/", { headers: { accept: "application/json" } });
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      "ratelimit-policy": '"api";q=1;w=600',
      ratelimit: '"api";r=0;t=600',
      "retry-after": "600",
    });
    expect(await refused.json()).toMatchObject({ detail: "Slower.", "violated-policies": ["api"] });
  });

  it("says what is left in the app's own answers, if it is to", async ({ expect }) => {
    const response = await limited({ limit: 5, window: "10m", announce: true })();
    expect(await response.text()).toBe("production");
    expect(response.headers.get("ratelimit")).toBe('"requests";r=4;t=120');
    expect(response.headers.get("set-cookie")).toBe("a=1");
  });

  it.for([
    ["another route", { routes: ["/sign-in"] }, "/", {}, [200, 200]],
    ["its route", { routes: ["/sign-in"] }, "/sign-in", {}, [200, 429]],
    ["another method", { methods: ["POST"] }, "/", {}, [200, 200]],
    ["the allowlist", { allowlist: ["192.0.2.0/24"] }, "/", {}, [200, 200]],
    ["no address known", { clientAddress: "none" }, "/", {}, [200, 200]],
    [
      "a session",
      { by: ["session"], session: { header: "x-api-key" } },
      "/",
      { headers: { "x-api-key": "k" } },
      [200, 429],
    ],
  ] as const)("%s", async ([, options, path, init, expected], { expect }) => {
    const ask = limited({
      limit: 1,
      window: "10m",
      ...(JSON.parse(JSON.stringify(options)) as object),
    });
    const codes = [(await ask(path, init)).status, (await ask(path, init)).status];
    expect(codes).toEqual(expected);
  });

  it("shares its count with other isolates where an object is bound", async ({ expect }) => {
    const options: RateLimitOptions<Bindings> = {
      ...AT_CLOUDFLARE,
      limit: 3,
      window: "10m",
      accuracy: "strict",
      limiter: ({ site }, name) => env.TEST_LIMITER.getByName(`${site}/${name}`),
    };
    const bindings = { site: crypto.randomUUID() };
    const isolates = [0, 1].map(() => app(rateLimit<Bindings>(options), bindings));
    const codes: number[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      for (const ask of isolates) codes.push((await ask()).status);
    }
    expect(codes).toEqual([200, 200, 200, 429]);
  });

  it.for([
    ["open", 200],
    ["closed", 503],
  ] as const)("fails %s when its object does", async ([fail, status], { expect }) => {
    const broken = () => Promise.reject(new Error("overloaded"));
    const limiter = () => ({ lease: broken, take: broken });
    const ask = limited({ accuracy: "strict", fail, limiter });
    expect((await ask()).status).toBe(status);
  });

  it.for([
    ["a limit of none", { limit: 0 }],
    ["a window of a year", { window: "365d" }],
    ["an unknown option", { max: 5 }],
    ["a network that is none", { allowlist: ["everyone"] }],
  ] as const)("refuses at construction: %s", ([, options], { expect }) => {
    const given = JSON.parse(JSON.stringify({ ...AT_CLOUDFLARE, ...options }));
    expect(() => rateLimit(given)).toThrow();
  });

  it("believes no header until the app says which", async ({ expect }) => {
    expect(() => rateLimit(JSON.parse("{}"))).toThrow("write clientAddress");
    const ask = limited({ limit: 1, clientAddress: { header: "x-real-ip" } });
    const asked = (realIp: string, claimed: string) =>
      ask("/", { headers: { "x-real-ip": realIp } }, claimed);
    expect((await asked("198.51.100.7", "192.0.2.7")).status).toBe(200);
    expect((await asked("198.51.100.7", "192.0.2.8")).status).toBe(429);
    expect((await asked("198.51.100.8", "192.0.2.7")).status).toBe(200);
  });
});

describe("blockNetworks()", () => {
  const blocked = (options: Omit<BlockNetworksOptions, "clientAddress">) =>
    app(blockNetworks({ ...AT_CLOUDFLARE, ...options }));
  it.for([
    ["in the network", { networks: ["192.0.2.0/24"] }, "192.0.2.7", 403],
    ["in it, in another spelling", { networks: ["192.0.2.0/24"] }, "::ffff:192.0.2.7", 403],
    ["outside", { networks: ["192.0.2.0/24"] }, "198.51.100.7", 200],
    ["allowed", { networks: ["192.0.2.7"], allowlist: ["192.0.2.0/24"] }, "192.0.2.7", 200],
    ["on another route", { networks: ["192.0.2.7"], routes: ["/pay"] }, "192.0.2.7", 200],
    ["no address known", { networks: ["192.0.2.7"], clientAddress: "none" }, "192.0.2.7", 200],
  ] as const)("%s", async ([, options, address, status], { expect }) => {
    const ask = blocked(JSON.parse(JSON.stringify(options)));
    expect((await ask("/", {}, address)).status).toBe(status);
  });

  it("blocks by operator where request.cf names one, and nobody where it is empty", async ({
    expect,
  }) => {
    const ask = blocked({ asns: [64_496] });
    expect((await ask("/", { cf: { asn: 64_496 } })).status).toBe(403);
    expect((await ask("/", { cf: {} })).status).toBe(200);
  });

  it("blocks nobody while its switch is off, or cannot be read", async ({ expect }) => {
    const networks = ["192.0.2.7"];
    expect((await blocked({ networks, isOn: () => false })()).status).toBe(200);
    expect(
      (await blocked({ networks, isOn: () => Promise.reject(new Error("kv")) })()).status,
    ).toBe(200);
  });

  it.for([
    ["nobody named", {}],
    ["a network that is none", { networks: ["192.0.2.7/24"] }],
    ["an unknown option", { networks: ["192.0.2.7"], network: "192.0.2.8" }],
  ] as const)("refuses at construction: %s", ([, options], { expect }) => {
    const given = JSON.parse(JSON.stringify({ ...AT_CLOUDFLARE, ...options }));
    expect(() => blockNetworks(given)).toThrow();
  });

  it("believes no header until the app says which", ({ expect }) => {
    const networks = ["192.0.2.7"];
    expect(() => blockNetworks(JSON.parse(JSON.stringify({ networks })))).toThrow(
      "write clientAddress",
    );
  });
});
