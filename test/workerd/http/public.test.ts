import {
  createExecutionContext,
  runDurableObjectAlarm,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { PROBLEMS } from "../../../src/http/problems.ts";
import worker from "../../../src/index.ts";
import { COPY_TTL_MS, PAST_MS } from "../../../src/http/public-copy.ts";
import type { HttpDeps } from "../../../src/http/deps.ts";
import type { MonitorApi } from "../../../src/monitor/monitor-api.ts";
import { aView } from "../../support/metrics.ts";
import { aScope, but, client, declared, deps } from "./api.ts";

const anyone = { as: null } as const;

/** An isolate in a location of its own: nothing is shared through the cache. */
const isolate = async (given: Partial<HttpDeps> = {}) => {
  const sharedCache = await caches.open(crypto.randomUUID());
  return client({ sharedCache, ...given });
};

const monitorBut = (replaced: Partial<MonitorApi>): Partial<HttpDeps> => ({
  monitor: but(() => deps.monitor, replaced),
});

/** The monitor as it is, but for what it says of its ticks. */
const tickedAt = (lastTickAtMs: number | null): Partial<HttpDeps> =>
  monitorBut({
    status: async () => ({
      lastTickAtMs,
      lastTickTookMs: 10,
      cadenceMs: 10_000,
      nextTickAtMs: null,
      openIncidents: [],
      seesProduction: true,
      probesFail: false,
    }),
  });

/** Counts how often the monitor is asked for its status. */
function countingMonitor() {
  const calls = { count: 0 };
  const given = monitorBut({
    status: () => {
      calls.count += 1;
      return deps.monitor.status();
    },
  });
  return { calls, given };
}

/** What a broken route logs is for the log, not for the test's output. */
function quietLog() {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  return log;
}

function travelTo(nowMs: number): void {
  vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe("health", () => {
  it("lives without asking anybody", async ({ expect }) => {
    const unreachable: Partial<HttpDeps> = {
      get monitor(): never {
        throw new Error("nobody asks the monitor");
      },
    };
    expect((await client(unreachable)("/health", anyone)).status).toBe(200);
  });

  it("is not ready before the first tick, and says why", async ({ expect }) => {
    const answer = await (await isolate())("/health/ready", anyone);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: "not_ready",
      checks: [
        { name: "monitor", ok: false, detail: "the monitor has not ticked yet" },
        { name: "policy", ok: true, detail: expect.stringContaining("confirmed") },
        { name: "desk", ok: true, detail: "the desk answers" },
      ],
    });
  });

  it("is ready once somebody looks at production", async ({ expect }) => {
    const answer = await (await isolate(tickedAt(Date.now())))("/health/ready", anyone);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("hears of objects that fail, and does not fail with them", async ({ expect }) => {
    const read = () => Promise.reject(new Error("overloaded"));
    const ask = await isolate({
      ...tickedAt(Date.now()),
      policy: but(() => deps.policy, { read }),
    });
    const answer = await ask("/health/ready", anyone);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      checks: [{ ok: true }, { ok: false }, { ok: true }],
    });
  });
});

describe("the public copy", () => {
  it("is asked for once in its time, however many come", async ({ expect }) => {
    const { calls, given } = countingMonitor();
    const ask = await isolate(given);
    const crowd = () => Promise.all(Array.from({ length: 20 }, () => ask("/status", anyone)));
    await crowd();
    expect(calls.count).toBe(1);
    travelTo(Date.now() + COPY_TTL_MS);
    await crowd();
    expect(calls.count).toBe(2);
  });

  it("is shared with the other isolates of the location", async ({ expect }) => {
    const { calls, given } = countingMonitor();
    const sharedCache = await caches.open(crypto.randomUUID());
    await client({ ...given, sharedCache })("/status", anyone);
    await client({ ...given, sharedCache })("/status", anyone);
    expect(calls.count).toBe(1);
  });
});

