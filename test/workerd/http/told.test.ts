/** What jobs and people tell us, from the request to the signal. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { heartbeats } from "../../../src/signals/sources/heartbeats.ts";
import { heartbeatsOf } from "../../../src/playbooks/site-heartbeats.ts";
import { reports } from "../../../src/signals/sources/reports.ts";
import { integrityCheck } from "../../../src/integrity/check.ts";
import type { DeskApi } from "../../../src/incidents/desk-api.ts";
import { REPORT_WINDOW_MS, REPORTS_BATCH_MAX } from "../../../src/alerts/reports.ts";
import { aPoll } from "../../support/signals.ts";
import { but, client, deps, HEARTBEAT_TOKEN } from "./api.ts";

const site = {
  ...deps.bundle.site,
  heartbeats: [
    { name: "nightly-backup", watches: "backup" as const, every: "24h", grace: "1h" },
    { name: "import", watches: "job" as const, every: "1h", grace: "5m" },
    {
      name: "database-cpu",
      watches: "job" as const,
      measures: "postgres.cpu_ratio" as const,
      every: "10s",
      grace: "20s",
    },
  ],
  integrity: [
    { kind: "row-count", id: "users-stay", table: "users" },
    { kind: "duplicates", id: "emails", table: "users", columns: ["email"] },
  ].map((check) => integrityCheck.parse(check)),
};
const DECLARED = heartbeatsOf(site);
const authorization = `Bearer ${HEARTBEAT_TOKEN}`;

/** A desk of the test's own, and the surface over it. */
function aSite() {
  const desk: DeskApi = env.TEST_DESK.getByName(crypto.randomUUID());
  const ask = client({ desk, bundle: { ...deps.bundle, site } });
  const poll = (atMs = Date.now()) => aPoll({ told: desk, heartbeats: DECLARED, atMs });
  return { desk, ask, poll };
}

