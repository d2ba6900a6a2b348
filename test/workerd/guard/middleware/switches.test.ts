import { Hono } from "hono";
import { describe, it } from "vitest";
import { maintenanceMode } from "../../../../src/guard/middleware/maintenance-mode.ts";
import { readOnly } from "../../../../src/guard/middleware/read-only.ts";
import type { SwitchOptions } from "../../../../src/guard/middleware/switched.ts";

const app = (middleware: typeof maintenanceMode | typeof readOnly, options: SwitchOptions) =>
  new Hono().use(middleware(options)).all("*", (c) => c.text("production"));
const on = { isOn: () => true };

type Row = readonly [
  name: string,
  middleware: typeof maintenanceMode | typeof readOnly,
  options: SwitchOptions,
  method: string,
  path: string,
  status: number,
];
const ROWS: readonly Row[] = [
  ["maintenance, on", maintenanceMode, on, "GET", "/", 503],
  ["maintenance, off", maintenanceMode, { isOn: () => false }, "GET", "/", 200],
  ["maintenance, on by promise", maintenanceMode, { isOn: async () => true }, "GET", "/", 503],
  [
    "maintenance, exempt",
    maintenanceMode,
    { ...on, exempt: ["/hooks/*"] },
    "POST",
    "/hooks/a",
    200,
  ],
  [
    "maintenance, exempt by trick",
    maintenanceMode,
    { ...on, exempt: ["/hooks/*"] },
    "POST",
    "/hooks/..%2fadmin",
    503,
  ],
  ["read-only, a read", readOnly, on, "GET", "/", 200],
  ["read-only, a write", readOnly, on, "POST", "/", 503],
  ["read-only, an exempt write", readOnly, { ...on, exempt: ["/login"] }, "POST", "/login", 200],
  [
    "a switch that cannot be read",
    maintenanceMode,
    { isOn: () => Promise.reject(new Error("kv")) },
    "GET",
    "/",
    200,
  ],
];

it.for(ROWS)("%s", async ([, middleware, options, method, path, status], { expect }) => {
  const response = await app(middleware, options).request(path, { method });
  expect(response.status).toBe(status);
});

it("speaks with the app's words", async ({ expect }) => {
  const words = {
    title: "The Shop",
    message: "Back at six.",
    contact: "https://shop.example/help",
  };
  const response = await app(maintenanceMode, { ...on, ...words, retryAfterSeconds: 90 }).request(
    "/",
    { headers: { accept: "text/html" } },
  );
  expect(response.headers.get("retry-after")).toBe("90");
  const page = await response.text();
  for (const word of Object.values(words)) expect(page).toContain(word);
});

it("serves GraphQL queries in read-only, and leaves the body to the app", async ({ expect }) => {
  const graphql = new Hono()
    .use(readOnly({ ...on, graphqlRoutes: ["/graphql"] }))
    .post("/graphql", async (c) => c.text((await c.req.json<{ query: string }>()).query));
  const ask = (query: string) =>
    graphql.request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
  expect(await (await ask("{ pitches }")).text()).toBe("{ pitches }");
  expect((await ask("mutation { pay }")).status).toBe(503);
});

const posting = (body: BodyInit): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body,
});
const inReadOnly = readOnly({ ...on, graphqlRoutes: ["/graphql"] });

it("takes for a write what somebody has read before it", async ({ expect }) => {
  const read = new Hono()
    .use(async (c, next) => {
      await c.req.raw.text();
      await next();
    })
    .use(inReadOnly)
    .all("*", (c) => c.text("production"));
  expect((await read.request("/graphql", posting('{"query":"{ a }"}'))).status).toBe(503);
});

it("leaves it to the app when a body breaks while it is read", async ({ expect }) => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  const graphql = new Hono().use(inReadOnly).all("*", (c) => c.text("production"));
  expect(await (await graphql.request("/graphql", posting(broken))).text()).toBe("production");
});

describe("options that are wrong are refused when the app starts", () => {
  it.for([
    ["a route without a slash", { exempt: ["hooks/*"] }],
    ["an empty title", { title: "" }],
    ["a negative wait", { retryAfterSeconds: -1 }],
    ["an unknown option", { retryAfter: 5 }],
  ] as const)("%s", ([, options], { expect }) => {
    const given = JSON.parse(JSON.stringify(options));
    expect(() => maintenanceMode({ ...on, ...given })).toThrow();
  });
});
