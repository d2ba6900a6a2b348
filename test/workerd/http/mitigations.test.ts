import { describe, it, onTestFinished, vi } from "vitest";
import type { DeskApi } from "../../../src/incidents/desk-api.ts";
import type { IncidentApi } from "../../../src/incidents/incident-api.ts";
import { anEntry } from "../../support/policy.ts";
import { but, client, declared, deps } from "./api.ts";

const ask = client();
const FOLLOW_MS = 5_000;

type Answer = { readonly incident: string; readonly seq: number; readonly events: string[] };

/** Waits for the journal to hold an event of this type. */
async function until(incident: IncidentApi, type: string): Promise<void> {
  let seq = 0;
  for (;;) {
    const rows = await incident.follow(seq, FOLLOW_MS);
    if (rows.length === 0) throw new Error(`no ${type} within ${FOLLOW_MS} ms after row ${seq}`);
    if (rows.some((row) => row.type === type)) return;
    seq = rows.at(-1)?.seq ?? seq;
  }
}

/** Maintenance by hand, in force. */
async function applied(given: Readonly<Record<string, unknown>> = {}) {
  const incident = await declared();
  const body = { actuator: "maintenance-mode", lease: "10m", why: "drill", incident, ...given };
  const answer = await ask("/api/v1/mitigations", { body });
  const view = await deps.incident(incident).view();
  await until(deps.incident(incident), "lease.applied");
  return { incident, answer, mid: view?.leases[0]?.id ?? "" };
}

const kindsInForce = async (): Promise<readonly string[]> =>
  (await deps.policy.entries()).map((entry) => entry.id);

