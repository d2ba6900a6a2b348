import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { z } from "zod";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import { hashText } from "../../../src/sketches/hash.ts";
import { formatSeq } from "../../../src/policy/policy.ts";
import { trafficName } from "../../../src/traffic/traffic-api.ts";
import { trafficShardOf } from "../../../src/wiring/objects.ts";
import { anEntry } from "../../support/policy.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";
import { but, client, deps } from "./api.ts";

const SHARDS = 2;
/** An isolate that reports to this shard of the Worker's own. */
function isolateAt(shard: number): Telemetry {
  const ids = Array.from({ length: 50 }, () => crypto.randomUUID());
  const id = ids.find((one) => hashText(one) % SHARDS === shard) ?? "";
  return new Telemetry({
    traffic: (chosen) => trafficShardOf(env, chosen),
    shards: () => SHARDS,
    newIsolateId: () => id,
  });
}

const later = (ms: number) => client({ now: () => Date.now() + ms });
/** When everything of now is in the window. */
const SOON_MS = 6_000;

describe("the API", () => {
  it("adds up what two isolates told two shards, and says that it is all", async ({ expect }) => {
    const startMs = Date.now();
    for (const shard of [0, 1]) {
      const telemetry = isolateAt(shard);
      for (let n = 0; n < 60; n += 1) {
        telemetry.record(countedFrom(factsFrom(0xc000_0201 + shard)), startMs, () => {});
        telemetry.record(
          countedFrom(factsFrom(0xc633_6401), {
            outcome: { kind: "refused", reason: "blocked" },
            refusedBy: "lse_block",
            shadowedIds: ["lse_shadow"],
          }),
          startMs,
          () => {},
        );
      }
      expect(await telemetry.flush()).toBe(true);
    }
    const answer = await later(SOON_MS)("/api/v1/traffic?window=30s", { as: "viewer" });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const body = await answer.json<Record<string, unknown>>();
    expect(body).toMatchObject({
      isComplete: true,
      missing: { silentShards: 0, lostFlushes: 0, talkerReports: 0 },
      requests: { served: 120, failed: 0, refused: { blocked: 120 } },
      policies: { "1.1": 240 },
    });
    expect(body["talkers"]).toContainEqual(
      expect.objectContaining({
        dimension: "address",
        requests: 240,
        refused: 120,
        distinct: 3,
        top: [
          expect.objectContaining({ name: "198.51.100.1", requests: 120 }),
          expect.objectContaining({ name: "192.0.2.1", requests: 60, refused: 0 }),
          expect.objectContaining({ name: "192.0.2.2", requests: 60, refused: 0 }),
        ],
      }),
    );

    const entry = anEntry({
      id: "lse_shadow",
      mode: "shadow",
      expiresAtMs: Date.now() + 60_000,
    });
    expect(await deps.policy.put(entry)).toMatchObject({ ok: true });
    const shadow = await (await client()("/api/v1/shadow", { as: "viewer" })).json();
    expect(shadow).toMatchObject({
      since: null,
      heardUntil: expect.any(String),
      isComplete: true,
    });
    expect(shadow).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({
          id: "lse_shadow",
          entry: expect.objectContaining({ mode: "shadow", kind: "maintenance" }),
          requests: 120,
          clients: 1,
          verifiedBots: 0,
          routes: [{ route: "/pitches/:id", requests: 120 }],
        }),
        expect.objectContaining({ id: "lse_block", entry: null, requests: 120 }),
      ]),
    });
  });

  it("says nothing of an entry where no guard is heard, or not every one, and zero only where all are", async ({
    expect,
  }) => {
    const entry = anEntry({
      id: "lse_quiet",
      mode: "shadow",
      expiresAtMs: Date.now() + 60_000,
    });
    expect(await deps.policy.put(entry)).toMatchObject({ ok: true });
    const touched = { ...(await deps.traffic.touched()), entries: [], missingReports: 0 };
    const quiet = async (changes: object) => {
      const window = { ...touched, heardUntilMs: Date.now(), silentShards: 0, ...changes };
      const ask = client({ traffic: but(() => deps.traffic, { touched: async () => window }) });
      const { items } = z
        .object({ items: z.array(z.looseObject({ id: z.string() })) })
        .parse(await (await ask("/api/v1/shadow")).json());
      return items.find(({ id }) => id === "lse_quiet");
    };
    const nobody = { requests: 0, clients: 0, verifiedBots: 0 };
    const unknown = { requests: null, clients: null, verifiedBots: null };
    expect(await quiet({})).toMatchObject(nobody);
    expect(await quiet({ heardUntilMs: null })).toMatchObject(unknown);
    expect(await quiet({ silentShards: 1 })).toMatchObject(unknown);
    expect(await quiet({ missingReports: 1 })).toMatchObject(unknown);
  });

  it("says which part is missing when a shard does not answer", async ({ expect }) => {
    const silent = { ...(await deps.traffic.window(10, 0)), silentShards: 1 };
    const ask = client({ traffic: but(() => deps.traffic, { window: async () => silent }) });
    expect(await (await ask("/api/v1/traffic")).json()).toMatchObject({
      isComplete: false,
      missing: { silentShards: 1 },
    });
  });

  it("is for those who have a token, and for the last two minutes", async ({ expect }) => {
    const ask = client();
    expect((await ask("/api/v1/traffic", { as: null })).status).toBe(401);
    expect((await ask("/api/v1/shadow", { as: null })).status).toBe(401);
    const long = await ask("/api/v1/traffic?window=3m");
    expect([long.status, await long.text()]).toEqual([422, expect.stringContaining("10s to 2m")]);
  });
});

