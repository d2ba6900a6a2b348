import { describe, it, onTestFinished, vi } from "vitest";
import {
  SILENCE_AHEAD_MS_MAX,
  SILENCE_MS_MAX,
  SILENCE_MS_MIN,
} from "../../../src/alerts/silences.ts";
import { aScope, client, declared, deps } from "./api.ts";

const ask = client();
const PATH = "/api/v1/silences";
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const MINUTE_MS = 60_000;

type Shown = {
  readonly id: string;
  readonly state: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly mutedAlerts: number;
};

const wanted = (given: Readonly<Record<string, unknown>> = {}) => ({
  matchers: [`alertname="${crypto.randomUUID()}"`],
  startsAt: inMs(0),
  endsAt: inMs(30 * MINUTE_MS),
  comment: "CHG-7",
  ...given,
});

async function silenced(given: Readonly<Record<string, unknown>> = {}): Promise<Shown> {
  const answer = await ask(PATH, { body: wanted(given) });
  if (answer.status !== 201) throw new Error(await answer.text());
  const shown = await answer.json<Shown>();
  onTestFinished(() => void deps.desk.expireSilence(shown.id, "the test", Date.now()));
  return shown;
}

describe("a silence", () => {
  it("is created, listed, read, replaced and expired, and says who did what", async ({
    expect,
  }) => {
    const shown = await silenced();
    expect(shown).toMatchObject({
      state: "active",
      because: "silenced",
      author: "responder@test",
      comment: "CHG-7",
      mutedAlerts: 0,
    });
    const listed = await ask(`${PATH}?state=active`, { as: "viewer" });
    expect((await listed.json<{ items: Shown[] }>()).items).toContainEqual(shown);

    const body = wanted({
      startsAt: shown.startsAt,
      endsAt: inMs(90 * MINUTE_MS),
      comment: "longer",
    });
    const replaced = await ask(`${PATH}/${shown.id}`, { method: "PUT", body, as: "admin" });
    expect(await replaced.json()).toMatchObject({
      id: shown.id,
      startsAt: shown.startsAt,
      endsAt: body.endsAt,
      author: "admin@test",
    });

    const expired = await ask(`${PATH}/${shown.id}`, { method: "DELETE" });
    expect(await expired.json()).toMatchObject({ state: "expired" });
    const again = await ask(`${PATH}/${shown.id}`, { method: "DELETE" });
    expect(again.status).toBe(200);
    expect(await (await ask(`${PATH}/${shown.id}`, { as: "viewer" })).json()).toMatchObject({
      state: "expired",
      changes: [
        { did: "created", by: "responder@test" },
        { did: "replaced", by: "admin@test" },
        { did: "expired", by: "responder@test" },
      ],
    });
    const late = await ask(`${PATH}/${shown.id}`, { method: "PUT", body });
    expect(late.status).toBe(422);
    expect(await late.json()).toMatchObject({ errors: [{ field: "path.id" }] });
  });

  it("asked for twice with one key is created once, and said to the log once", async ({
    expect,
  }) => {
    const log = vi.spyOn(console, "info").mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const headers = { "idempotency-key": crypto.randomUUID() };
    const body = wanted();
    const first = await (await ask(PATH, { body, headers })).json<Shown>();
    // A millisecond later at least, as everybody's second try is.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const second = await (await ask(PATH, { body, headers })).json<Shown>();
    expect(second).toEqual(first);
    expect(log.mock.calls).toEqual([[expect.stringContaining(`"silence":"created"`)]]);
    const other = await ask(PATH, { body: { ...body, comment: "other" }, headers });
    expect(await other.json()).toMatchObject({ type: "/_firebreak/problems/idempotency-conflict" });
    await deps.desk.expireSilence(first.id, "the test", Date.now());
  });

  it("that is to begin later is pending; a start that is past is now", async ({ expect }) => {
    expect(await silenced({ startsAt: inMs(MINUTE_MS) })).toMatchObject({ state: "pending" });
    const { startsAt } = await silenced({ startsAt: inMs(-3_600_000) });
    expect(Date.parse(startsAt)).toBeGreaterThan(Date.now() - MINUTE_MS);
  });

  it.for([
    ["no end", { endsAt: undefined }, "body.endsAt"],
    ["no start", { startsAt: undefined }, "body.startsAt"],
    ["no comment", { comment: " " }, "body.comment"],
    ["no matcher", { matchers: [] }, "body.matchers"],
    ["a matcher that is none", { matchers: ['a="b"', "nonsense"] }, "body.matchers.1"],
    ["an expression that is none", { matchers: ['a=~"("'] }, "body.matchers.0"],
    ["matchers that hold for everything", { matchers: ['a!="b"', 'c=~".*"'] }, "body.matchers"],
    ["an end that is past", { endsAt: inMs(-MINUTE_MS) }, "body.endsAt"],
    ["an end too soon", { endsAt: inMs(SILENCE_MS_MIN / 2) }, "body.endsAt"],
    ["an end too far away", { endsAt: inMs(SILENCE_MS_MAX + MINUTE_MS) }, "body.endsAt"],
    [
      "a start too far away",
      {
        startsAt: inMs(SILENCE_AHEAD_MS_MAX + MINUTE_MS),
        endsAt: inMs(SILENCE_AHEAD_MS_MAX + 9 * MINUTE_MS),
      },
      "body.startsAt",
    ],
    ["an author of its own", { author: "somebody else" }, "body.author"],
  ] as const)("is refused with %s", async ([, given, field], { expect }) => {
    const answer = await ask(PATH, { body: wanted(given) });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      errors: [{ field, message: expect.any(String) }],
    });
  });

  it("names the range that a time must be in", async ({ expect }) => {
    const answer = await ask(PATH, { body: wanted({ endsAt: inMs(SILENCE_MS_MAX * 2) }) });
    const { errors } = await answer.json<{ errors: Record<string, string>[] }>();
    expect(errors[0]).toMatchObject({
      message: "a silence lasts 1m to 31d",
      allowed: expect.stringMatching(/^\d{4}-.*Z to \d{4}-.*Z$/),
      value: expect.any(String),
    });
  });

  it("is for responders, and there is none of an unknown name", async ({ expect }) => {
    expect((await ask(PATH, { as: "viewer", body: wanted() })).status).toBe(403);
    const nowhere = `${PATH}/sil_${"0".repeat(26)}`;
    expect((await ask(nowhere)).status).toBe(404);
    expect((await ask(nowhere, { method: "DELETE" })).status).toBe(404);
    expect((await ask(nowhere, { method: "PUT", body: wanted() })).status).toBe(404);
    expect((await ask(`${PATH}/nonsense`)).status).toBe(404);
  });
});

