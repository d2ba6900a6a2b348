/** Where challenges are paid: what is taken, what is refused and why, and that nothing is taken twice. */
import fc from "fast-check";
import { describe, it, onTestFinished, vi } from "vitest";
import { Challenges } from "../../../../src/guard/challenge/challenges.ts";
import { REDEMPTION_BYTES_MAX } from "../../../../src/guard/challenge/redemption.ts";
import { CLEARANCE_COOKIE } from "../../../../src/guard/signed.ts";
import worker, { type GuardEnv } from "../../../../src/guard/worker.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { solutionsOf } from "../../../support/solve.ts";
import { onAClock, at } from "../covering.ts";
import { KEY } from "../guarded.ts";
import { challenged, challenging, cookieOf, EASY, HTML, workOf } from "./challenging.ts";

const REDEEM = "/_firebreak/challenge/redeem";
const asJson = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json" },
  body: JSON.stringify(body),
});

describe("a person in a browser", () => {
  it("does the work, and lands where they wanted, query and all", async ({ expect }) => {
    const guard = challenged();
    const response = await guard.redeem(await guard.fields("/cart?x=1&y=%26#z"));
    expect(response.status).toBe(303);
    const location = response.headers.get("location") ?? "";
    expect(location).toBe("/_firebreak/challenge/return?to=%2Fcart%3Fx%3D1%26y%3D%2526");
    const cookie = cookieOf(response);
    const returned = await guard.navigate(location, { cookie });
    expect([returned.status, returned.headers.get("location")]).toEqual([303, "/cart?x=1&y=%26"]);
    expect((await guard.navigate("/cart?x=1&y=%26", { cookie })).status).toBe(200);
    expect(guard.challenged).toEqual(["issued", "solved"]);
    expect(guard.counted.map(({ outcome }) => outcome)).toMatchObject([
      { kind: "refused", reason: "challenged" },
      { kind: "served" },
    ]);
  });

  it("whose browser refuses cookies is told so, and not sent round", async ({ expect }) => {
    const guard = challenged();
    const location = (await guard.redeem(await guard.fields())).headers.get("location") ?? "";
    const told = await guard.navigate(location);
    const text = await told.text();
    expect(told.status).toBe(403);
    expect(text).toContain("did not keep the cookie");
    expect(text).toContain('href="/cart?x=1"');
    expect(text).not.toMatch(/<script|http-equiv/);
  });

  it("without scripts waits instead, and too early is told how long", async ({ expect }) => {
    const startMs = onAClock();
    const guard = challenged([challenging({ action: { ...EASY, waitSeconds: 20 } })]);
    const { challenge = "", to = "" } = await guard.fields("/cart?x=1");
    const press = () => guard.redeem({ challenge, to, way: "wait", solutions: "", turnstile: "" });
    const early = await press();
    expect([early.status, cookieOf(early)]).toEqual([403, ""]);
    const text = await early.text();
    expect(text).toContain("another 20 seconds");
    expect(text).toContain(challenge);
    at(startMs + 19_999);
    expect(await (await press()).text()).toContain("another 1 second,");
    at(startMs + 20_000);
    const cleared = await press();
    expect(cleared.status).toBe(303);
    expect(cleared.headers.get("set-cookie")).toContain("Max-Age=600;");
    expect((await guard.navigate("/", { cookie: cookieOf(cleared) })).status).toBe(200);
    expect((await press()).status).toBe(403);
  });

  it("cannot wait where that is not offered", async ({ expect }) => {
    const startMs = onAClock();
    const guard = challenged([challenging({ action: { ...EASY, waitSeconds: 0 } })]);
    const { challenge = "" } = await guard.fields();
    at(startMs + 120_000);
    expect((await guard.redeem({ challenge, way: "wait" })).status).toBe(403);
  });

  it.for(["https://evil.example/", "//evil.example", "/\\evil.example", "/.//evil.example"])(
    "is never sent elsewhere: %s",
    async (to, { expect }) => {
      const guard = challenged();
      const response = await guard.redeem({ ...(await guard.fields()), to });
      const location = response.headers.get("location") ?? "";
      const cookie = cookieOf(response);
      const crafted = `/_firebreak/challenge/return?to=${encodeURIComponent(to)}`;
      for (const path of [location, crafted]) {
        const returned = await guard.navigate(path, { cookie });
        const final = new URL(returned.headers.get("location") ?? "", "https://shop.example");
        expect(final.origin).toBe("https://shop.example");
      }
    },
  );
});

