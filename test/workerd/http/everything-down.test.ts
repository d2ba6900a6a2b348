/** The status page when all that it tells of is down at once: Postgres, Redis, production, the guard's objects and the monitor. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import type { Env } from "../../../src/env.ts";
import { COPY_TTL_MS } from "../../../src/http/public-copy.ts";
import worker from "../../../src/index.ts";
import { aScope, declared } from "./api.ts";

const STATUS_URL = "https://status.shop.example";
const SHOP_URL = "https://shop.example/pitches/1";
/** An isolate that answers within this waits for nothing that is down. */
const ANSWER_MS_MAX = 4_000;

const fails = (): Promise<never> => Promise.reject(new Error("overloaded"));
const hangs = (): Promise<never> => new Promise(() => {});

/** A binding whose objects answer nothing; nor does it itself: no guard can be made of it. */
const down = <Binding extends object>(answer: () => Promise<never>): Binding => {
  const stub = new Proxy({}, { get: () => answer });
  const methods = {
    getByName: () => stub,
    fetch: answer,
    idFromName: () => {
      throw new Error("internal error");
    },
  };
  return methods as unknown as Binding;
};

/** The bindings of an isolate that has seen nothing yet. */
const isolate = (given: Partial<Env> = {}): Env => ({ ...env, STATUS_URL, ...given });

const DOWN: Partial<Env> = {
  POSTGRES_URL: "postgres://firebreak:secret@127.0.0.1:1/shop",
  REDIS_URL: "http://127.0.0.1:1",
  REDIS_TOKEN: "secret",
  ORIGIN: down(fails),
  POLICY: down(fails),
  TRAFFIC: down(fails),
  LIMITER: down(hangs),
  MONITOR: down(hangs),
};

async function ask(url: string, of: Env): Promise<Response> {
  const ctx = createExecutionContext();
  const answer = await worker.fetch(new Request(url), of, ctx);
  await waitOnExecutionContext(ctx);
  return answer;
}

/** What an isolate says in public: the page, and the indicator in the JSON. */
async function told(of: Env) {
  const page = await ask(`${STATUS_URL}/`, of);
  const json = await ask(`${STATUS_URL}/api/v2/summary.json`, of);
  const { status } = await json.json<{ status: { indicator: string } }>();
  return { status: page.status, page: await page.text(), indicator: status.indicator };
}

const GREEN = />\s*Operational|All systems operational/;

/** Until what was copied last is old; never back, since copies outlive a test. */
let aheadMs = 0;
function untilOld(): void {
  aheadMs += 2 * COPY_TTL_MS;
  vi.useRealTimers();
  vi.useFakeTimers({ now: Date.now() + aheadMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("while Postgres, Redis, production, the guard and the monitor are down together", () => {
  it("knows nothing, and says so, where nobody ever asked before", async ({ expect }) => {
    const { status, page, indicator } = await told(isolate({ ...DOWN, DESK: down(hangs) }));
    expect({ status, indicator }).toEqual({ status: 200, indicator: "unknown" });
    expect(page).toContain("Not known at the moment");
    expect(page).not.toMatch(GREEN);
  });

  it("is green before, and says that nobody knows as soon as they are", async ({ expect }) => {
    untilOld();
    await env.MONITOR.getByName("monitor").poke("request");
    expect(await told(isolate())).toMatchObject({ status: 200, indicator: "none" });
    untilOld();

    const dead = isolate(DOWN);
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    // Visitors are not served: there is no guard, and no production to pass them to.
    expect((await ask(SHOP_URL, dead).catch(() => Response.error())).ok).toBe(false);
    expect(log.mock.calls.join()).toContain("cannot start");
    const startedAtMs = performance.now();
    const { status, page, indicator } = await told(dead);
    expect(performance.now() - startedAtMs).toBeLessThan(ANSWER_MS_MAX);
    expect({ status, indicator }).toEqual({ status: 200, indicator: "unknown" });
    expect(page).not.toMatch(GREEN);
    expect(page).not.toContain("secret");
  });

  it.for([
    ["and of incidents, which the desk still lists", {}, false],
    ["and by heart, when the desk is down too", { DESK: down<Env["DESK"]>(hangs) }, true],
  ] as const)("tells of what is open %s", async ([, also, isByHeart], { expect }) => {
    const id = await declared({ severity: "SEV-1", playbook: "outage", scope: aScope() });
    untilOld();
    await told(isolate());
    untilOld();
    const { status, page, indicator } = await told(isolate({ ...DOWN, ...also }));
    expect({ status, indicator }).toEqual({ status: 200, indicator: "critical" });
    expect(page).toContain(id);
    expect(page).toContain(
      "We are currently experiencing a service outage affecting all users. Our team has been notified and is investigating.",
    );
    expect(page.includes("this is the last we know")).toBe(isByHeart);
    expect(page).not.toMatch(GREEN);
  });
});
