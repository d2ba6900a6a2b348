import { Hono } from "hono";
import { it, onTestFinished, vi } from "vitest";
import {
  health,
  type HealthOptions,
  type Readiness,
} from "../../../../src/guard/middleware/health.ts";

const app = (options?: HealthOptions) =>
  new Hono().use(health(options)).all("*", (c) => c.text("production"));

it.for([
  ["GET", "/health", 200, '{"status":"ok"}'],
  ["GET", "/health/ready", 200, '{"status":"ready","parts":{}}'],
  ["GET", "/health/else", 200, "production"],
  ["POST", "/health", 200, "production"],
] as const)("%s %s", async ([method, path, status, body], { expect }) => {
  const response = await app().request(path, { method });
  expect([response.status, await response.text()]).toEqual([status, body]);
});

it.for([
  ["every part is", async () => ({ db: true, cache: true }), 200],
  ["one part is not", async () => ({ db: false, cache: true }), 503],
  ["the asking fails", () => Promise.reject(new Error("down")), 503],
  ["nobody answers in time", () => new Promise<Readiness>(() => {}), 503],
] as const)("is ready or not: %s", async ([, ready, status], { expect }) => {
  const response = await app({ ready, deadlineMs: 20 }).request("/health/ready");
  expect(response.status).toBe(status);
  expect(response.headers.get("cache-control")).toBe("no-store");
});

it("asks the parts once per interval, however often it is asked itself", async ({ expect }) => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  let asked = 0;
  const ready = async () => {
    asked += 1;
    return { db: true };
  };
  const { request } = app({ ready, keepMs: 5_000 });
  for (let n = 0; n < 10; n += 1) await request("/health/ready");
  expect(asked).toBe(1);
  vi.setSystemTime(1_004_999);
  await request("/health/ready");
  expect(asked).toBe(1);
  vi.setSystemTime(1_005_000);
  await request("/health/ready");
  expect(asked).toBe(2);
});

it("refuses options that are wrong when the app starts", ({ expect }) => {
  expect(() => health({ path: "health" })).toThrow('"health" does not start with /');
  expect(() => health({ keepMs: -1 })).toThrow("negative");
});