describe("by hand", () => {
  it("applies until it is extended and taken back", async ({ expect }) => {
    const { incident, answer, mid } = await applied();
    expect(answer.status).toBe(200);
    expect(await answer.json<Answer>()).toMatchObject({ incident });

    const policy = await (
      await ask("/api/v1/policy", { as: "viewer" })
    ).json<{
      entries: { id: string }[];
    }>();
    expect(policy.entries.find(({ id }) => id === mid)).toMatchObject({
      kind: "maintenance",
      mode: "enforce",
      expiresAt: expect.stringMatching(/Z$/),
    });

    const path = `/api/v1/incidents/${incident}/mitigations/${mid}`;
    const before = (await deps.incident(incident).view())?.leases[0]?.expiresAtMs ?? 0;
    expect((await ask(`${path}/extend`, { body: { by: "5m" } })).status).toBe(200);
    const after = (await deps.incident(incident).view())?.leases[0]?.expiresAtMs;
    expect(after).toBe(before + 5 * 60_000);

    const read = await ask(`/api/v1/mitigations/${mid}`, { as: "viewer" });
    expect(await read.json()).toMatchObject({ id: mid, incident, actuator: "maintenance-mode" });
    expect((await ask(`/api/v1/mitigations/${mid}?why=done`, { method: "DELETE" })).status).toBe(
      200,
    );
    await until(deps.incident(incident), "lease.reverted");
    expect(await kindsInForce()).not.toContain(mid);
  });

  it("is reworded without a new lease, in the policy at once", async ({ expect }) => {
    const { incident, mid } = await applied({ with: { message: "We look into it." } });
    const before = await deps.policy.get(mid);
    const body = { message: "Half done <b>.", why: "people ask" };
    expect((await ask(`/api/v1/mitigations/${mid}`, { method: "PATCH", body })).status).toBe(200);
    await until(deps.incident(incident), "lease.adjusted");
    expect(await deps.policy.get(mid)).toEqual({ ...before, action: { message: body.message } });

    await ask(`/api/v1/mitigations/${mid}`, { method: "DELETE" });
    const late = await ask(`/api/v1/mitigations/${mid}`, { method: "PATCH", body });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ reason: "lease_ended" });
  });

  it.for([
    ["nothing to read", { message: "" }],
    ["no end of it", { message: "x".repeat(501) }],
    ["markup in another field", { message: "x", html: "<b>" }],
  ] as const)("is not reworded with %s", async ([, body], { expect }) => {
    const { mid } = await applied();
    const answer = await ask(`/api/v1/mitigations/${mid}`, { method: "PATCH", body });
    expect(answer.status).toBe(422);
  });

  it("opens a plain incident when none is named, and uses it again", async ({ expect }) => {
    const body = { actuator: "read-only", lease: "5m", why: "looking around" };
    const first = await (await ask("/api/v1/mitigations", { body })).json<Answer>();
    const second = await (await ask("/api/v1/mitigations", { body })).json<Answer>();
    expect(first.incident).toMatch(/^inc_/);
    expect(second.incident).toBe(first.incident);
    expect(await deps.incident(first.incident).view()).toMatchObject({ playbook: "plain" });
  });

  it.for([
    ["an unknown actuator", { actuator: "self-destruct" }, 422],
    ["a name that every object has", { actuator: "constructor" }, 422],
    ["an option it does not have", { with: { mesage: "x" } }, 422],
    ["a lease that is too short", { lease: "1s" }, 422],
    ["a lease without an end", { lease: "forever" }, 422],
    ["no reason", { why: " " }, 422],
  ] as const)("refuses %s, and applies nothing", async ([, given, status], { expect }) => {
    const incident = await declared();
    const body = { actuator: "maintenance-mode", lease: "10m", why: "drill", incident, ...given };
    const answer = await ask("/api/v1/mitigations", { body });
    expect(answer.status, await answer.clone().text()).toBe(status);
    expect((await deps.incident(incident).view())?.leases).toEqual([]);
  });

  it.for([
    ["an unknown actuator", '{"actuator":"self-destruct"'],
    [
      "options nested without an end",
      `{"actuator":"read-only","with":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
    ],
  ] as const)("opens no incident for %s", async ([, given], { expect }) => {
    const trigger = vi.fn<DeskApi["trigger"]>();
    const own = client({ desk: but(() => deps.desk, { trigger }) });
    const headers = { "content-type": "application/json" };
    const body = `${given},"lease":"5m","why":"x"}`;
    const answer = await own("/api/v1/mitigations", { body, headers });
    expect(answer.status).toBe(422);
    expect(trigger).not.toHaveBeenCalled();
  });

  it("refuses what comes too late, with the reason", async ({ expect }) => {
    const { incident, mid } = await applied();
    const path = `/api/v1/incidents/${incident}/mitigations/${mid}`;
    const approved = await ask(`${path}/approve`, { method: "POST" });
    expect(approved.status).toBe(409);
    expect(await approved.json()).toMatchObject({ reason: "lease_not_waiting" });
    await ask(`${path}/revert`, { method: "POST" });
    await until(deps.incident(incident), "lease.reverted");
    const extended = await ask(`${path}/extend`, { body: { by: "5m" } });
    expect(await extended.json()).toMatchObject({ status: 409, reason: "lease_ended" });
  });

  it("shows visitors nothing that everybody should not read", async ({ expect }) => {
    const incident = await declared();
    const message = "Ask ada@shop.example.";
    const body = { actuator: "maintenance-mode", lease: "10m", why: "x", incident };
    const refused = [
      await ask("/api/v1/mitigations", { body: { ...body, with: { message } } }),
      await ask(`/api/v1/mitigations/lse_${"0".repeat(26)}`, {
        method: "PATCH",
        body: { message },
      }),
    ];
    expect(await Promise.all(refused.map((answer) => answer.json()))).toMatchObject(
      ["body.with.message", "body.message"].map((field) => ({
        status: 422,
        errors: [{ field, message: "it has an e-mail address in it, and everybody would read it" }],
      })),
    );
    expect((await deps.incident(incident).view())?.leases).toEqual([]);
  });

  it("is not for viewers", async ({ expect }) => {
    const body = { actuator: "read-only", lease: "5m", why: "x" };
    expect((await ask("/api/v1/mitigations", { body, as: "viewer" })).status).toBe(403);
    const all = await ask("/api/v1/mitigations/release-all", { method: "POST", as: "viewer" });
    expect(all.status).toBe(403);
  });
});

describe("an act", () => {
  const body = { actuator: "rollback-deployment", why: "the last deployment broke it" };

  it("by hand is looked into, and says what is missing", async ({ expect }) => {
    const incident = await declared();
    const answer = await ask("/api/v1/mitigations", { body: { ...body, incident } });
    expect(answer.status, await answer.clone().text()).toBe(200);
    await until(deps.incident(incident), "act.failed");
    // The incident itself, not the desk's index of it, which follows a moment later.
    const read = await ask(`/api/v1/incidents/${incident}`, { as: "viewer" });
    const [shown] = (await read.json<{ mitigations: { id: string }[] }>()).mitigations;
    const mid = shown?.id ?? "";
    expect(shown).toMatchObject({
      id: expect.stringMatching(/^act_/),
      kind: "act",
      status: "failed",
      mode: "manual",
      expiresAt: null,
      says: null,
      why: expect.stringContaining("CLOUDFLARE_API_TOKEN"),
    });
    const path = `/api/v1/incidents/${incident}/mitigations/${mid}`;
    for (const [command, reason] of [
      ["approve", "lease_not_waiting"],
      ["decline", "lease_not_waiting"],
      ["revert", "not_reversible"],
    ] as const) {
      const refused = await ask(`${path}/${command}`, { method: "POST" });
      expect(await refused.json()).toMatchObject({ status: 409, reason });
    }
  });

  it.for([
    ["an act for a time", { ...body, lease: "5m" }],
    ["a lease for no time", { actuator: "read-only", why: "x" }],
  ] as const)("is not %s", async ([, given], { expect }) => {
    const answer = await ask("/api/v1/mitigations", { body: given });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: "body.lease" }] });
  });
});

describe("release-all", () => {
  it("leaves what only says that deliveries wait", async ({ expect }) => {
    const entry = { kind: "write-journal", match: { routes: ["/webhooks/stripe"] } };
    const marker = anEntry({ ...entry, id: "wj_stripe_0", expiresAtMs: Date.now() + 60_000 });
    await deps.policy.put(marker);
    onTestFinished(() => void deps.policy.remove(marker.id));
    await ask("/api/v1/mitigations/release-all", { body: {} });
    expect(await deps.policy.get(marker.id)).toEqual(marker);
  });

  it("takes back every mitigation, and what nobody answers for", async ({ expect }) => {
    const [one, two] = [await applied(), await applied({ actuator: "read-only" })];
    await deps.policy.put(anEntry({ id: "forgotten", expiresAtMs: Date.now() + 60_000 }));

    const answer = await ask("/api/v1/mitigations/release-all", { body: { why: "enough" } });
    const said = await answer.json<{ items: unknown[]; removedEntries: string[] }>();
    expect(said.items).toEqual(
      expect.arrayContaining(
        [one, two].map(({ incident }) => expect.objectContaining({ incident, ok: true })),
      ),
    );
    expect(said.removedEntries).toContain("forgotten");
    await until(deps.incident(one.incident), "lease.reverted");
    await until(deps.incident(two.incident), "lease.reverted");
    expect(await kindsInForce()).not.toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`${one.mid}|${two.mid}|forgotten`)),
      ]),
    );
  });

  it("clears the policy even when no incident can be reached", async ({ expect }) => {
    const { mid } = await applied();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const cutOff = client({
      incident: () => {
        throw new Error("unreachable");
      },
    });
    const answer = await cutOff("/api/v1/mitigations/release-all", { method: "POST" });
    const said = await answer.json<{ items: { ok: boolean }[]; removedEntries: string[] }>();
    expect(answer.status).toBe(200);
    expect(said.items.every(({ ok }) => !ok)).toBe(true);
    expect(said.removedEntries).toContain(mid);
    expect(await kindsInForce()).not.toContain(mid);
  });
});
