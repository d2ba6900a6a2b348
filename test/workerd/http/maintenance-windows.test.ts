import { describe, it, onTestFinished } from "vitest";
import { readPolicy } from "../../../src/policy/read.ts";
import { anAlert } from "../incidents/desk-life.ts";
import { client, deps } from "./api.ts";

const ask = client();
const PATH = "/api/v1/maintenance-windows";
const MINUTE_MS = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE_MS).toISOString();

type Shown = { readonly id: string; readonly state: string; readonly endsAt: string };

async function declared(given: Readonly<Record<string, unknown>> = {}, key?: string) {
  const body = { startsAt: inMinutes(30), endsAt: inMinutes(60), reason: "CHG-7", ...given };
  const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  const answer = await ask(PATH, { body, headers });
  const shown = await answer.clone().json<Shown>();
  onTestFinished(() => void deps.policy.remove(shown.id));
  return { answer, shown };
}

describe("a window", () => {
  it("is declared ahead, read by anybody with a token, and cancelled", async ({ expect }) => {
    const { answer, shown } = await declared({ message: "We move the database." });
    expect(answer.status).toBe(201);
    expect(shown).toMatchObject({ kind: "maintenance", state: "scheduled" });
    const read = await ask(`${PATH}/${shown.id}`, { as: "viewer" });
    expect(await read.json()).toEqual(shown);
    const { items } = await (await ask(PATH, { as: "viewer" })).json<{ items: Shown[] }>();
    expect(items).toContainEqual(shown);

    const cancel = () => ask(`${PATH}/${shown.id}`, { method: "DELETE" });
    expect((await cancel()).status).toBe(204);
    expect((await cancel()).status).toBe(404);
    expect((await ask(`${PATH}/${shown.id}`)).status).toBe(404);
  });

  it("reaches guards before it begins, with its times", async ({ expect }) => {
    const { shown } = await declared();
    const read = readPolicy((await deps.policy.read(null)).policy);
    const entry = read.ok ? read.value.entries.find(({ id }) => id === shown.id) : undefined;
    expect(entry).toMatchObject({
      kind: "maintenance",
      match: { startsAtMs: expect.any(Number) },
      expiresAtMs: Date.parse(shown.endsAt),
    });
  });

  it("is on the status page, in words for the public only, and no incident", async ({ expect }) => {
    const sharedCache = await caches.open(crypto.randomUUID());
    await declared({ message: "We move <b>.", kind: "read-only", reason: "because of db-7" });
    const page = await (await client({ sharedCache })("/status", { as: null })).text();
    expect(page).toContain("Planned pause of changes");
    expect(page).toContain("We move &lt;b&gt;.");
    expect(page).not.toContain("db-7");
  });

  it("has no words that everybody should not read", async ({ expect }) => {
    const refused = [
      (await declared({ message: "Ask ada@shop.example." })).answer,
      await ask(`${PATH}/${(await declared()).shown.id}`, {
        method: "PATCH",
        body: { message: "Until db-7.internal is back." },
      }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([422, 422]);
    expect(await Promise.all(refused.map((answer) => answer.json()))).toMatchObject(
      ["an e-mail address", "an internal name"].map((what) => ({
        errors: [
          { field: "body.message", message: `it has ${what} in it, and everybody would read it` },
        ],
      })),
    );
  });

  it("asked for twice with one key is declared once", async ({ expect }) => {
    const key = crypto.randomUUID();
    const times = { startsAt: inMinutes(30), endsAt: inMinutes(60) };
    const first = await declared(times, key);
    const second = await declared(times, key);
    expect(second.shown).toEqual(first.shown);
  });

  it("takes another message and another end on the way", async ({ expect }) => {
    const { shown } = await declared({ startsAt: inMinutes(0) });
    expect(shown.state).toBe("in_progress");
    const body = { message: "Half done.", endsAt: inMinutes(90) };
    const changed = await ask(`${PATH}/${shown.id}`, { method: "PATCH", body });
    expect(await changed.json()).toMatchObject({ ...body, state: "in_progress" });
    const entry = await deps.policy.get(shown.id);
    expect(entry).toMatchObject({ match: {}, action: { message: "Half done." } });
  });

  it("keeps what it explains quiet for as long as it lasts", async ({ expect }) => {
    const silenceOf = async (id: string) =>
      (await deps.desk.silences()).find((silence) => silence.id === id);
    const matchers = ['alertname="Moving"'];
    const { shown } = await declared({ startsAt: inMinutes(0), matchers });
    expect(shown).toMatchObject({ matchers });
    expect(await silenceOf(shown.id)).toMatchObject({
      matchers,
      author: "responder@test",
      comment: "CHG-7",
      endsAtMs: Date.parse(shown.endsAt),
    });
    const alert = anAlert({ title: "Moving", fingerprint: shown.id });
    await deps.desk.receive([alert], Date.now());
    const kept = (await deps.desk.alerts()).find(({ fingerprint }) => fingerprint === shown.id);
    expect(kept?.mutes).toMatchObject([{ because: "maintenance", by: shown.id }]);

    const endsAt = inMinutes(90);
    await ask(`${PATH}/${shown.id}`, { method: "PATCH", body: { endsAt } });
    expect(await silenceOf(shown.id)).toMatchObject({ endsAtMs: Date.parse(endsAt), matchers });

    await ask(`${PATH}/${shown.id}`, { method: "DELETE" });
    const over = await silenceOf(shown.id);
    expect(over?.endsAtMs).toBeLessThanOrEqual(Date.now());
    expect(over?.changes.map(({ did }) => did)).toEqual(["created", "replaced", "expired"]);
    await deps.desk.receive([{ ...alert, status: "resolved" }], Date.now());
  });

  it("that keeps nothing quiet has no silence, and one that would keep anything is refused", async ({
    expect,
  }) => {
    const { shown } = await declared();
    expect(shown).toMatchObject({ matchers: [] });
    expect((await deps.desk.silences()).map(({ id }) => id)).not.toContain(shown.id);
    const { answer } = await declared({ matchers: ["alertname!=none"] });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field: "body.matchers" }] });
  });

  it("that the big red button ends keeps nothing quiet any more", async ({ expect }) => {
    const { shown } = await declared({ startsAt: inMinutes(0), matchers: ['alertname="Moving"'] });
    await ask("/api/v1/mitigations/release-all", { body: {} });
    const silence = (await deps.desk.silences()).find(({ id }) => id === shown.id);
    expect(silence?.endsAtMs).toBeLessThanOrEqual(Date.now());
  });

  it("outlives the big red button while it is only planned", async ({ expect }) => {
    const [planned, running] = [await declared(), await declared({ startsAt: inMinutes(0) })];
    await ask("/api/v1/mitigations/release-all", { body: {} });
    expect((await ask(`${PATH}/${planned.shown.id}`)).status).toBe(200);
    expect((await ask(`${PATH}/${running.shown.id}`)).status).toBe(404);
  });

  it.for([
    ["no end", { endsAt: undefined }, "body.endsAt"],
    ["an end before its start", { endsAt: inMinutes(29) }, "body.endsAt"],
    ["an end too far from its start", { endsAt: inMinutes(30 + 8 * 24 * 60) }, "body.endsAt"],
    ["a start beyond what guards hold", { startsAt: inMinutes(60 * 24 * 40) }, "body.endsAt"],
    ["a start that is past", { startsAt: inMinutes(-5) }, "body.startsAt"],
    ["no reason", { reason: "" }, "body.reason"],
    ["a kind that is none", { kind: "party" }, "body.kind"],
    ["a message without end", { message: "x".repeat(501) }, "body.message"],
  ] as const)("is refused with %s", async ([, given, field], { expect }) => {
    const { answer } = await declared(given);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field }] });
  });

  it("is for responders", async ({ expect }) => {
    const body = { startsAt: inMinutes(30), endsAt: inMinutes(60), reason: "x" };
    expect((await ask(PATH, { as: "viewer", body })).status).toBe(403);
  });
});
