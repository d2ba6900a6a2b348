/** Limits beyond which clients are challenged, and go on when they have paid. */
import { it } from "vitest";
import { Challenges } from "../../../../src/guard/challenge/challenges.ts";
import { Counters } from "../../../../src/guard/limits/counters.ts";
import { forAMinute } from "../guarded.ts";
import { at, onAClock } from "../covering.ts";
import { challenged, cookieOf, HTML } from "./challenging.ts";

const limit = (changes: object = {}, action: object = {}) =>
  forAMinute({
    id: "lse_limit",
    kind: "rate-limit",
    action: {
      limit: 2,
      windowMs: 60_000,
      by: ["address"],
      accuracy: "isolate",
      beyond: "challenge",
      ...action,
    },
    ...changes,
  });
const ME = { "cf-connecting-ip": "192.0.2.7" };

function limited(entry = limit(), changes: object = {}) {
  const counters = new Counters({ shard: null, newIsolateId: () => 1 });
  const guard = challenged([entry], { counters, ...changes });
  const statuses = async (count: number, init: RequestInit = { headers: ME }) => {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await guard.ask("/", init)).status);
    return all;
  };
  return { ...guard, statuses };
}

it("lets through what is within the limit, whoever it is", async ({ expect }) => {
  const guard = limited();
  expect(await guard.statuses(3)).toEqual([200, 200, 429]);
  expect(await guard.statuses(2, { headers: { "cf-connecting-ip": "192.0.2.8" } })).toEqual([
    200, 200,
  ]);
});

it("gives people beyond it the page, and lets them go on once they have paid", async ({
  expect,
}) => {
  const startMs = onAClock();
  const guard = limited();
  await guard.statuses(2);
  const page = await guard.navigate("/cart", ME);
  expect(page.headers.get("content-type")).toContain("text/html");
  const text = await page.text();
  expect(text).toContain('id="challenge"');
  const challenge = /name="challenge" value="([^"]+)"/.exec(text)?.[1] ?? "";
  at(startMs + 20_000);
  const cookie = cookieOf(await guard.redeem({ challenge, way: "wait" }, ME));
  expect(await guard.statuses(3, { headers: { ...ME, cookie } })).toEqual([200, 200, 200]);
  expect(await guard.statuses(1)).toEqual([429]);
});

it.for(["POST", "GET"])(
  "gives a program beyond it a problem by %s, never a page",
  async (method, { expect }) => {
    const guard = limited();
    await guard.statuses(2);
    const before = guard.calls.length;
    const accept = method === "POST" ? HTML : "*/*";
    const refused = await guard.ask("/", { method, headers: { ...ME, accept } });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.headers.has("retry-after")).toBe(true);
    expect(await refused.json()).toMatchObject({ redeem: "/_firebreak/challenge/redeem" });
    expect(guard.calls).toHaveLength(before);
  },
);

it("still limits where nobody can be challenged", async ({ expect }) => {
  const challenges = new Challenges({ keys: [], turnstile: null, takeOnce: null });
  const guard = limited(limit(), { challenges });
  expect(await guard.statuses(3)).toEqual([200, 200, 429]);
});

it("in shadow refuses nobody, and counts who would have been challenged and was not cleared", async ({
  expect,
}) => {
  const guard = limited(limit({ mode: "shadow" }));
  expect(await guard.statuses(3)).toEqual([200, 200, 200]);
  expect(guard.counted.map(({ shadowedIds }) => shadowedIds.length)).toEqual([0, 0, 1]);
});
