/** The stack as gamedays use it, with the guard as a Worker of its own: the harder of the two variants. */
import pg from "pg";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { z } from "zod";
import { startStack, type Stack } from "../../../dev/stack.ts";
import type { WorkerLog } from "../../../dev/workers.ts";
import { tellAlert } from "../../../dev/outside-monitor.ts";
import { readsServedBy } from "../../../gamedays/reads-served.ts";

const ANSWER_WITHIN_MS = 3_000;

const heartbeats = z.object({
  items: z.array(z.looseObject({ measures: z.string().nullable() })),
});
const neonProject = z.object({
  state: z.object({ endpoints: z.array(z.object({ id: z.string(), type: z.string() })) }),
});
const mitigations = z.object({ items: z.array(z.object({ id: z.string() })) });

let stack: Stack;
const logged: WorkerLog[] = [];
beforeAll(async () => {
  stack = await startStack({ split: true, onLog: (log) => logged.push(log) });
}, 120_000);
afterAll(async () => stack?.[Symbol.asyncDispose]());

const ask = (path: string, init?: RequestInit) => fetch(`${stack.info.guard}${path}`, init);
const post = (path: string, body: Record<string, string>, headers: Record<string, string> = {}) =>
  ask(path, {
    method: "POST",
    redirect: "manual",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const control = async (path: string): Promise<unknown> =>
  (await fetch(`${stack.info.vendors}/__stack/${path}`, { method: "POST" })).json();

async function signIn(): Promise<{ Cookie: string }> {
  const response = await post("/sign-in", { email: "ada@example.com", password: "lovelace" });
  return { Cookie: response.headers.get("Set-Cookie")?.split(";")[0] ?? "" };
}

it.for(["postgres.cpu_ratio", "origin.cpu_ratio"])(
  "tells %s of its real processes, as a job beside them would",
  async (measured, { expect }) => {
    const path = "/_firebreak/api/v1/heartbeats";
    const headers = { Authorization: `Bearer ${stack.info.token.viewer}` };
    await vi.waitFor(
      async () => {
        const { items } = heartbeats.parse(await (await ask(path, { headers })).json());
        const cpu = items.find(({ measures }) => measures === measured);
        expect(cpu).toMatchObject({ status: "ok", value: expect.any(Number) });
      },
      { timeout: 20_000, interval: 500 },
    );
  },
);

describe("the storefront behind the guard", () => {
  it("shows its pitches as a page and as data", async ({ expect }) => {
    const page = await ask("/", { headers: { Accept: "text/html" } });
    expect(page.headers.get("Content-Type")).toMatch(/^text\/html/);
    expect(await page.text()).toContain("The Difference");
    const list = await ask("/pitches");
    expect(await list.json()).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ author: "Mary Shelley" })]),
    });
    expect((await ask("/pitches/nobody")).status).toBe(404);
    expect((await ask("/assets/site.css")).headers.get("Content-Type")).toMatch(/^text\/css/);
  });

  it("lets people in who know the password, and nobody else", async ({ expect }) => {
    const wrong = await post("/sign-in", { email: "ada@example.com", password: "byron" });
    expect(wrong.status).toBe(401);
    const unknown = await post("/sign-in", { email: "nobody@example.com", password: "x" });
    expect(await unknown.json()).toEqual(await wrong.json());
    const incomplete = await post("/sign-in", { email: "ada@example.com" });
    expect([incomplete.status, await incomplete.json()]).toEqual([
      400,
      { error: expect.stringMatching(/^password: /) },
    ]);
    expect((await signIn()).Cookie).toMatch(/^session=/);
  });

  it("takes pitches and orders from who is signed in", async ({ expect }) => {
    const order = { pitch_id: "1" };
    expect((await post("/checkout", order)).status).toBe(401);
    const cookie = await signIn();
    const paid = await post("/checkout", order, cookie);
    expect([paid.status, await paid.json()]).toEqual([
      201,
      {
        payment_id: expect.stringMatching(/^\d+$/),
        amount: 4900,
        currency: "usd",
        status: "succeeded",
      },
    ]);
    const pitch = { title: "Sequel", summary: "It comes back.", price_cents: "100" };
    const made = await post("/pitches", pitch, cookie);
    expect(made.status).toBe(201);
    expect((await post("/pitches", { ...pitch, title: "" }, cookie)).status).toBe(400);
  });
});

