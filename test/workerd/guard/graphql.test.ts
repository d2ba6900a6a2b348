import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { BODY_BYTES_MAX } from "../../../src/guard/graphql/reads-only.ts";
import { LARGE_BODIES_MAX } from "../../../src/guard/held-bodies.ts";
import { forAMinute, guarded } from "./guarded.ts";

const READ_ONLY = [forAMinute({ kind: "read-only" })];
const QUERY = JSON.stringify({ query: "{ pitches { id } }" });
const MUTATION = JSON.stringify({ query: "mutation { pay }" });
const inReadOnly = (entries = READ_ONLY) => guarded(entries, {}, { graphqlRoutes: ["/graphql"] });
const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body,
});

it("serves a query, once, with its body whole", async ({ expect }) => {
  const { ask, calls, counted } = inReadOnly();
  expect(await (await ask("/graphql", post(QUERY))).text()).toBe("production");
  expect(await Promise.all(calls.map((call) => call.text()))).toEqual([QUERY]);
  expect(counted).toMatchObject([{ outcome: { kind: "served" }, isFault: false }]);
});

it("hands a query on over a real binding, byte for byte", async ({ expect }) => {
  const { ask } = guarded(
    READ_ONLY,
    { origin: (request) => env.ORIGIN.fetch(request) },
    { graphqlRoutes: ["/echo"] },
  );
  const body = JSON.stringify({ query: `{ a(s: "${"é".repeat(40_000)}") }` });
  const echoed = await (await ask("/echo", post(body))).json();
  const length = String(new TextEncoder().encode(body).length);
  expect(echoed).toMatchObject({ method: "POST", body, headers: { "content-length": length } });
});

const form = new FormData();
form.set("operations", QUERY);

describe("refuses, and asks production nothing", () => {
  it.for([
    ["a mutation", "/graphql", post(MUTATION)],
    ["a query and a mutation", "/graphql", post(`[${QUERY},${MUTATION}]`)],
    ["a persisted query without text", "/graphql", post('{"extensions":{"persistedQuery":{}}}')],
    ["no body", "/graphql", { method: "POST" }],
    ["multipart", "/graphql", { method: "POST", body: form }],
    ["a form", "/graphql", { method: "POST", body: new URLSearchParams({ query: "{ a }" }) }],
    ["JSON by another name", "/graphql", post(QUERY, { "content-type": "text/plain" })],
    [
      "another alphabet",
      "/graphql",
      post(QUERY, { "content-type": "application/json; charset=utf-16" }),
    ],
    ["an encoded body", "/graphql", post(QUERY, { "content-encoding": "gzip" })],
    ["a query in the URL as well", "/graphql?query=mutation%7Bb%7D", post(QUERY)],
    ["bytes that are not text", "/graphql", post(new Uint8Array([0xff, 0xfe, 0]))],
    ["another route", "/cart", post(QUERY)],
    ["a route that routers may read differently", "/x/..%2fgraphql", post(QUERY)],
    ["another method", "/graphql", { ...post(QUERY), method: "PUT" }],
    ["a mutation in the URL", "/graphql?query=mutation%7Bb%7D", {}],
    ["a mutation in the URL, percent by percent", "/graphql?qu%65ry=m%75tation%7Bb%7D", {}],
    ["a HEAD that mutates", "/graphql?query=mutation%7Bb%7D", { method: "HEAD" }],
    [
      "a mutation in the URL, by name",
      "/graphql?query=query%20A%7Ba%7Dmutation%20B%7Bb%7D&operationName=B",
      {},
    ],
    ["a query and a mutation in the URL", "/graphql?query=%7Ba%7D&query=mutation%7Bb%7D", {}],
    ["a mutation on another spelling", "//Graphql/?query=mutation%7Bb%7D", {}],
    ["no GraphQL at all", "/graphql?query=mutation", {}],
  ] satisfies [string, string, RequestInit][])("%s", async ([, path, init], { expect }) => {
    const { ask, calls, counted } = inReadOnly();
    const response = await ask(path, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      503,
      "application/problem+json",
    ]);
    expect(calls).toHaveLength(0);
    expect(counted).toMatchObject([{ outcome: { kind: "refused", reason: "read_only" } }]);
  });
});

