/** Stripe delivers while the site is in maintenance: the storefront has each event afterwards, once, in order. */
import pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { startStack, type Stack } from "../../dev/stack.ts";
import { signedByStripe } from "../../dev/payment-provider.ts";
import { eventually } from "./eventually.ts";

const EVENTS = 12;

describe.for([
  ["everything in one Worker", false],
  ["the guard as a Worker of its own", true],
] as const)("with %s", ([, split]) => {
  let stack: Stack;
  let database: pg.Client;
  beforeAll(async () => {
    stack = await startStack({ split });
    database = new pg.Client({ connectionString: stack.info.postgres });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await stack?.[Symbol.asyncDispose]();
  });

  const send = async (id: string, headers: Record<string, string> = {}): Promise<Response> => {
    const type = "payment_intent.succeeded";
    const body = JSON.stringify({
      id,
      object: "event",
      type,
      data: { object: { id: `pi_${id}` } },
    });
    const signed = await signedByStripe(stack.secrets.stripeSecret, body);
    return fetch(`${stack.info.guard}/webhooks/stripe`, {
      method: "POST",
      body,
      headers: { ...signed, ...headers },
    });
  };
  const api = async (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${stack.info.guard}/_firebreak/api/v1/${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${stack.info.token.responder}`,
        "content-type": "application/json",
      },
    });
  const applied = async (): Promise<readonly { event_id: string; is_replay: boolean }[]> =>
    (
      await database.query<{ event_id: string; is_replay: boolean }>(
        "SELECT event_id, is_replay FROM payment_events ORDER BY seq",
      )
    ).rows;
  const isInMaintenance = async (): Promise<boolean> =>
    (await fetch(`${stack.info.guard}/pitches`)).status === 503;

  it("keeps what comes in maintenance, and gives it to the storefront in order", async ({
    expect,
  }) => {
    expect((await send("evt_before")).status).toBe(200);
    const body = JSON.stringify({ actuator: "maintenance-mode", lease: "10m", why: "the test" });
    const on = await api("mitigations", { method: "POST", body });
    const { incident } = (await on.json()) as { incident: string };
    await eventually(isInMaintenance);

    const ids = Array.from({ length: EVENTS }, (_, n) => `evt_${n}`);
    for (const id of ids) {
      const answer = await send(id);
      expect([answer.status, await answer.json()]).toEqual([200, { received: true }]);
    }
    // As senders do when they are not sure.
    expect((await send("evt_0")).status).toBe(200);
    const forged = await send("evt_forged", { "stripe-signature": "t=1,v1=00" });
    expect(forged.status).toBe(503);
    expect((await applied()).map(({ event_id }) => event_id)).toEqual(["evt_before"]);
    expect(await (await api("write-journal")).json()).toMatchObject({
      items: [{ route: "stripe", missing: null, backlogCount: EVENTS, deadCount: 0 }],
    });

    const released = await api("mitigations/release-all", { method: "POST", body: "{}" });
    expect(released.status, incident).toBe(200);
    await eventually(async () => !(await isInMaintenance()));
    // While any waits, it joins them.
    expect((await send("evt_after")).status).toBe(200);
    await eventually(async () => (await applied()).length === EVENTS + 2);

    const events = await applied();
    expect(events.map(({ event_id }) => event_id)).toEqual(["evt_before", ...ids, "evt_after"]);
    expect(events.slice(1, 1 + EVENTS).every(({ is_replay }) => is_replay)).toBe(true);
    expect(await (await api("write-journal")).json()).toMatchObject({
      items: [{ backlogCount: 0, deadCount: 0, lastFailure: null }],
    });
  });

  it("leaves the storefront to itself again when nothing waits", async ({ expect }) => {
    await eventually(async () => {
      const policy = await (await api("policy")).json();
      return (policy as { entries: unknown[] }).entries.length === 0;
    });
    await eventually(async () => {
      const id = `evt_${crypto.randomUUID()}`;
      await send(id);
      return (await applied()).some((one) => one.event_id === id && !one.is_replay);
    });
    expect((await send("evt_forged", { "stripe-signature": "t=1,v1=00" })).status).toBe(401);
  });
});