describe("POST /heartbeats/{name}", () => {
  it("turns a job's word, and its silence, into signals", async ({ expect }) => {
    const { ask, poll } = aSite();
    const beat = (name: string, body?: unknown) =>
      ask(`/heartbeats/${name}`, { method: "POST", as: null, headers: { authorization }, body });
    const before = await heartbeats.poll(poll());
    expect(before["heartbeats.backup_age_seconds"]).toMatchObject({ unknown: "no_data" });
    expect(before["heartbeats.late_count"]).toEqual({ value: 0 });

    expect((await beat("nightly-backup", { status: "ok", detail: "4.2 GB" })).status).toBe(202);
    expect((await beat("import")).status).toBe(202);
    const nowMs = Date.now();
    const well = await heartbeats.poll(poll(nowMs + 60_000));
    expect(well["heartbeats.backup_age_seconds"]).toMatchObject({
      value: expect.closeTo(60, 0) as number,
    });
    const later = await heartbeats.poll(poll(nowMs + 2 * 3_600_000));
    // The import, and the one that never came.
    expect(later["heartbeats.late_count"]).toEqual({ value: 2 });

    await beat("import", { status: "failed", detail: "no rows from postgres://u:hunter2@db/x" });
    const failed = await heartbeats.poll(poll());
    expect(failed["heartbeats.failed_count"]).toEqual({ value: 1 });
    // An import that failed is no backup that did.
    expect(failed["heartbeats.failed_backups_count"]).toEqual({ value: 0 });
    const list = await (await ask("/api/v1/heartbeats", { as: "viewer" })).json<object>();
    expect(list).toMatchObject({
      items: [
        { name: "nightly-backup", status: "ok", detail: "4.2 GB" },
        { name: "import", status: "failed", detail: "no rows from postgres://[redacted]@db/x" },
        { name: "database-cpu", measures: "postgres.cpu_ratio", value: null },
      ],
    });
  });

  it("takes what a job measures for the signal, until the job is late", async ({ expect }) => {
    const { ask, poll } = aSite();
    const signal = async (atMs = Date.now()) =>
      (await heartbeats.poll(poll(atMs)))["postgres.cpu_ratio"];
    expect(await signal()).toMatchObject({ unknown: "no_data" });
    const say = (body: unknown) =>
      ask("/heartbeats/database-cpu", {
        method: "POST",
        as: null,
        headers: { authorization },
        body,
      });
    await say({ value: 0.42 });
    expect(await signal()).toEqual({ value: 0.42 });
    await say({ value: 0.97 });
    expect(await signal()).toEqual({ value: 0.97 });
    expect(await signal(Date.now() + 31_000)).toMatchObject({ unknown: "no_data" });
    await say({ status: "failed", detail: "the server does not answer" });
    expect(await signal()).toMatchObject({ unknown: "no_data" });
    const others = await heartbeats.poll(poll());
    expect(others["origin.cpu_ratio"]).toMatchObject({ unknown: "not_configured" });
  });

  it.for([
    ["a wrong token", "nightly-backup", { authorization: "Bearer nope" }, undefined, 401],
    ["an API token", "nightly-backup", { authorization: "Bearer admin-token" }, undefined, 401],
    ["an undeclared job", "weekly", { authorization }, undefined, 404],
    ["a status that is none", "import", { authorization }, { status: "fine" }, 422],
    ["a detail too long", "import", { authorization }, { detail: "x".repeat(501) }, 422],
    ["a value of a job that measures nothing", "import", { authorization }, { value: 0.5 }, 422],
    ["no value of one that does", "database-cpu", { authorization }, {}, 422],
    ["a value above 1", "database-cpu", { authorization }, { value: 42 }, 422],
    ["a body too large", "import", { authorization }, { detail: "x".repeat(5_000) }, 413],
  ] as const)("refuses %s", async ([, name, headers, body, status], { expect }) => {
    const { ask, desk } = aSite();
    const answer = await ask(`/heartbeats/${name}`, { method: "POST", as: null, headers, body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain(HEARTBEAT_TOKEN);
    const [heard] = await desk.heartbeats(["import"]);
    expect(heard).toMatchObject({ lastOkAtMs: null, lastFailedAtMs: null });
  });

  it("refuses a word of failure that does not say it is JSON, and never takes it for a good run", async ({
    expect,
  }) => {
    const { ask, desk } = aSite();
    const body = '{"status":"failed"}';
    const contentTypes = ["application/x-www-form-urlencoded", "text/plain", null];
    for (const contentType of contentTypes) {
      const headers = contentType === null ? {} : { "content-type": contentType };
      const given = contentType === null ? new TextEncoder().encode(body) : body;
      const answer = await ask("/heartbeats/nightly-backup", {
        method: "POST",
        as: null,
        headers: { authorization, ...headers },
        body: given,
      });
      expect([contentType, answer.status]).toEqual([contentType, 415]);
    }
    const [heard] = await desk.heartbeats(["nightly-backup"]);
    expect(heard).toMatchObject({ lastOkAtMs: null, lastFailedAtMs: null });
  });

  it("says that its secret is not set, in a way that makes jobs try again", async ({ expect }) => {
    const { ask: _, ...rest } = aSite();
    const ask = client({ desk: rest.desk, heartbeatToken: undefined });
    const answer = await ask("/heartbeats/import", { method: "POST", headers: { authorization } });
    expect(answer.status).toBe(503);
    expect(answer.headers.has("retry-after")).toBe(true);
  });
});

describe("POST /reports", () => {
  const from = (address: string) => ({ "cf-connecting-ip": address });

  it("counts people, not reports, and says nothing before the first", async ({ expect }) => {
    const { ask, desk, poll } = aSite();
    const none = await reports.poll(poll());
    expect(none["reports.users_count"]).toMatchObject({ unknown: "no_data" });
    const say = (kind: string, address: string) =>
      ask("/reports", { as: null, body: { kind }, headers: from(address) });
    await Promise.all([
      say("missing_records", "192.0.2.1"),
      say("missing_records", "192.0.2.1"),
      say("wrong_data", "192.0.2.1"),
      say("payment", "192.0.2.2"),
      say("slow", "192.0.2.3"),
      say("unavailable", "192.0.2.2"),
      say("unavailable", "192.0.2.3"),
    ]);
    expect(await reports.poll(poll())).toEqual({
      "reports.users_count": { value: 3 },
      "reports.unavailable_count": { value: 2 },
      "reports.data_count": { value: 1 },
      "reports.payment_count": { value: 1 },
    });
    expect(await desk.reports(100)).toHaveLength(6);
  });

  it("reaches the desk once for many strangers, and names none of them", async ({ expect }) => {
    const { desk } = aSite();
    const calls: number[] = [];
    const ask = client({
      desk: but(() => desk, {
        report: async (given) => {
          calls.push(given.length);
          await desk.report(given);
        },
      }),
    });
    const said = { kind: "unavailable", text: "nothing loads", path: "/pitches?token=hunter2" };
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        ask("/reports", { as: null, body: said, headers: from(`192.0.2.${n}`) }),
      ),
    );
    expect(calls).toEqual([30]);
    const kept = JSON.stringify(await desk.reports(100));
    expect(kept).toContain("nothing loads");
    expect(kept).not.toContain("192.0.2");
    expect(kept).not.toContain("hunter2");
  });

  it("takes reports again after the desk was down, however many waited", async ({ expect }) => {
    const { desk } = aSite();
    let isDown = true;
    const ask = client({
      desk: but(() => desk, {
        report: (given) => (isDown ? Promise.reject(new Error("down")) : desk.report(given)),
      }),
    });
    const say = async (n: number) =>
      (await ask("/reports", { as: null, body: { kind: "slow" }, headers: from(`192.0.2.${n}`) }))
        .status;
    await Promise.all(Array.from({ length: REPORTS_BATCH_MAX }, (_, n) => say(n)));
    expect(await say(200)).toBe(503);
    isDown = false;
    // It sends what waits; whoever was turned away is heard when he says it again.
    expect(await say(200)).toBe(503);
    expect(await say(200)).toBe(202);
    expect((await desk.reportCounts()).reporters).toBe(REPORTS_BATCH_MAX + 1);
  });

  it("keeps what the desk could not take, for the next call", async ({ expect }) => {
    const { desk } = aSite();
    let isDown = true;
    const ask = client({
      desk: but(() => desk, {
        report: (given) => (isDown ? Promise.reject(new Error("down")) : desk.report(given)),
      }),
    });
    const say = (address: string) =>
      ask("/reports", { as: null, body: { kind: "slow" }, headers: from(address) });
    expect((await say("192.0.2.1")).status).toBe(202);
    isDown = false;
    await say("192.0.2.2");
    expect(await desk.reports(100)).toHaveLength(2);
  });

  it("writes what a token vouches for before it answers, in its holder's name", async ({
    expect,
  }) => {
    const { ask, desk } = aSite();
    await ask("/reports", { as: "responder", body: { kind: "other", text: "three calls" } });
    expect(await desk.reports(1)).toMatchObject([{ reporter: "responder@test" }]);
    const list = await ask("/api/v1/reports", { as: "viewer" });
    expect(await list.json()).toMatchObject({ items: [{ kind: "other", text: "three calls" }] });
  });

  it("forgets what is older than its window", async ({ expect }) => {
    const { desk } = aSite();
    const atMs = Date.now() - REPORT_WINDOW_MS;
    await desk.report([{ kind: "slow", reporter: "user:a", text: null, path: null, atMs }]);
    expect(await desk.reportCounts()).toMatchObject({ reporters: 0, lastReceivedAtMs: atMs });
  });

  it.for([
    ["no kind", {}],
    ["a kind that is none", { kind: "sad" }],
    ["a text too long", { kind: "slow", text: "x".repeat(1_001) }],
    ["a path that is none", { kind: "slow", path: "pitches" }],
  ] as const)("refuses %s", async ([, body], { expect }) => {
    const { ask, desk } = aSite();
    expect((await ask("/reports", { as: null, body })).status).toBe(422);
    expect(await desk.reports(1)).toEqual([]);
  });
});