it.for([
  ["a query in the URL", "/graphql?query=%7Ba%7D"],
  [
    "a query beside a mutation, by name",
    "/graphql?query=query%20A%7Ba%7Dmutation%20B%7Bb%7D&operationName=A",
  ],
  ["a query that was sent before", "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%7D%7D"],
  ["the page where queries are tried out", "/graphql?query="],
  ["another route", "/search?query=mutation%7Bb%7D"],
] as const)("serves a GET: %s", async ([, path], { expect }) => {
  const { ask, calls } = inReadOnly();
  expect([(await ask(path)).status, calls.length]).toEqual([200, 1]);
});

it("holds a bounded number of bodies, and never keeps a short one waiting for these", async ({
  expect,
}) => {
  const { ask, calls } = inReadOnly();
  const endings: (() => void)[] = [];
  const stalled = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(QUERY));
        endings.push(() => controller.close());
      },
    });
  const held = Array.from({ length: LARGE_BODIES_MAX }, () => ask("/graphql", post(stalled())));
  expect((await ask("/graphql", post(stalled()))).status).toBe(503);
  expect((await ask("/graphql", post(QUERY))).status).toBe(503);
  const short = post(QUERY, { "content-length": String(QUERY.length) });
  expect((await ask("/graphql", short)).status).toBe(200);
  for (const end of endings) end();
  expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([200]));
  expect(calls).toHaveLength(LARGE_BODIES_MAX + 1);
  expect((await ask("/graphql", post(QUERY))).status).toBe(200);
});

const padded = (bytes: number) => {
  const [start, end] = ['{"query":"{ a }', '"}'];
  return start + " ".repeat(bytes - start.length - end.length) + end;
};
const streamed = (text: string): ReadableStream => {
  const chunks = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < chunks.length; at += 10_000) {
        controller.enqueue(chunks.subarray(at, at + 10_000));
      }
      controller.close();
    },
  });
};

it.for([
  ["named by its length", (text: string): BodyInit => text],
  ["without a length", (text: string): BodyInit => streamed(text)],
] as const)("reads a body up to its limit, %s", async ([, made], { expect }) => {
  const { ask, calls } = inReadOnly();
  expect((await ask("/graphql", post(made(padded(BODY_BYTES_MAX))))).status).toBe(200);
  expect((await ask("/graphql", post(made(padded(BODY_BYTES_MAX + 1))))).status).toBe(503);
  expect((await calls[0]?.text())?.length).toBe(BODY_BYTES_MAX);
});

it("in shadow hands on what it could not read to the end, whole", async ({ expect }) => {
  const { ask, calls, counted } = inReadOnly([
    forAMinute({ id: "s", kind: "read-only", mode: "shadow" }),
  ]);
  const large = padded(BODY_BYTES_MAX * 2);
  await ask("/graphql", post(streamed(large)));
  expect(await calls[0]?.text()).toBe(large);
  expect(counted).toMatchObject([{ outcome: { kind: "served" }, shadowedIds: ["s"] }]);
});

describe("a body that breaks while it is read", () => {
  const broken = () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new Error("the client went away"));
      },
    });

  it("is a fault of ours, and production is asked once", async ({ expect }) => {
    const { ask, calls, counted } = inReadOnly();
    expect((await ask("/graphql", post(broken()))).status).toBe(200);
    expect(calls).toHaveLength(1);
    expect(counted).toMatchObject([{ outcome: { kind: "served" }, isFault: true }]);
  });

  it("is refused where the entry fails closed", async ({ expect }) => {
    const { ask, calls } = inReadOnly([forAMinute({ kind: "read-only", fail: "closed" })]);
    expect((await ask("/graphql", post(broken()))).status).toBe(503);
    expect(calls).toHaveLength(0);
  });
});

it("leaves the body alone when nothing is in force", async ({ expect }) => {
  const { ask, calls } = inReadOnly([]);
  const request = post(MUTATION);
  expect((await ask("/graphql", request)).status).toBe(200);
  expect(await calls[0]?.text()).toBe(MUTATION);
});
