import { describe, it } from "vitest";
import { verifyToken } from "../../../src/guard/signed.ts";
import { CATALOGUE } from "../../../src/signals/catalogue.ts";
import { but, client, declared, deps, SIGNING_KEY } from "./api.ts";

const ask = client();

describe("overrides", () => {
  it("change a param for a while, and show who did and why", async ({ expect }) => {
    const body = { param: "confirm_for", value: "2s", reason: "gameday", for: "10m" };
    const set = await ask("/api/v1/playbooks/outage/overrides", {
      method: "PUT",
      as: "admin",
      body,
    });
    expect(set.status, await set.clone().text()).toBe(200);
    const { items } = await (
      await ask("/api/v1/playbooks", { as: "viewer" })
    ).json<{
      items: { id: string }[];
    }>();
    expect(items.find(({ id }) => id === "outage")).toMatchObject({
      params: { confirm_for: 2_000 },
      overrides: [{ param: "confirm_for", value: "2s", by: "admin@test", reason: "gameday" }],
    });
  });

  it("reach the site under its own id", async ({ expect }) => {
    const body = { param: "cadence_calm", value: "7s", reason: "gameday", for: "10m" };
    await ask("/api/v1/playbooks/site/overrides", { method: "PUT", as: "admin", body });
    const { site } = await (await ask("/api/v1/playbooks")).json<{ site: unknown }>();
    expect(site).toMatchObject({ params: { cadence_calm: 7_000 } });
  });

  it.for([
    ["an unknown param", { param: "confirm_fur" }, 422, "confirm_fur"],
    ["a value out of range", { value: "11m" }, 422, "1s to 10m"],
    ["a value of another type", { value: true }, 422, "not a duration"],
    ["no end", { for: undefined }, 422, "body.for"],
    ["an end too far away", { for: "31d" }, 422, "1m to 30d"],
    ["no reason", { reason: "" }, 422, "body.reason"],
  ] as const)("refuse %s", async ([, given, status, said], { expect }) => {
    const body = { param: "confirm_for", value: "2s", reason: "x", for: "10m", ...given };
    const before = await deps.monitor.overrides();
    const answer = await ask("/api/v1/playbooks/outage/overrides", {
      method: "PUT",
      as: "admin",
      body,
    });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(said);
    expect(await deps.monitor.overrides()).toEqual(before);
  });

  it("are taken back before they expire, by admins, once", async ({ expect }) => {
    const body = { param: "clear_for", value: "2s", reason: "gameday", for: "10m" };
    await ask("/api/v1/playbooks/outage/overrides", { method: "PUT", as: "admin", body });
    const take = (as: "admin" | "responder") =>
      ask("/api/v1/playbooks/outage/overrides/clear_for", { method: "DELETE", as });
    expect((await take("responder")).status).toBe(403);
    expect((await take("admin")).status).toBe(204);
    expect((await deps.monitor.overrides()).map(({ param }) => param)).not.toContain("clear_for");
    expect((await take("admin")).status).toBe(404);
  });

  it("are for admins, and for playbooks that exist", async ({ expect }) => {
    const body = { param: "confirm_for", value: "2s", reason: "x", for: "10m" };
    const byResponder = await ask("/api/v1/playbooks/outage/overrides", { method: "PUT", body });
    const nowhere = await ask("/api/v1/playbooks/outrage/overrides", {
      method: "PUT",
      as: "admin",
      body,
    });
    expect([byResponder.status, nowhere.status]).toEqual([403, 404]);
  });
});

describe("autopilot", () => {
  it("is switched for a while, by admins", async ({ expect }) => {
    const body = { mode: "off", reason: "we drive by hand", for: "1h" };
    const refused = await ask("/api/v1/autopilot", { method: "PUT", body });
    const set = await ask("/api/v1/autopilot", { method: "PUT", as: "admin", body });
    expect(refused.status).toBe(403);
    expect(await set.json()).toMatchObject({ mode: "off", expiresAt: expect.stringMatching(/Z$/) });
    expect(await (await ask("/api/v1/autopilot", { as: "viewer" })).json()).toEqual({
      mode: "off",
    });
  });

  it("knows three modes", async ({ expect }) => {
    const body = { mode: "maybe", reason: "x", for: "1h" };
    const answer = await ask("/api/v1/autopilot", { method: "PUT", as: "admin", body });
    expect(await answer.json()).toMatchObject({
      status: 422,
      errors: [{ field: "body.mode", value: "maybe", allowed: "on, shadow, off" }],
    });
  });
});

describe("signals", () => {
  it("are all listed, and unknown until somebody collected them", async ({ expect }) => {
    const { items } = await (
      await ask("/api/v1/signals", { as: "viewer" })
    ).json<{
      items: { name: string }[];
    }>();
    expect(items.map(({ name }) => name)).toEqual(Object.keys(CATALOGUE));
    expect(items[0]).toMatchObject({ unknown: "no_data", unit: "ratio", source: "probe" });
  });

  it("can be read one by one", async ({ expect }) => {
    const known = await ask("/api/v1/signals/postgres.latency_ms");
    const unknown = await ask("/api/v1/signals/postgres.latency");
    expect(await known.json()).toMatchObject({ name: "postgres.latency_ms", history: [] });
    expect(unknown.status).toBe(404);
  });
});