describe("a program", () => {
  it("asks for a puzzle, solves it, and is let through with the cookie", async ({ expect }) => {
    const guard = challenged();
    const asked = await guard.ask("/_firebreak/challenge/puzzle?difficulty=8");
    const puzzle = await asked.json<{
      challenge: string;
      seed: string;
      difficulty: number;
      n: number;
      redeem: string;
    }>();
    const binary = atob(puzzle.seed.replaceAll("-", "+").replaceAll("_", "/"));
    const seed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const solutions = solutionsOf(seed, puzzle);
    const paid = await guard.ask(puzzle.redeem, asJson({ challenge: puzzle.challenge, solutions }));
    expect(await paid.json()).toEqual({ cookie: CLEARANCE_COOKIE, clearance_seconds: 3_600 });
    const init = { method: "POST", headers: { cookie: cookieOf(paid) }, body: "x" };
    expect((await guard.ask("/api", init)).status).toBe(200);
    expect((await guard.ask("/api", { method: "POST", body: "x" })).status).toBe(403);
  });

  it("that asks for less than is asked for has paid for nothing", async ({ expect }) => {
    const guard = challenged([challenging({ action: { ...EASY, difficulty: 9 } })]);
    const cheap = challenged();
    const cookie = await cheap.cookie();
    expect((await guard.ask("/", { headers: { cookie } })).status).toBe(403);
  });

  it.for(["7", "19", "x", "1e9", "-1", ""])(
    "is told what difficulties there are: %s",
    async (difficulty, { expect }) => {
      const { ask } = challenged();
      const response = await ask(`/_firebreak/challenge/puzzle?difficulty=${difficulty}`);
      expect(response.status).toBe(422);
      expect(await response.text()).toContain("8 to 18");
    },
  );
});

describe("is refused", () => {
  it("what was taken already", async ({ expect }) => {
    const guard = challenged();
    const fields = await guard.fields();
    expect((await guard.redeem(fields)).status).toBe(303);
    const again = await guard.redeem(fields);
    expect([again.status, cookieOf(again)]).toEqual([403, ""]);
    expect(await again.text()).toContain("used already");
    expect(guard.challenged).toEqual(["issued", "solved", "failed"]);
  });

  it("what another isolate took, where the terms are strict", async ({ expect }) => {
    const taken = new Set<string>();
    const takeOnce = async (name: string) => !taken.has(name) && taken.add(name).has(name);
    const isolate = () => {
      const challenges = new Challenges({ keys: [KEY], turnstile: null, takeOnce });
      return challenged([challenging({ action: { ...EASY, isStrict: true } })], { challenges });
    };
    const [one, other] = [isolate(), isolate()];
    const fields = await one.fields();
    expect((await one.redeem(fields)).status).toBe(303);
    expect((await other.redeem(fields)).status).toBe(403);
  });

  it.for([
    ["nobody answers", () => new Promise<boolean>(() => undefined)],
    ["it fails", async () => Promise.reject(new Error("unreachable"))],
  ] as const)(
    "nobody, where %s for strict terms: the isolate's own memory decides",
    async ([, takeOnce], { expect }) => {
      const challenges = new Challenges({ keys: [KEY], turnstile: null, takeOnce });
      const guard = challenged([challenging({ action: { ...EASY, isStrict: true } })], {
        challenges,
      });
      const fields = await guard.fields();
      expect((await guard.redeem(fields)).status).toBe(303);
      expect((await guard.redeem(fields)).status).toBe(403);
    },
  );

  it("and gives another isolate's taker the very same cookie where they are not", async ({
    expect,
  }) => {
    const [one, other] = [challenged(), challenged()];
    const fields = await one.fields();
    const [first, second] = [await one.redeem(fields), await other.redeem(fields)];
    expect(cookieOf(second)).toBe(cookieOf(first));
  });

  it.for([
    ["another challenge's solutions", "solutions"],
    ["another challenge", "challenge"],
  ] as const)("%s", async ([, swapped], { expect }) => {
    const guard = challenged();
    const [mine, theirs] = [await guard.fields(), await guard.fields()];
    const response = await guard.redeem({ ...mine, [swapped]: theirs[swapped] ?? "" });
    expect([response.status, cookieOf(response)]).toEqual([403, ""]);
  });

  it("what took too long, with a way to start afresh", async ({ expect }) => {
    const startMs = onAClock();
    const guard = challenged();
    const fields = await guard.fields();
    at(startMs + 5 * 60_000);
    const late = await guard.redeem(fields);
    expect(late.status).toBe(403);
    expect(await late.text()).toContain('<a href="/cart?x=1">Try again</a>');
  });

  it("what was put for another host", async ({ expect }) => {
    const guard = challenged();
    const { deps } = guard;
    const fields = await guard.fields();
    const { guardRequest } = await import("../../../../src/guard/guard.ts");
    const request = new Request(`https://other.example${REDEEM}`, {
      method: "POST",
      body: new URLSearchParams(fields),
    });
    const response = await guardRequest(request, deps, { waitUntil: () => undefined });
    expect(response.status).toBe(403);
  });
});

