/** What Turnstile's answers mean, asked of a stand-in that refuses what siteverify refuses. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { z } from "zod";
import { startVendors } from "../../../dev/vendors.ts";
import { turnstile } from "../../../dev/vendors/turnstile.ts";
import type { LoopbackServer } from "../../../dev/loopback.ts";
import {
  SITEVERIFY_DEADLINE_MS,
  TURNSTILE_ACTION,
  TURNSTILE_TOKEN_CHARS_MAX,
  verifyTurnstile,
} from "../../../src/guard/challenge/turnstile.ts";

const ACCOUNT = { siteKey: "0x4AAAAAAA-test", secret: "only-this-test-knows" };
const HOST = "shop.example";
const KEY = "0b7c9a52-8f0e-4d5a-9c7e-6f1d2a3b4c5d";
const OTHER_KEY = "1b7c9a52-8f0e-4d5a-9c7e-6f1d2a3b4c5d";

let vendors: LoopbackServer;
beforeAll(async () => {
  vendors = await startVendors({ vendors: [turnstile(ACCOUNT)] });
});
afterAll(() => vendors[Symbol.asyncDispose]());
beforeEach(() => control("DELETE"));

const control = (method: string, body?: unknown) =>
  fetch(`${vendors.url}/__vendor/turnstile`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
/** As the widget gets one. */
async function aToken(changes: object = {}): Promise<string> {
  const wanted = { sitekey: ACCOUNT.siteKey, hostname: HOST, action: TURNSTILE_ACTION, ...changes };
  const made = await fetch(`${vendors.url}/turnstile/tokens`, {
    method: "POST",
    body: JSON.stringify(wanted),
  });
  return z.object({ token: z.string() }).parse(await made.json()).token;
}
const verify = (
  token: string,
  changes: { readonly secret?: string; readonly baseUrl?: string } = {},
  key = KEY,
) =>
  verifyTurnstile(
    token,
    { secret: ACCOUNT.secret, baseUrl: `${vendors.url}/turnstile`, ...changes },
    { hostname: HOST, idempotencyKey: key },
  );

describe("a visitor's token", () => {
  it("passes once, and again only as the same redemption", async ({ expect }) => {
    const token = await aToken();
    expect(await verify(token)).toBe("passed");
    expect(await verify(token)).toBe("passed");
    expect(await verify(token, {}, OTHER_KEY)).toBe("refused");
  });

  it.for([
    ["for another host", { hostname: "evil.example" }],
    ["for another action", { action: "sign-up" }],
    ["without an action", { action: "" }],
  ] as const)("is refused %s", async ([, changes], { expect }) => {
    expect(await verify(await aToken(changes))).toBe("refused");
  });

  it("is refused after five minutes", async ({ expect }) => {
    await control("PUT", { agedMs: 300_001 });
    expect(await verify(await aToken())).toBe("refused");
  });

  it.for(["nonsense", "x".repeat(TURNSTILE_TOKEN_CHARS_MAX + 1), ""])(
    "is refused when it is none",
    async (token, { expect }) => {
      expect(await verify(token)).toBe("refused");
    },
  );
});

describe("is no answer, so that work takes its place", () => {
  it.for(["5xx", "429", "403", "garbage"] as const)("%s", async (kind, { expect }) => {
    const token = await aToken();
    await control("POST", { kind });
    expect(await verify(token)).toBe("unanswered");
    expect(await verify(token)).toBe("passed");
  });

  it("our own secret is wrong", async ({ expect }) => {
    expect(await verify(await aToken(), { secret: "wrong" })).toBe("unanswered");
    expect(await verify(await aToken(), { secret: "" })).toBe("unanswered");
  });

  it("nobody is there", async ({ expect }) => {
    expect(await verify(await aToken(), { baseUrl: "http://127.0.0.1:1" })).toBe("unanswered");
  });

  it("hangs, and then no longer than the deadline", async ({ expect }) => {
    const token = await aToken();
    await control("POST", { kind: "timeout" });
    const startedAtMs = performance.now();
    expect(await verify(token)).toBe("unanswered");
    expect(performance.now() - startedAtMs).toBeLessThan(SITEVERIFY_DEADLINE_MS + 2_000);
  });
});
