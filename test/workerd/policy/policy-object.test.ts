import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it, onTestFinished, vi } from "vitest";
import { POLICY_HEADER_MS_MAX, type PolicyApi } from "../../../src/policy/policy-api.ts";
import { compareSeq } from "../../../src/policy/policy.ts";
import { anEntry } from "../../support/policy.ts";
import { TEST_INSTANCE, TEST_SETTINGS } from "../entry.ts";

const MINUTE_MS = 60_000;
const BEYOND_ANY = { epoch: Number.MAX_SAFE_INTEGER, n: 0 };
const fresh = () => {
  const stub = env.TEST_POLICY.getByName(crypto.randomUUID());
  // Assigned, not inferred: the generated stub type gives up on results that hold `unknown`.
  const policy: PolicyApi = stub;
  return { stub, policy };
};
const inAMinute = () => anEntry({ expiresAtMs: Date.now() + MINUTE_MS });

function travelTo(nowMs: number): void {
  vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

it("begins with an empty policy that carries the instance and the site's settings", async ({
  expect,
}) => {
  const { policy } = await fresh().policy.read(null);
  expect(policy).toMatchObject({
    format: 1,
    instance: TEST_INSTANCE,
    settings: TEST_SETTINGS,
    entries: [],
  });
});

it("numbers each change, and sends the policy only to those who are behind", async ({ expect }) => {
  const { policy } = fresh();
  const before = await policy.read(null);
  const put = await policy.put(inAMinute());
  if (!put.ok) throw new Error(put.error.detail);

  expect(compareSeq(put.value.seq, before.seq)).toBeGreaterThan(0);
  expect((await policy.read(before.seq)).policy?.entries).toHaveLength(1);
  expect(await policy.read(put.value.seq)).toEqual({
    seq: put.value.seq,
    compiledAtMs: expect.any(Number),
    policy: null,
  });
});

it("treats the same entry put twice as put once", async ({ expect }) => {
  const { policy } = fresh();
  const entry = inAMinute();
  const first = await policy.put(entry);
  expect(await policy.put(entry)).toEqual(first);
});

it("replaces an entry, and says whether a removed one existed", async ({ expect }) => {
  const { policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  await policy.put({ ...entry, share: 0.5 });
  expect(await policy.entries()).toMatchObject([{ id: entry.id, share: 0.5 }]);
  expect(await policy.remove(entry.id)).toMatchObject({ ok: true, value: { existed: true } });
  expect(await policy.remove(entry.id)).toMatchObject({ ok: true, value: { existed: false } });
  expect(await policy.get(entry.id)).toBeNull();
});

it.for([
  { what: "after it was in force", first: "put" },
  { what: "before it ever arrived", first: "nothing" },
] as const)(
  "lets nothing bring back an entry that was taken back $what",
  async ({ first }, { expect }) => {
    const { policy } = fresh();
    const entry = inAMinute();
    if (first === "put") await policy.put(entry);
    await policy.remove(entry.id);
    expect(await policy.put(entry)).toMatchObject({
      ok: false,
      error: { class: "refuse", detail: `entry ${entry.id} was taken back` },
    });
    expect(await policy.entries()).toEqual([]);
  },
);

it("refuses a malformed entry and keeps the last good policy", async ({ expect }) => {
  const { policy } = fresh();
  await policy.put(inAMinute());
  const before = await policy.read(null);
  const refusals = [
    { ...inAMinute(), share: 2 },
    { ...inAMinute(), expiresAtMs: Date.now() - 1 },
    { ...inAMinute(), expiresAtMs: Date.now() + 365 * 24 * 60 * MINUTE_MS },
    { ...inAMinute(), match: { rutes: ["/shop/*"] } },
  ];
  for (const entry of refusals) {
    expect(await policy.put(entry)).toMatchObject({ ok: false, error: { class: "refuse" } });
  }
  expect(await policy.read(null)).toEqual(before);
});

it("drops an expired entry when its alarm comes, once or twice", async ({ expect }) => {
  const { stub, policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  const before = await policy.read(null);

  travelTo(entry.expiresAtMs + 1);
  expect(await policy.entries()).toEqual([]);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const after = await policy.read(before.seq);
  expect(after.policy?.entries).toEqual([]);

  await runInDurableObject(stub, (object) => object.alarm());
  expect((await policy.read(null)).seq).toEqual(after.seq);
});

it("tells guards when a window begins, and again when it ends", async ({ expect }) => {
  const { stub, policy } = fresh();
  const startsAtMs = Date.now() + MINUTE_MS;
  const entry = anEntry({ match: { startsAtMs }, expiresAtMs: startsAtMs + MINUTE_MS });
  await policy.put(entry);
  const alarmAtMs = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  expect(await policy.entries()).toEqual([entry]);
  expect(await alarmAtMs()).toBe(startsAtMs);
  const before = await policy.read(null);

  travelTo(startsAtMs);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect((await policy.read(before.seq)).policy?.entries).toEqual([
    { ...entry, match: {}, action: { startedAtMs: startsAtMs } },
  ]);
  expect(await alarmAtMs()).toBe(entry.expiresAtMs);
});

it("sleeps again when the alarm comes early, until the entry has expired", async ({ expect }) => {
  const { stub, policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await policy.entries()).toHaveLength(1);
  const alarmAtMs = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  expect(alarmAtMs).toBe(entry.expiresAtMs);
});

it("keeps its entries over an eviction, under a later epoch", async ({ expect }) => {
  const { stub, policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  const before = await policy.read(null);
  await evictDurableObject(stub);

  const after = await policy.read(before.seq);
  expect(after.policy?.entries).toEqual([entry]);
  expect(after.seq.epoch).toBeGreaterThan(before.seq.epoch);
  expect(after.seq.n).toBeGreaterThan(before.seq.n);
});

it("is newer than anything a guard has seen, after its storage was set back", async ({
  expect,
}) => {
  const { stub, policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  const rows = await runInDurableObject(stub, (_, { storage }) =>
    storage.sql.exec<{ epoch: number; n: number }>("SELECT epoch, n FROM progress").one(),
  );
  await policy.put({ ...entry, share: 0.5 });
  await policy.remove(entry.id);
  const seen = await policy.read(null);
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("UPDATE progress SET epoch = ?, n = ?", rows.epoch, rows.n);
  });
  await evictDurableObject(stub);

  expect(compareSeq((await policy.read(null)).seq, seen.seq)).toBeGreaterThan(0);
});

it("leaves out a stored row that it cannot read, and keeps the others in force", async ({
  expect,
}) => {
  const { stub, policy } = fresh();
  const entry = inAMinute();
  await policy.put(entry);
  await runInDurableObject(stub, (_, { storage }) => {
    const later = JSON.stringify({ ...entry, id: "lse_later", mode: "mirror" });
    storage.sql.exec("INSERT INTO entries VALUES ('lse_later', ?, ?)", entry.expiresAtMs, later);
    const misfit = JSON.stringify({ ...entry, id: "lse_misfit", match: { hosts: ["a"] } });
    storage.sql.exec("INSERT INTO entries VALUES ('lse_misfit', ?, ?)", entry.expiresAtMs, misfit);
  });
  await evictDurableObject(stub);
  expect((await policy.entries()).map(({ id }) => id)).toEqual([entry.id]);
});

it("tells guards a new pace as a new policy, and keeps it over an eviction", async ({ expect }) => {
  const { stub, policy } = fresh();
  const before = await policy.read(null);
  await policy.setPollMs(1_000);
  expect((await policy.read(before.seq)).policy?.settings.pollMs).toBe(1_000);
  const { seq } = await policy.read(null);
  await policy.setPollMs(1_000);
  expect((await policy.read(seq)).policy).toBeNull();
  await evictDurableObject(stub);
  expect((await policy.read(null)).policy?.settings.pollMs).toBe(1_000);
});

it("tells guards until when to name the policy, and keeps that over an eviction", async ({
  expect,
}) => {
  const { stub, policy } = fresh();
  const until = async () => (await policy.read(null)).policy?.settings.policyHeaderUntilMs;
  expect(await until()).toBeNull();
  const untilMs = Date.now() + MINUTE_MS;
  expect(await policy.nameUntil(untilMs)).toMatchObject({ ok: true });
  const { seq } = await policy.read(null);
  expect(await policy.nameUntil(untilMs)).toEqual({ ok: true, value: { seq } });
  await evictDurableObject(stub);
  expect(await until()).toBe(untilMs);
  for (const never of [Date.now() - 1, Date.now() + POLICY_HEADER_MS_MAX + MINUTE_MS]) {
    expect(await policy.nameUntil(never)).toMatchObject({ error: { class: "refuse" } });
  }
  await policy.nameUntil(null);
  expect(await until()).toBeNull();
});

it("remembers when each version was compiled, and says it with the number", async ({ expect }) => {
  const { policy } = fresh();
  const before = await policy.read(null);
  await policy.put(inAMinute());
  const { seq, compiledAtMs, policy: none } = await policy.read(BEYOND_ANY);
  expect(none).toBeNull();
  expect(await policy.versions()).toEqual([
    { seq, compiledAtMs },
    { seq: before.seq, compiledAtMs: before.policy?.compiledAtMs },
  ]);
  for (let n = 0; n < 60; n += 1) await policy.put({ ...inAMinute(), id: `lse_${n}` });
  expect(await policy.versions()).toHaveLength(50);
});

it("keeps every other lease when a stored row no longer fits, before and after a restart", async ({
  expect,
}) => {
  const { stub, policy } = fresh();
  const named = (id: string) => ({ ...inAMinute(), id });
  const [good, odd, late] = [named("lse_good"), named("lse_odd"), named("lse_late")];
  await policy.put(good);
  await policy.put(odd);
  // What only an earlier version accepted: a switched-off feature that nobody knows any more.
  await runInDurableObject(stub, (_object, state) => {
    const body = JSON.stringify({ ...odd, kind: "disabled-feature", match: { feature: "gone" } });
    state.storage.sql.exec("UPDATE entries SET body = ? WHERE id = ?", body, odd.id);
  });
  expect(await policy.put(late)).toMatchObject({ ok: true });
  const ids = async () => (await policy.entries()).map(({ id }) => id).toSorted();
  expect(await ids()).toEqual(["lse_good", "lse_late"]);
  await evictDurableObject(stub);
  expect(await ids()).toEqual(["lse_good", "lse_late"]);
});