describe("a lease on production's own doing", () => {
  async function numberFrom(connectionString: string, text: string): Promise<number> {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      const { rows } = await client.query<{ number: number }>(text);
      return rows[0]?.number ?? 0;
    } finally {
      await client.end();
    }
  }
  /** How often the replica was asked for the list of pitches. */
  const readsOfReplica = () =>
    numberFrom(
      stack.replica.url("storefront"),
      "SELECT coalesce(sum(calls), 0)::int AS number FROM pg_stat_statements WHERE query LIKE '%FROM pitches p JOIN users%'",
    );
  /** Computes that the stand-in for Neon has beside the one that writes. */
  const readers = async () =>
    neonProject
      .parse(await (await fetch(`${stack.info.vendors}/__vendor/neon-api`)).json())
      .state.endpoints.filter(({ type }) => type === "read_only");
  const urlOf = async (endpointId: string): Promise<string> => {
    const query = new URLSearchParams({
      branch_id: "br-main",
      endpoint_id: endpointId,
      database_name: "storefront",
      role_name: "storefront",
    });
    const answer = await fetch(
      `${stack.info.vendors}/neon-api/projects/storefront/connection_uri?${query}`,
      { headers: { Authorization: `Bearer ${stack.secrets.neonKey}` } },
    );
    return z.object({ uri: z.string() }).parse(await answer.json()).uri;
  };
  const attemptsToSignIn = () =>
    numberFrom(stack.info.postgres, "SELECT count(*)::int AS number FROM auth_logs");
  const asResponder = (method: string, path: string, body?: unknown) =>
    ask(`/_firebreak/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${stack.info.token.responder}`,
        "Content-Type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  it("sends its reads to the replica, and back when it is taken back", async ({ expect }) => {
    expect(await readsOfReplica()).toBe(0);
    const applied = await asResponder("POST", "/mitigations", {
      actuator: "route-reads-to-replica",
      lease: "5m",
      why: "the primary is slow",
    });
    expect(applied.status, await applied.clone().text()).toBe(200);
    await vi.waitFor(
      async () => {
        expect((await ask("/pitches")).status).toBe(200);
        expect(await readsOfReplica()).toBeGreaterThan(0);
      },
      { timeout: 25_000, interval: 200 },
    );
    const { items } = mitigations.parse(await (await asResponder("GET", "/mitigations")).json());
    for (const { id } of items) await asResponder("DELETE", `/mitigations/${id}?why=enough`);
    await vi.waitFor(
      async () => {
        const before = await readsOfReplica();
        for (let n = 0; n < 5; n += 1) await ask("/pitches");
        expect(await readsOfReplica()).toBe(before);
      },
      { timeout: 25_000, interval: 200 },
    );
  }, 60_000);

  it("sends its reads to a replica that is added at Neon just now, and back before that goes", async ({
    expect,
  }) => {
    const applied = await asResponder("POST", "/mitigations", {
      actuator: "add-read-replica",
      with: { max_cu: 1 },
      lease: "5m",
      why: "there is no other replica to read from",
    });
    expect(applied.status, await applied.clone().text()).toBe(200);
    const before = await readsOfReplica();
    await vi.waitFor(
      async () => {
        expect((await ask("/pitches")).status).toBe(200);
        const [added] = await readers();
        expect(await readsServedBy(await urlOf(added?.id ?? "none yet"))).toBeGreaterThan(0);
      },
      { timeout: 40_000, interval: 200 },
    );
    expect(await readsOfReplica()).toBe(before);
    const { items } = mitigations.parse(await (await asResponder("GET", "/mitigations")).json());
    for (const { id } of items) await asResponder("DELETE", `/mitigations/${id}?why=enough`);
    await vi.waitFor(async () => expect(await readers()).toEqual([]), { timeout: 25_000 });
    expect((await ask("/pitches")).status).toBe(200);
  }, 90_000);

  it("fails over by hand: who writes is told to wait, and who signs in is let in", async ({
    expect,
  }) => {
    const order = { pitch_id: "1" };
    const cookie = await signIn();
    const applied = await asResponder("POST", "/mitigations", {
      actuator: "failover-to-replica",
      lease: "5m",
      why: "the primary is about to be restarted",
    });
    expect(applied.status, await applied.clone().text()).toBe(200);
    await vi.waitFor(
      async () => {
        const before = await attemptsToSignIn();
        expect((await signIn()).Cookie).toMatch(/^session=/);
        expect(await attemptsToSignIn()).toBe(before);
      },
      { timeout: 25_000, interval: 200 },
    );
    await vi.waitFor(
      async () => {
        const refused = await post("/checkout", order, cookie);
        expect([refused.status, refused.headers.get("Retry-After")]).toEqual([
          503,
          expect.stringMatching(/^\d+$/),
        ]);
      },
      { timeout: 25_000, interval: 200 },
    );
    const { items } = mitigations.parse(await (await asResponder("GET", "/mitigations")).json());
    for (const { id } of items) await asResponder("DELETE", `/mitigations/${id}?why=enough`);
    await vi.waitFor(
      async () => expect((await post("/checkout", order, cookie)).status).toBe(201),
      { timeout: 25_000, interval: 200 },
    );
  }, 60_000);
});