describe("status page", () => {
  it("links to the site's own address, whatever Host was asked for", async ({ expect }) => {
    const ask = await isolate({ publicUrl: "https://www.shop.example" });
    const json = await (await ask("/status/api/v2/status.json", anyone)).json();
    expect(json).toMatchObject({ page: { url: "https://www.shop.example/_firebreak/status" } });
  });

  it("does not call unwatched production healthy", async ({ expect }) => {
    const ask = await isolate();
    const page = await (await ask("/status", anyone)).text();
    const json = await (await ask("/status/api/v2/status.json", anyone)).json();
    expect(page).toContain("Status unknown");
    expect(page).not.toContain("All systems operational");
    expect(json).toMatchObject({ status: { indicator: "unknown" } });
  });

  it("shows a published incident, in words for the public only", async ({ expect }) => {
    const id = await declared({
      title: "<script>alert('db-7.internal')</script>",
      severity: "SEV-1",
      playbook: "outage",
      scope: aScope(),
    });
    const ask = await isolate(tickedAt(Date.now()));
    const page = await (await ask("/status", anyone)).text();
    const summary = await (await ask("/status/api/v2/summary.json", anyone)).json();
    expect(page).not.toContain("<script");
    expect(page).not.toContain("db-7.internal");
    expect(page).toContain("Major outage");
    expect(summary).toMatchObject({
      page: { id: "pitchey.production", time_zone: "Etc/UTC" },
      status: { indicator: "critical" },
      components: [{ id: "website", status: "major_outage" }],
      incidents: [{ id, impact: "critical", status: "investigating", resolved_at: null }],
    });
  });

  it("tells what people say of it, and lists it in every document", async ({ expect }) => {
    const id = await declared({ title: "x", severity: "SEV-2", scope: aScope() });
    const message = "Some orders take long; none is lost.";
    const body = { message, status: "identified", component: "website" };
    expect((await client()(`/api/v1/incidents/${id}/updates`, { body })).status).toBe(200);
    // The desk hears of it with the incident's next alarm.
    await runDurableObjectAlarm(env.INCIDENT.getByName(id));
    const ask = await isolate(tickedAt(Date.now()));
    expect(await (await ask("/status", anyone)).text()).toContain(message);
    const told = { id, status: "identified", incident_updates: [{ body: message }] };
    for (const document of ["summary", "incidents", "incidents/unresolved"]) {
      const answer = await ask(`/status/api/v2/${document}.json`, anyone);
      const { incidents } = await answer.json<{ incidents: { id: string }[] }>();
      expect(incidents.find((incident) => incident.id === id)).toMatchObject(told);
    }
    const components = await ask("/status/api/v2/components.json", anyone);
    expect(await components.json()).toMatchObject({ components: [{ id: "website" }] });
    const feed = await ask("/status/history.atom", anyone);
    expect(feed.headers.get("content-type")).toBe("application/atom+xml; charset=utf-8");
    expect(await feed.text()).toContain(`Identified: ${message}`);
  });

  it.for([
    ["an address", { message: "Ask ada@shop.example" }, 409, "an e-mail address"],
    ["an unknown component", { message: "Slow.", component: "api" }, 422, "website"],
    [
      "an end that only the incident knows",
      { message: "Slow.", status: "resolved" },
      422,
      "status",
    ],
  ] as const)("says nothing with %s in it", async ([, body, status, detail], { expect }) => {
    const id = await declared({ scope: aScope() });
    const answer = await client()(`/api/v1/incidents/${id}/updates`, { body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(detail);
  });

  it("is served while nobody answers, by heart and never green", async ({ expect }) => {
    const id = await declared({ severity: "SEV-1", playbook: "outage", scope: aScope() });
    const sharedCache = await caches.open(crypto.randomUUID());
    await client({ sharedCache, ...tickedAt(Date.now()) })("/status", anyone);
    travelTo(Date.now() + COPY_TTL_MS);
    const dead = () => Promise.reject(new Error("overloaded"));
    // Another isolate of the location, which has never heard of anything itself.
    const ask = client({
      sharedCache,
      ...monitorBut({ status: dead }),
      policy: but(() => deps.policy, { read: dead }),
      desk: but(() => deps.desk, { open: dead, list: dead, ended: dead }),
    });
    const answer = await ask("/status", anyone);
    const page = await answer.text();
    expect(answer.status).toBe(200);
    expect(page).toContain(id);
    expect(page).toContain("this is the last we know");
    expect(page).not.toMatch(/>\s*Operational|All systems operational/);
  });

  it("tells of the 90 days in which an incident ended, though it began before them", async ({
    expect,
  }) => {
    const nowMs = Date.now();
    travelTo(nowMs);
    const desk = env.TEST_DESK.getByName(crypto.randomUUID());
    const edgeMs = nowMs - PAST_MS;
    const lasted = async (id: string, detectedAtMs: number, resolvedAtMs: number) =>
      desk.project(
        aView({
          id,
          statusPage: { component: "website", message: "" },
          anchors: { ...aView().anchors, onsetAtMs: detectedAtMs, detectedAtMs, resolvedAtMs },
        }),
      );
    await lasted("inc_1_gone", edgeMs - 1_000, edgeMs - 1);
    await lasted("inc_2_edge", edgeMs - 1_000, edgeMs);
    await lasted("inc_3_long", edgeMs - 30 * 24 * 3_600_000, nowMs - 1_000);
    await lasted("inc_4_late", edgeMs + 1, edgeMs + 2);
    // It began when nobody tells of any more, and lasted for most of a year.
    await lasted("inc_0_longest", edgeMs - 300 * 24 * 3_600_000, nowMs - 2_000);

    const ask = await isolate({ desk, ...tickedAt(nowMs) });
    const json = await (
      await ask("/status/api/v2/incidents.json", anyone)
    ).json<{
      incidents: { id: string }[];
    }>();
    const shown = json.incidents.map(({ id }) => id);
    expect(shown).toEqual(["inc_4_late", "inc_2_edge", "inc_3_long", "inc_0_longest"]);
    const page = await (await ask("/status", anyone)).text();
    for (const id of shown) expect(page).toContain(`id="${id}"`);
    expect(page).not.toContain("inc_1_gone");
    expect(page).toMatch(/All that we know of in the last\s+90 days\./);
  });

  it("has nothing to say of days that it never saw, and no share of them that was well", async ({
    expect,
  }) => {
    const dead = () => Promise.reject(new Error("overloaded"));
    const ask = await isolate({
      desk: but(() => deps.desk, { open: dead, list: dead, ended: dead }),
    });
    const page = await (await ask("/status", anyone)).text();
    expect(page).toMatch(/Past incidents<\/h2>\s*<p>Not known at the moment\.<\/p>/);
    expect(page).not.toMatch(/uptime|\d\s*%/i);
  });

  it("on a hostname of its own links to itself", async ({ expect }) => {
    const ask = await isolate({ statusUrl: "https://status.shop.example" });
    const page = await (await ask("/status", anyone)).text();
    expect(page).toContain('href="https://status.shop.example/history.atom"');
    const json = await (await ask("/status/api/v2/status.json", anyone)).json();
    expect(json).toMatchObject({ page: { url: "https://status.shop.example" } });
  });

  it("is alone on a hostname of its own", async ({ expect }) => {
    const own = { ...env, STATUS_URL: "https://status.shop.example" };
    const ask = async (url: string) => {
      const ctx = createExecutionContext();
      const answer = await worker.fetch(new Request(url), own, ctx);
      await waitOnExecutionContext(ctx);
      return answer;
    };
    const page = await ask("https://status.shop.example/");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<h1>Pitchey status</h1>");
    const api = await ask("https://status.shop.example/api/v2/status.json");
    expect(await api.json()).toMatchObject({ page: { url: "https://status.shop.example" } });
    expect((await ask("https://status.shop.example/_firebreak/api/v1/incidents")).status).toBe(404);
    expect((await ask("https://status.shop.example/pitches/1")).status).toBe(404);
  });

  it("needs no script, and lets none run", async ({ expect }) => {
    const answer = await (await isolate())("/status", anyone);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await answer.text()).toMatch(/<html lang="en">[^]*color-scheme[^]*<h1>/);
  });
});

describe("problems", () => {
  it("each have a page that explains them", async ({ expect }) => {
    const ask = client();
    for (const [slug, { title }] of Object.entries(PROBLEMS)) {
      const page = await ask(`/problems/${slug}`, anyone);
      expect(page.headers.get("content-type")).toContain("text/html");
      expect(await page.text()).toContain(title);
    }
  });

  it.for([
    ["GET", "/console", 404],
    ["GET", "/nothing", 404],
    ["GET", "/problems/constructor", 404],
    ["GET", "/status/api/v2/subscribers.json", 404],
    ["GET", "/api/v1/nothing", 401],
    ["DELETE", "/health", 405],
    ["GET", "/webhooks/alertmanager", 405],
  ] as const)("%s %s answers %d as a problem", async ([method, path, status], { expect }) => {
    const answer = await client()(path, { ...anyone, method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status, instance: `/_firebreak${path}` });
  });

  it("of the wrong method name the right ones", async ({ expect }) => {
    const answer = await client()("/api/v1/incidents", { method: "DELETE" });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, POST");
  });

  it("of our own say nothing of what went wrong inside", async ({ expect }) => {
    const log = quietLog();
    const broken = client({
      get desk(): never {
        throw new Error("postgres://user:s3cret@db.internal is down");
      },
    });
    const answer = await broken("/api/v1/incidents");
    const body = await answer.text();
    expect(answer.status).toBe(500);
    expect(body).not.toContain("s3cret");
    expect(body).not.toContain("at ");
    expect(log.mock.calls.join()).toContain("GET /_firebreak/api/v1/incidents failed");
    expect(log.mock.calls.join()).not.toContain("s3cret");
  });

  it("of an overloaded part ask for another try", async ({ expect }) => {
    quietLog();
    const overloaded = Object.assign(new Error("overloaded"), { overloaded: true });
    const busy = client({
      get desk(): never {
        throw overloaded;
      },
    });
    const answer = await busy("/api/v1/incidents");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
  });
});