describe("metrics", () => {
  it("are for Prometheus, with a viewer's token", async ({ expect }) => {
    expect((await ask("/metrics", { as: null })).status).toBe(401);
    await declared({ severity: "SEV-4" });
    const answer = await ask("/metrics", { as: "viewer" });
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    expect(text).toContain('firebreak_part_up{part="desk"} 1');
    expect(text).toMatch(/^firebreak_incidents_open\{severity="SEV-4"\} [1-9]/m);
    expect(text).toMatch(/^firebreak_policy_version \d+$/m);
    expect(text).toContain('firebreak_part_up{part="policy"} 1');
  });

  it("say which part does not answer, and nothing of what it knows", async ({ expect }) => {
    const dead = () => Promise.reject(new Error("overloaded"));
    const desk = but(() => deps.desk, { open: dead, list: dead, ended: dead });
    const text = await (await client({ desk })("/metrics")).text();
    expect(text).toContain('firebreak_part_up{part="desk"} 0');
    expect(text).not.toContain("firebreak_incidents_open");
    expect(text).not.toContain("firebreak_kpi");
  });
});

describe("kpis", () => {
  it("count real incidents and leave rehearsals out", async ({ expect }) => {
    const before = await (await ask("/api/v1/kpis")).json<{ incidents: number; drills: number }>();
    await declared();
    await declared({ drill: true });
    expect(await (await ask("/api/v1/kpis?window=7d", { as: "viewer" })).json()).toMatchObject({
      incidents: before.incidents + 1,
      drills: before.drills + 1,
      from: expect.stringMatching(/Z$/),
      timeToResolve: { meanMs: null },
    });
  });

  it("refuse a window that is no window", async ({ expect }) => {
    expect((await ask("/api/v1/kpis?window=1h")).status).toBe(422);
    expect((await ask("/api/v1/kpis?window=365d&every=1d")).status).toBe(422);
  });

  it("come per severity and period by period, too", async ({ expect }) => {
    await declared({ severity: "SEV-4" });
    const answer = await ask("/api/v1/kpis?window=14d&by=severity&every=7d");
    const { by, over } = await answer.json<{
      by: { key: string; incidents: number }[];
      over: { from: string; to: string }[];
    }>();
    expect(by.find(({ key }) => key === "SEV-4")?.incidents).toBeGreaterThan(0);
    expect(over).toHaveLength(2);
    expect(over[0]?.to).toBe(over[1]?.from);
  });
});

describe("doctor", () => {
  it("names what each playbook needs, and the line that mends it", async ({ expect }) => {
    const report = await (
      await ask("/api/v1/doctor", { as: "viewer" })
    ).json<{
      site: unknown[];
      playbooks: { playbook: string; findings: { kind: string; id: string }[] }[];
    }>();
    const outage = report.playbooks.find(({ playbook }) => playbook === "outage");
    expect(outage?.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "signal", id: "postgres.reachable_ratio" }),
        { kind: "actuator", id: "maintenance-mode", state: "ok", detail: null, mend: null },
        expect.objectContaining({ kind: "review", state: "ok" }),
        expect.objectContaining({ kind: "owner", id: "platform-team", state: "ok" }),
      ]),
    );
    expect(report.site).toContainEqual(
      expect.objectContaining({
        kind: "channel",
        id: "pager",
        state: "missing",
        mend: "wrangler secret put CHANNEL_PAGER",
      }),
    );
  });
});

describe("bypass", () => {
  it("mints a token that the guard takes, in the caller's name", async ({ expect }) => {
    const body = { reason: "look at checkout", for: "30m" };
    const minted = await (
      await ask("/api/v1/bypass", { body })
    ).json<{
      token: string;
      cookie: string;
    }>();
    const verified = await verifyToken(minted.token, {
      keys: [SIGNING_KEY],
      kind: "bypass",
      instance: "pitchey.production",
      nowMs: Date.now(),
    });
    expect(verified).toMatchObject({ ok: true, value: { sub: "responder@test" } });
    expect(minted.cookie).toContain("__Host-firebreak-bypass=");
  });

  it("is the same one for the same key, and none for the same key with another body", async ({
    expect,
  }) => {
    const headers = { "idempotency-key": crypto.randomUUID() };
    const mint = (reason: string, now = Date.now()) =>
      client({ now: () => now })("/api/v1/bypass", { body: { reason, for: "30m" }, headers });
    const first = await (await mint("look at checkout")).json<{ token: string }>();
    const again = await mint("look at checkout", Date.now() + 60_000);
    expect(await again.json()).toEqual(first);

    const other = await mint("look at sign-in");
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({
      type: "/_firebreak/problems/idempotency-conflict",
    });
  });

  it("has its limits", async ({ expect }) => {
    const asViewer = await ask("/api/v1/bypass", {
      as: "viewer",
      body: { reason: "x", for: "1h" },
    });
    const tooLong = await ask("/api/v1/bypass", { body: { reason: "x", for: "9h" } });
    const unsigned = await client({ signingKeys: [] })("/api/v1/bypass", {
      body: { reason: "x", for: "1h" },
    });
    expect([asViewer.status, tooLong.status, unsigned.status]).toEqual([403, 422, 503]);
  });
});