describe("POST /api/v1/integrity/{check}/accept", () => {
  const accept = (ask: ReturnType<typeof client>, check: string, options: object = {}) =>
    ask(`/api/v1/integrity/${check}/accept`, {
      method: "POST",
      as: "responder",
      body: { why: "they left, by https://u:hunter2@example.com" },
      ...options,
    });

  it("is a person's word on what a check finds, kept with who gave it", async ({ expect }) => {
    const { ask, desk } = aSite();
    expect((await accept(ask, "users-stay")).status).toBe(200);
    const answer = await (await ask("/api/v1/integrity", { as: "viewer" })).json<object>();
    expect(answer).toMatchObject({
      items: [
        {
          id: "users-stay",
          accepted: { by: expect.any(String), why: "they left, by https://[redacted]@example.com" },
        },
        { id: "emails", accepted: null },
      ],
    });
    const [before] = await desk.accepted();
    expect((await accept(ask, "users-stay", { body: { why: "more left" } })).status).toBe(200);
    const [after, ...rest] = await desk.accepted();
    expect(rest).toEqual([]);
    expect(after).toMatchObject({ check: "users-stay", why: "more left" });
    expect(after?.atMs).toBeGreaterThanOrEqual(before?.atMs ?? Infinity);
  });

  it.for([
    ["a check that is not declared", "nothing", {}, 404],
    ["rows that should not be there", "emails", {}, 422],
    ["no reason", "users-stay", { body: {} }, 422],
    ["a reason too long", "users-stay", { body: { why: "x".repeat(501) } }, 422],
    ["a viewer", "users-stay", { as: "viewer" }, 403],
  ] as const)("refuses %s", async ([, check, options, status], { expect }) => {
    const { ask, desk } = aSite();
    const answer = await accept(ask, check, options);
    expect(answer.status).toBe(status);
    if (check === "emails") expect(await answer.text()).toContain("users-stay");
    expect(await desk.accepted()).toEqual([]);
  });
});