describe("receipts", () => {
  it("say for each version how much was decided on it, and how long that took", async ({
    expect,
  }) => {
    const changed = await deps.policy.put(
      anEntry({ id: "lse_receipt", mode: "shadow", expiresAtMs: Date.now() + 60_000 }),
    );
    if (!changed.ok) throw new Error(changed.error.detail);
    const { compiledAtMs = 0 } = await deps.policy.read(null);
    const seq = formatSeq(changed.value.seq);
    const telemetry = isolateAt(0);
    const decided = (policySeq: string, atMs: number) =>
      telemetry.record(countedFrom(null, { policySeq }), atMs, () => {});
    const secondMs = (later: number) => (Math.floor(compiledAtMs / 1_000) + later) * 1_000;
    decided("0.1", secondMs(1));
    for (let n = 0; n < 3; n += 1) decided(seq, secondMs(2));
    await telemetry.flush();
    const answer = await later(SOON_MS)("/api/v1/policy", { as: "viewer" });
    const { receipts } = await answer.json<{ receipts: unknown[] }>();
    expect(receipts[0]).toMatchObject({
      seq,
      compiledAt: new Date(compiledAtMs).toISOString(),
      requests: 3,
      enforcementLagMs: secondMs(3) - compiledAtMs,
    });
    expect(receipts).toContainEqual(
      expect.objectContaining({
        seq: "0.1",
        requests: 1,
        compiledAt: null,
        enforcementLagMs: null,
      }),
    );
  });
});

describe("the policy's header", () => {
  const put = (body: unknown, as: "admin" | "responder" = "admin") =>
    client()("/api/v1/policy/header", { method: "PUT", as, body });
  const until = async () =>
    (await deps.policy.read(null)).policy?.settings.policyHeaderUntilMs ?? null;

  it("is switched on by admins, with a reason and an end, and off again", async ({ expect }) => {
    const answer = await put({ reason: "checking the new guard", for: "10m" });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const { expiresAt } = await answer.json<{ expiresAt: string }>();
    expect(await until()).toBe(Date.parse(expiresAt));
    const off = await client()("/api/v1/policy/header", { method: "DELETE", as: "admin" });
    expect(await off.json()).toEqual({ header: "x-firebreak-policy", expiresAt: null });
    expect(await until()).toBeNull();
  });

  it.for([
    ["for ever", { reason: "x" }, "admin", 422],
    ["for a week", { reason: "x", for: "7d" }, "admin", 422],
    ["for no reason", { reason: "", for: "10m" }, "admin", 422],
    ["by a responder", { reason: "x", for: "10m" }, "responder", 403],
  ] as const)("is not switched on %s", async ([, body, as, status], { expect }) => {
    expect((await put(body, as)).status).toBe(status);
    expect(await until()).toBeNull();
  });
});

describe("a shard that is evicted in the middle of a window", () => {
  it("makes the window short, and signals unknown, until it has been back for as long", async ({
    expect,
  }) => {
    const telemetries = [isolateAt(0), isolateAt(1)];
    const report = async (): Promise<void> => {
      for (const telemetry of telemetries) {
        telemetry.record(countedFrom(factsFrom(1)), Date.now(), () => {});
        expect(await telemetry.flush()).toBe(true);
      }
    };
    await report();
    await evictDurableObject(env.TRAFFIC.getByName(trafficName(1)));
    await report();
    const untilSecond = Math.floor(Date.now() / 1_000) + 2;
    const window = await deps.traffic.window(10, untilSecond);
    expect(window.untilSecond - window.fromSecond).toBeLessThan(10);
    const talkers = await deps.traffic.talkers(10, untilSecond);
    expect(talkers.untilSecond - talkers.fromSecond).toBeLessThan(8);
    // Long after the eviction, a window is whole again, and empty means empty.
    const whole = await deps.traffic.window(10, untilSecond + 60);
    expect(whole).toMatchObject({ fromSecond: untilSecond + 50, lostFlushes: 0, silentShards: 0 });
    const shadow = await (await client()("/api/v1/shadow")).json();
    expect(shadow).toMatchObject({ since: expect.any(String) });
  });
});