/** What whoever looks for this in the Workers' log is shown. */
const found = (what: string): readonly unknown[] =>
  logged.flatMap(({ message }) => (message.includes(what) ? [JSON.parse(message)] : []));

describe("the Workers' log", () => {
  const api = async (path: string, body: object = {}): Promise<{ id?: string | undefined }> => {
    const answer = await ask(`/_firebreak/api/v1${path}`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${stack.info.token.responder}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return z.object({ id: z.string().optional() }).parse(await answer.json());
  };

  it("tells an incident by its id, from what was seen to its end", async ({ expect }) => {
    const asked = { title: "Prices are wrong", severity: "SEV-2", scope: "prices" };
    const { id: incident = "" } = await api("/incidents", asked);
    const by = { actuator: "read-only", lease: "1m", why: "nobody buys at them", incident };
    await api("/mitigations", by);
    await vi.waitFor(() => expect(found(incident)).toContainEqual(said("lease.applied")), {
      timeout: 10_000,
    });
    await api(`/incidents/${incident}/resolve`, { why: "they are right again" });
    const told = ["message.delivered", "incident.resolved", "lease.reverted"];
    await vi.waitFor(
      () => {
        for (const event of told) expect(found(incident)).toContainEqual(said(event));
      },
      { timeout: 20_000 },
    );
    expect(found(incident)[0]).toMatchObject({ part: "desk", incident, answer: "open" });
    expect(found(incident)).toContainEqual(said("incident.opened"));
    for (const line of found(incident)) expect(line).toMatchObject({ incident });

    function said(event: string): unknown {
      return expect.objectContaining({ level: "info", part: "incidents", incident, event });
    }
  }, 60_000);

  it("tells what a monitoring tool sent", async ({ expect }) => {
    const site = { url: stack.info.guard, token: stack.secrets.alertmanagerToken };
    const alert = { name: "Prices are wrong", startedAtMs: Date.now(), endedAtMs: null };
    expect(await tellAlert(site, alert)).toBe(202);
    await vi.waitFor(() =>
      expect(found('"webhooks"')).toContainEqual(
        expect.objectContaining({ source: "alertmanager", alerts: 1, accepted: 1 }),
      ),
    );
    expect(await tellAlert(site, { ...alert, endedAtMs: Date.now() })).toBe(202);
  });
});

// Last, as it takes the stores away.
describe("the stores of the stack", () => {
  for (const store of ["postgres", "redis"] as const) {
    it(`can lose ${store} and get it back`, async ({ expect }) => {
      expect(await control(`${store}/stop`)).toEqual({ running: false });
      expect(stack[store].isRunning).toBe(false);
      const health = await fetch(`${stack.info.storefront}/health`, {
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      expect([health.status, await health.json()]).toEqual([
        503,
        {
          status: "failing",
          checks: expect.objectContaining({ [store]: expect.objectContaining({ ok: false }) }),
        },
      ]);
      expect(await control(`${store}/start`)).toEqual({ running: true });
      expect((await fetch(`${stack.info.storefront}/health`)).status).toBe(200);
    });
  }

  it("refuses to do anything else to them", async ({ expect }) => {
    const url = `${stack.info.vendors}/__stack/postgres/drop`;
    expect((await fetch(url, { method: "POST" })).status).toBe(404);
  });
});
