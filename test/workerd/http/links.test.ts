import { describe, it } from "vitest";
import { aScope, client, declared, deps } from "./api.ts";

const ask = client();
type Shown = {
  readonly lead: string | null;
  readonly links: readonly {
    readonly kind: string;
    readonly target: string;
    readonly says: string;
  }[];
};
const path = (id: string) => `/api/v1/incidents/${id}`;
const shown = async (id: string): Promise<Shown> => (await ask(path(id))).json<Shown>();

describe("links", () => {
  it("between two incidents are told to both, once however often it is asked", async ({
    expect,
  }) => {
    const [here, there] = [
      await declared({ scope: aScope() }),
      await declared({ scope: aScope() }),
    ];
    const wanted = {
      body: { incident: there, why: "one disk" },
      headers: { "idempotency-key": crypto.randomUUID() },
    };
    expect((await ask(`${path(here)}/link`, wanted)).status).toBe(200);
    const again = await ask(`${path(here)}/link`, wanted);
    expect(await again.json()).toMatchObject({ events: ["incident.linked"] });
    expect((await shown(here)).links).toMatchObject([
      { kind: "incident", target: there, says: "SEV-3 Checkout is slow" },
    ]);
    expect((await shown(there)).links).toMatchObject([{ kind: "incident", target: here }]);

    expect((await ask(`${path(here)}/unlink`, { body: { target: there } })).status).toBe(200);
    expect([(await shown(here)).links, (await shown(there)).links]).toEqual([[], []]);
  });

  it("may be to a ticket, or to a group of alerts that is kept", async ({ expect }) => {
    const id = await declared({ scope: aScope() });
    const group = crypto.randomUUID();
    const alert = {
      source: "grafana",
      fingerprint: crypto.randomUUID(),
      group,
      status: "firing",
      title: "Disk is full",
      severity: "SEV-4",
      startsAtMs: Date.now(),
      endsAtMs: null,
      saidAtMs: null,
      labels: {},
      url: null,
    } as const;
    await deps.desk.receive([alert], Date.now());
    const ticket = "https://github.com/shop/ops/issues/12";
    await ask(`${path(id)}/link`, { body: { ticket, says: "The disk" } });
    await ask(`${path(id)}/link`, { body: { alerts: { source: "grafana", group } } });
    expect((await shown(id)).links).toEqual([
      { kind: "ticket", target: ticket, says: "The disk" },
      { kind: "alerts", target: `alert:grafana:group:${group}`, says: "Disk is full" },
    ]);
  });

  it.for([
    ["nothing", {}],
    ["two things", { ticket: "https://a.example/1", incident: "inc_01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
    ["no such incident", { incident: "inc_01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
    ["a ticket that is no https address", { ticket: "javascript:alert(1)" }],
    ["alerts that nobody sent", { alerts: { source: "grafana", group: "nobody's" } }],
    ["alerts without a name", { alerts: { source: "grafana" } }],
  ] as const)("refuse %s", async ([, body], { expect }) => {
    const id = await declared({ scope: aScope() });
    expect((await ask(`${path(id)}/link`, { body })).status).toBe(422);
    expect((await shown(id)).links).toEqual([]);
  });
});

it("a lead is handed over by name or id, with what must be known", async ({ expect }) => {
  const id = await declared({ scope: aScope() });
  const body = { to: "Grace Hopper", note: "the replica is being rebuilt" };
  const early = await ask(`${path(id)}/hand-over`, { body });
  expect([early.status, await early.json()]).toMatchObject([409, { reason: "not_led" }]);
  await ask(`${path(id)}/lead`, { body: { lead: "Ada Lovelace" } });
  expect((await ask(`${path(id)}/hand-over`, { body })).status).toBe(200);
  expect((await shown(id)).lead).toBe("Grace Hopper");
  expect((await ask(`${path(id)}/hand-over`, { body: { to: "Ada" } })).status).toBe(422);
});
