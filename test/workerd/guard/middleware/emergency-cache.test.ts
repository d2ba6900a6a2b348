import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { describe, it, onTestFinished, vi } from "vitest";
import {
  emergencyCache,
  type EmergencyCacheOptions,
} from "../../../../src/guard/middleware/emergency-cache.ts";

const ON = { isOn: () => true, publicRoutes: ["/*"] };

/** An app on a host of its own, whose copies are therefore its own too. */
function appWith(options: EmergencyCacheOptions, failsFrom = Infinity) {
  const host = `${crypto.randomUUID()}.example`;
  let runs = 0;
  const app = new Hono().use(emergencyCache(options)).all("*", (c) => {
    runs += 1;
    return c.text(`run ${runs}`, runs < failsFrom ? 200 : 500);
  });
  return async function ask(path: string, init?: RequestInit): Promise<string> {
    const ctx = createExecutionContext();
    const response = await app.fetch(new Request(`https://${host}${path}`, init), {}, ctx);
    const text = await response.text();
    await waitOnExecutionContext(ctx);
    return `${response.status} ${text}`;
  };
}

it("answers from copies while it is on, and when the app fails", async ({ expect }) => {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const ask = appWith({ ...ON, freshSeconds: 10 }, 2);
  expect(await ask("/a")).toBe("200 run 1");
  expect(await ask("/a")).toBe("200 run 1");
  vi.setSystemTime(startMs + 20_000);
  expect(await ask("/a")).toBe("200 run 1");
  expect(await ask("/b")).toBe("500 run 3");
});

it.for([
  ["it is off", { ...ON, isOn: () => false }, {}],
  ["its switch cannot be read", { ...ON, isOn: () => Promise.reject(new Error("kv")) }, {}],
  ["the route is another", { ...ON, routes: ["/b"] }, {}],
  ["nothing calls the answer public", { isOn: ON.isOn }, {}],
  ["the visitor is signed in", ON, { cookie: "session=1" }],
] satisfies [string, EmergencyCacheOptions, Record<string, string>][])(
  "asks the app each time when %s",
  async ([, options, headers], { expect }) => {
    const ask = appWith(options);
    expect(await ask("/a", { headers })).toBe("200 run 1");
    expect(await ask("/a", { headers })).toBe("200 run 2");
  },
);

it("knows what the app calls harmless", async ({ expect }) => {
  const ask = appWith({ ...ON, harmlessCookies: ["theme"], harmlessHeaders: ["X-App"] });
  await ask("/a");
  expect(await ask("/a", { headers: { cookie: "theme=dark", "x-app": "3" } })).toBe("200 run 1");
});

describe("options that are wrong are refused when the app starts", () => {
  it.for([
    ["a route without a slash", { publicRoutes: ["a"] }],
    ["no time at all", { freshSeconds: 0 }],
    ["an unknown option", { fresh: "5m" }],
  ] as const)("%s", ([, options], { expect }) => {
    const given = JSON.parse(JSON.stringify(options));
    expect(() => emergencyCache({ ...ON, ...given })).toThrow();
  });
});
