import { readFileSync } from "node:fs";
import { it, onTestFinished } from "vitest";
import {
  createStatusPage,
  STATUS_BYTES_MAX,
  STATUS_URLS_MAX,
} from "../../../src/platform/status-page.ts";
import { closedUrl, sendJson, serve, type Received } from "../../support/http-server.ts";
import type { ServerResponse } from "node:http";

const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const STATUS = { page: {}, status: { indicator: "minor", description: "Minor Service Outage" } };

async function aPage(answer: (request: Received, response: ServerResponse) => void) {
  const server = await serve(answer);
  onTestFinished(server.close);
  return server;
}

it("reads the first page that gives a sensible answer", async ({ expect }) => {
  const refusing = await aPage((_, response) => response.writeHead(403).end("no robots"));
  const garbage = await aPage((_, response) => response.end("<html>"));
  const good = await aPage((_, response) => sendJson(response, 200, STATUS));
  const page = createStatusPage([refusing.url, `${garbage.url}/`, good.url]);
  expect(await page.status(soon())).toEqual({ ok: true, value: STATUS.status });
  expect([refusing, garbage, good].map(({ received }) => received.length)).toEqual([1, 1, 1]);
  expect(garbage.received[0]?.path).toBe("/api/v2/status.json");
});

it("does not let a hung first page keep it from the second", async ({ expect }) => {
  const hung = await aPage(() => {});
  const good = await aPage((_, response) => sendJson(response, 200, STATUS));
  expect(await createStatusPage([hung.url, good.url], 50).status(soon())).toMatchObject({
    ok: true,
  });
});

const USELESS = [
  ["a refusal", "refused", (response: ServerResponse) => response.writeHead(403).end()],
  ["an error", "refused", (response: ServerResponse) => response.writeHead(500).end()],
  ["garbage", "malformed", (response: ServerResponse) => response.end("<html>")],
  ["another shape", "malformed", (response: ServerResponse) => sendJson(response, 200, { up: 1 })],
  [
    "an indicator nobody knows",
    "malformed",
    (response: ServerResponse) =>
      sendJson(response, 200, { status: { indicator: "purple", description: "" } }),
  ],
  [
    "a flood",
    "malformed",
    (response: ServerResponse) =>
      sendJson(response, 200, { ...STATUS, filler: "x".repeat(STATUS_BYTES_MAX) }),
  ],
] as const;
it.for(USELESS)("%s is %s", async ([, kind, answer], { expect }) => {
  const server = await aPage((_, response) => void answer(response));
  expect(await createStatusPage([server.url]).status(soon())).toMatchObject({
    ok: false,
    error: { kind },
  });
});

it("calls a closed port refused, and a passed deadline a timeout", async ({ expect }) => {
  const closed = createStatusPage([await closedUrl()]);
  expect(await closed.status(soon())).toMatchObject({ error: { kind: "refused" } });
  const hung = await aPage(() => {});
  const page = createStatusPage([hung.url, hung.url]);
  expect(await page.status(AbortSignal.timeout(50))).toMatchObject({ error: { kind: "timeout" } });
  expect(hung.received).toHaveLength(1);
});

it("asks a bounded number of pages", async ({ expect }) => {
  const server = await aPage((_, response) => response.writeHead(500).end());
  await createStatusPage(Array.from({ length: 10 }, () => server.url)).status(soon());
  expect(server.received).toHaveLength(STATUS_URLS_MAX);
});

it("reads a real summary", async ({ expect }) => {
  const fixture = new URL("../../fixtures/statuspage/cloudflare-summary.json", import.meta.url);
  const server = await aPage((_, response) => response.end(readFileSync(fixture)));
  const summary = await createStatusPage([server.url]).summary(soon());
  expect(summary).toMatchObject({ ok: true, value: { status: { indicator: "major" } } });
  expect(server.received[0]?.path).toBe("/api/v2/summary.json");
});