it("an alert says why nobody hears of it, and its silence how many it keeps quiet", async ({
  expect,
}) => {
  const alertname = crypto.randomUUID();
  const { id } = await silenced({ matchers: [`alertname="${alertname}"`] });
  const alert = {
    source: "alertmanager",
    fingerprint: alertname,
    status: "firing",
    title: alertname,
    severity: "SEV-3",
    startsAtMs: Date.now(),
    endsAtMs: null,
    labels: { alertname, instance: "db-1" },
    url: null,
  } as const;
  await deps.desk.receive([alert], Date.now());
  const muted = await ask("/api/v1/alerts?status=firing&muted=true", { as: "viewer" });
  const { items } = await muted.json<{ items: { fingerprint: string }[] }>();
  expect(items.find(({ fingerprint }) => fingerprint === alertname)).toMatchObject({
    group: null,
    labels: { instance: "db-1" },
    stale: false,
    flapping: false,
    mutes: [{ because: "silenced", by: id, until: expect.any(String) }],
  });
  expect(await (await ask(`${PATH}/${id}`)).json()).toMatchObject({ mutedAlerts: 1 });
  const open = await (
    await ask("/api/v1/incidents?status=open")
  ).json<{ items: { title: string }[] }>();
  expect(open.items.filter(({ title }) => title === alertname)).toEqual([]);
  await deps.desk.receive([{ ...alert, status: "resolved" }], Date.now());
});

it("an incident says what keeps it quiet, and its journal what was kept back", async ({
  expect,
}) => {
  const scope = aScope();
  const { id: silence } = await silenced({ matchers: [`scope="${scope}"`] });
  const incident = await declared({ scope, severity: "SEV-1" });
  const shown = await (
    await ask(`/api/v1/incidents/${incident}`)
  ).json<{ mutedMessages: number }>();
  expect(shown).toMatchObject({
    mutes: [
      {
        id: silence,
        because: "silenced",
        by: "responder@test",
        why: "CHG-7",
        matchers: [`scope="${scope}"`],
      },
    ],
  });
  expect(shown.mutedMessages).toBeGreaterThan(0);
  const journal = await ask(`/api/v1/incidents/${incident}/journal`);
  const { items } = await journal.json<{ items: { type: string; data: unknown }[] }>();
  expect(items.filter(({ type }) => type === "message.requested")).toEqual([]);
  expect(items.find(({ type }) => type === "message.muted")?.data).toMatchObject({
    message: "opened",
    because: "silenced",
    mute: silence,
  });
});
