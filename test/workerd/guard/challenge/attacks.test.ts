/** Clients that try to get past a challenge, or get more out of it than they paid for. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { takeOnceFrom } from "../../../../src/guard/assemble.ts";
import { Challenges } from "../../../../src/guard/challenge/challenges.ts";
import { guardRequest } from "../../../../src/guard/guard.ts";
import { RETURN_PATH_CHARS_MAX } from "../../../../src/guard/challenge/return-path.ts";
import { fromBase64Url, toBase64Url } from "../../../../src/guard/signed.ts";
import { solutionsOf } from "../../../support/solve.ts";
import { at, onAClock } from "../covering.ts";
import { KEY } from "../guarded.ts";
import { challenged, challenging, cookieOf, EASY, HTML, workOf } from "./challenging.ts";

const REDEEM = "/_firebreak/challenge/redeem";

describe("what a client makes up", () => {
  it("a host longer than any name is asked like any other, and may pay", async ({ expect }) => {
    const guard = challenged();
    const origin = `https://${"a".repeat(300)}.example`;
    const ask = (path: string, init: RequestInit = {}) =>
      guardRequest(
        new Request(origin + path, { headers: { accept: HTML }, redirect: "manual", ...init }),
        guard.deps,
        { waitUntil: () => undefined },
      );
    const page = await ask("/");
    expect(page.status).toBe(403);
    const body = new URLSearchParams(workOf(await page.text()));
    const paid = await ask(REDEEM, { method: "POST", body });
    expect(cookieOf(paid)).not.toBe("");
    expect(guard.calls).toEqual([]);
    expect(guard.faults).toEqual([]);
  });

  it.for(["__proto__", "constructor", "tostring"])(
    "a content type that is a word of the language is none that is read: %s",
    async (type, { expect }) => {
      const { ask, faults } = challenged();
      const init = { method: "POST", headers: { "content-type": type }, body: "challenge=x" };
      expect((await ask(REDEEM, init)).status).toBe(415);
      expect(faults).toEqual([]);
    },
  );

  it.for([
    { "access-control-request-method": "POST" },
    {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "x-http-method-override": "POST",
    },
  ] as Record<string, string>[])(
    "a preflight that no browser sends: %o",
    async (headers, { expect }) => {
      const guard = challenged();
      const response = await guard.ask("/pay", { method: "OPTIONS", headers });
      expect(response.status).not.toBe(200);
      expect(guard.calls).toEqual([]);
    },
  );
});

describe("one clearance", () => {
  it("is one cookie: spelt otherwise it is none, so that limits by it count it as one", async ({
    expect,
  }) => {
    const guard = challenged();
    const [name = "", token = ""] = (await guard.cookie()).split("=");
    const [payload = "", mac = ""] = token.split(".");
    const text = new TextDecoder().decode(fromBase64Url(payload) ?? new Uint8Array());
    const spelt = (other: string) => `${toBase64Url(new TextEncoder().encode(other))}.${mac}`;
    const statuses: number[] = [];
    for (const value of [token, spelt(` ${text}`), spelt(text.replace("}", ',"x":1}'))]) {
      const headers = { cookie: `${name}=${value}` };
      statuses.push((await guard.ask("/", { headers })).status);
    }
    expect(statuses).toEqual([200, 403, 403]);
  });

  it("by a puzzle holds no longer than by the page", async ({ expect }) => {
    const guard = challenged([challenging({ action: { ...EASY, clearanceSeconds: 60 } })]);
    const { redeem, ...puzzle } = await puzzleFor(guard);
    const paid = await guard.ask(redeem, asJson(puzzle));
    expect(await paid.json()).toMatchObject({ clearance_seconds: 60 });
  });
});

it("a program that does as it is told is let through, whatever the difficulty", async ({
  expect,
}) => {
  const guard = challenged([challenging({ action: { ...EASY, difficulty: 9 } })]);
  const { redeem, ...puzzle } = await puzzleFor(guard);
  const cookie = cookieOf(await guard.ask(redeem, asJson(puzzle)));
  expect((await guard.ask("/", { headers: { cookie } })).status).toBe(200);
});

it("a fragment that makes the way back too long costs the way back, not the visit", async ({
  expect,
}) => {
  const guard = challenged();
  const fields = await guard.fields();
  const to = `/cart#${"x".repeat(RETURN_PATH_CHARS_MAX)}`;
  const paid = await guard.redeem({ ...fields, to });
  expect([paid.status, paid.headers.get("location")]).toEqual([
    303,
    "/_firebreak/challenge/return?to=%2F",
  ]);
});

it("the longest way back fits, however it is written", async ({ expect }) => {
  const guard = challenged();
  const to = `/${"&".repeat(RETURN_PATH_CHARS_MAX - 1)}`;
  const fields = { ...(await guard.fields(to)), turnstile: "x".repeat(2_048) };
  expect((await guard.redeem(fields)).status).toBe(303);
});

it("one challenge has Turnstile asked once, however often it is sent", async ({ expect }) => {
  let asked = 0;
  const { fetch } = globalThis;
  globalThis.fetch = async () => {
    asked += 1;
    return Response.json({ success: false, "error-codes": ["invalid-input-response"] });
  };
  try {
    const turnstile = { secret: "s", baseUrl: "https://turnstile.example/v0" };
    const challenges = new Challenges({ keys: [KEY], turnstile, takeOnce: null });
    const entry = challenging({ action: { ...EASY, provider: "turnstile" } });
    const guard = challenged([entry], { challenges }, { turnstileSiteKey: "key" });
    const { challenge = "" } = await guard.fields();
    const send = () => guard.redeem({ challenge, way: "turnstile", turnstile: "made-up" });
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(asked).toBe(1);
  } finally {
    globalThis.fetch = fetch;
  }
});

it("an isolate that has no policy yet gets one before it gives out a puzzle", async ({
  expect,
}) => {
  const { deps } = challenged();
  const { current } = deps.snapshots;
  const guard = challenged([], { snapshots: { current, peek: () => null } });
  expect((await guard.ask("/_firebreak/challenge/puzzle")).status).toBe(200);
});

describe("strict terms and the limiter itself", () => {
  const limiter = () => {
    const shards = new Map<string, string>();
    const run = crypto.randomUUID();
    return (name: string) => {
      shards.set(name, name);
      return env.TEST_LIMITER.getByName(`${run}/${name}`);
    };
  };

  it("a name is taken once in its window, whoever asks again and with however little left", async ({
    expect,
  }) => {
    const take = takeOnceFrom(limiter());
    const all = await Promise.all([take("a", 300_000), take("a", 300_000), take("b", 300_000)]);
    expect(all.filter(Boolean)).toHaveLength(2);
    expect(await take("a", 1)).toBe(false);
    expect(await take("a", 0.5)).toBe(false);
    expect(await take("a", -5)).toBe(false);
  });

  it("two isolates take one solution once", async ({ expect }) => {
    const shard = limiter();
    const isolate = () => {
      const takeOnce = takeOnceFrom(shard);
      const challenges = new Challenges({ keys: [KEY], turnstile: null, takeOnce });
      return challenged([challenging({ action: { ...EASY, isStrict: true } })], { challenges });
    };
    const [one, other] = [isolate(), isolate()];
    const fields = await one.fields();
    const answers = await Promise.all([one.redeem(fields), other.redeem(fields)]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303, 403]));
    const startMs = onAClock();
    at(startMs + 290_000);
    expect((await isolate().redeem(fields)).status).toBe(403);
  });
});

const asJson = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json" },
  body: JSON.stringify(body),
});

/** What a program learns from its refusal, and then does. */
async function puzzleFor({ ask }: Pick<ReturnType<typeof challenged>, "ask">) {
  const { puzzle, redeem } = await (await ask("/")).json<{ puzzle: string; redeem: string }>();
  const { challenge, seed, ...work } = await (
    await ask(puzzle)
  ).json<{ challenge: string; seed: string; difficulty: number; n: number }>();
  const solutions = solutionsOf(fromBase64Url(seed) ?? new Uint8Array(), work);
  return { redeem, challenge, solutions };
}
