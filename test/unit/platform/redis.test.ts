import { it, onTestFinished } from "vitest";
import { createRedis } from "../../../src/platform/redis.ts";
import { closedUrl, sendJson, serve, type Received } from "../../support/http-server.ts";
import type { ServerResponse } from "node:http";

const TOKEN = "token-of-redis";

async function aRedis(answer: (request: Received, response: ServerResponse) => void) {
  const server = await serve(answer);
  onTestFinished(server.close);
  return { redis: createRedis({ url: server.url, token: TOKEN }), received: server.received };
}
const soon = (): AbortSignal => AbortSignal.timeout(2_000);

it("sends one plain PING and nothing about itself", async ({ expect }) => {
  const { redis, received } = await aRedis((_, response) =>
    sendJson(response, 200, { result: "PONG" }),
  );
  expect(await redis.ping(soon())).toEqual({ ok: true, value: { tookMs: expect.any(Number) } });
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ method: "POST", path: "/", body: '["ping"]' });
  const names = Object.keys(received[0]?.headers ?? {});
  expect(names.filter((name) => name.startsWith("upstash-"))).toEqual([]);
});

const FAILURES = [
  ["a wrong token", "refused", 401, { error: "Unauthorized" }],
  ["a wrong password", "refused", 400, { error: "WRONGPASS invalid username-password pair" }],
  ["a spent quota", "refused", 400, { error: "ERR max daily request limit exceeded." }],
  ["a Redis that is gone", "unreachable", 503, { error: "ERR connect ECONNREFUSED" }],
  ["a Redis that loads its data", "unreachable", 400, { error: "LOADING Redis is loading" }],
  ["an error in a good answer", "unreachable", 200, { error: "ERR no" }],
  ["another answer", "malformed", 200, { result: "hello" }],
  ["no answer in the answer", "malformed", 200, {}],
] as const;
it.for(FAILURES)("calls %s %s, and asks once", async ([, kind, status, body], { expect }) => {
  const { redis, received } = await aRedis((_, response) => sendJson(response, status, body));
  expect(await redis.ping(soon())).toMatchObject({ ok: false, error: { kind } });
  expect(received).toHaveLength(1);
});

it("calls garbage malformed", async ({ expect }) => {
  const { redis } = await aRedis((_, response) => response.end("<html>"));
  expect(await redis.ping(soon())).toMatchObject({ error: { kind: "malformed" } });
});

it("gives up when the signal says so, and does not take that for an answer", async ({ expect }) => {
  const { redis } = await aRedis(() => {});
  expect(await redis.ping(AbortSignal.timeout(50))).toMatchObject({
    ok: false,
    error: { kind: "timeout" },
  });
});

it("tries a broken connection once", async ({ expect }) => {
  const { redis, received } = await aRedis((_, response) => response.destroy());
  expect(await redis.ping(soon())).toMatchObject({ error: { kind: "unreachable" } });
  expect(received).toHaveLength(1);
});

it("calls a closed port unreachable", async ({ expect }) => {
  const redis = createRedis({ url: await closedUrl(), token: TOKEN });
  expect(await redis.ping(soon())).toMatchObject({ error: { kind: "unreachable" } });
});

it("refuses a URL that is none, and repeats neither it nor the token", async ({ expect }) => {
  const redis = createRedis({ url: "redis://secret@h", token: TOKEN });
  const answer = await redis.ping(soon());
  expect(answer).toMatchObject({ error: { kind: "refused" } });
  expect(JSON.stringify(answer)).not.toMatch(/secret|token-of/);
});

it("repeats no error of the other side, which quotes commands and tokens", async ({ expect }) => {
  const { redis } = await aRedis((_, response) =>
    sendJson(response, 400, { error: `ERR bad token ${TOKEN}` }),
  );
  expect(JSON.stringify(await redis.ping(soon()))).not.toContain(TOKEN);
});