describe("bodies and methods", () => {
  it.for([
    ["GET", REDEEM, 405],
    ["HEAD", REDEEM, 405],
    ["PUT", REDEEM, 405],
    ["POST", "/_firebreak/challenge/puzzle", 405],
    ["POST", "/_firebreak/challenge/return", 405],
    ["GET", "/_firebreak/challenge/elsewhere", 404],
    ["GET", "/_firebreak/challenge/", 404],
  ] as const)("%s %s: %i", async ([method, path, status], { expect }) => {
    const { ask, challenged: events } = challenged();
    const response = await ask(path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.has("set-cookie")).toBe(false);
    expect(events).toEqual([]);
  });

  it("a GET pays for nothing, whatever it carries", async ({ expect }) => {
    const guard = challenged();
    const query = new URLSearchParams(await guard.fields()).toString();
    for (const path of [REDEEM, "/_firebreak/challenge/return"]) {
      expect(cookieOf(await guard.ask(`${path}?${query}`))).toBe("");
    }
    expect((await guard.redeem(await guard.fields())).status).toBe(303);
  });

  it.for([
    ["nothing", "application/json", "", 400],
    ["no JSON", "application/json", "{", 400],
    ["JSON of something else", "application/json", "[]", 400],
    ["a challenge that is no text", "application/json", '{"challenge":1}', 400],
    [
      "solutions that are no numbers",
      "application/json",
      '{"challenge":"x","solutions":["a"]}',
      400,
    ],
    [
      "more solutions than puzzles",
      "application/json",
      JSON.stringify({ challenge: "x", solutions: Array(33).fill(1) }),
      400,
    ],
    [
      "a form with a list that is none",
      "application/x-www-form-urlencoded",
      "challenge=x&solutions=1,,2",
      400,
    ],
    ["another way", "application/x-www-form-urlencoded", "challenge=x&way=beg", 400],
    ["text", "text/plain", "challenge=x", 415],
    ["a multipart form", "multipart/form-data; boundary=x", "--x--", 415],
    [
      "too much",
      "application/x-www-form-urlencoded",
      `challenge=${"x".repeat(REDEMPTION_BYTES_MAX)}`,
      413,
    ],
    ["a challenge that is none", "application/x-www-form-urlencoded", "challenge=x", 403],
  ] as const)("%s", async ([, type, body, status], { expect }) => {
    const { ask, faults } = challenged();
    const response = await ask(REDEEM, { method: "POST", headers: { "content-type": type }, body });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(faults).toEqual([]);
  });

  it("anything at all is answered, and nothing gets a cookie", async ({ expect }) => {
    const { ask, faults } = challenged();
    const bodies = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          challenge: fc.string(),
          solutions: fc.anything(),
          way: fc.string(),
          to: fc.string(),
        })
        .map((value) => JSON.stringify(value)),
    );
    const types = fc.constantFrom("application/json", "application/x-www-form-urlencoded");
    await fc.assert(
      fc.asyncProperty(bodies, types, async (body, type) => {
        const response = await ask(REDEEM, {
          method: "POST",
          headers: { "content-type": type },
          body,
        });
        expect([400, 403, 413]).toContain(response.status);
        expect(cookieOf(response)).toBe("");
      }),
      { numRuns: 200 },
    );
    expect(faults).toEqual([]);
  });
});

it("works in the guard alone, while the control plane is down", async ({ expect }) => {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const policy = env.TEST_POLICY.getByName("policy");
  await policy.put(challenging({ id: "lse_alone", expiresAtMs: startMs + 600_000 }));
  onTestFinished(async () => void (await policy.remove("lse_alone")));
  at(startMs + 6_000);
  const bindings: GuardEnv = Object.assign(Object.create(null), {
    ORIGIN: env.ORIGIN,
    POLICY: env.TEST_POLICY,
    TRAFFIC: env.TEST_TRAFFIC,
    CONTROL: { fetch: async () => Promise.reject(new Error("down")) },
    SIGNING_KEYS: JSON.stringify([KEY]),
  });
  const ask = async (path: string, init: RequestInit = {}) => {
    const ctx = createExecutionContext();
    const request = new Request<unknown, IncomingRequestCfProperties>(
      `https://shop.example${path}`,
      { redirect: "manual", ...init } as RequestInit<IncomingRequestCfProperties>,
    );
    const response = await worker.fetch(request, bindings, ctx);
    await waitOnExecutionContext(ctx);
    return response;
  };
  const page = await ask("/pitches", { headers: { accept: HTML } });
  expect(page.status).toBe(403);
  const paid = await ask(REDEEM, {
    method: "POST",
    headers: { accept: HTML },
    body: new URLSearchParams(workOf(await page.text())),
  });
  expect(paid.status).toBe(303);
  expect(await (await ask("/pitches", { headers: { cookie: cookieOf(paid) } })).text()).toBe(
    "production",
  );
  const { seconds } = await env.TEST_TRAFFIC.getByName("traffic:0").window(
    60,
    Math.floor(Date.now() / 1_000),
  );
  expect(seconds.map(({ challenges }) => challenges)).toContainEqual({ issued: 1, solved: 1 });
});
