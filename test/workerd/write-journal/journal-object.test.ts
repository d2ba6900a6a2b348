import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { Failure } from "../../../src/incidents/journal.ts";
import { REPLAY_PATH_CHARACTERS_MAX } from "../../../src/guard/write-journal/envelope.ts";
import { ATTEMPTS_MAX } from "../../../src/write-journal/after-attempt.ts";
import { HELD_POLL_MS, MARKER_LIFE_MS } from "../../../src/write-journal/journal-object.ts";
import { DEAD_KEEP_MS, DELIVERED_KEEP_MS } from "../../../src/write-journal/journal-rows.ts";
import { Backlog, T0 } from "./life.ts";
import { ROUTE } from "./objects.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

const KEPT = { taken: true, isRepeated: false } as const;
const RETRY: Failure = { class: "retry", detail: "production answered 503" };
const REFUSE: Failure = { class: "refuse", detail: "production answered 422" };

/** Maintenance is on, and these came. */
async function waiting(...keys: readonly string[]): Promise<Backlog> {
  const backlog = new Backlog();
  backlog.maintenance(true);
  for (const key of keys) await backlog.accept(key);
  return backlog;
}

describe("a backlog", () => {
  it("waits while production may not have it, and goes in order of arrival afterwards", async ({
    expect,
  }) => {
    const backlog = await waiting("c", "a", "b");
    for (let polls = 0; polls < 3; polls += 1) await backlog.ring();
    expect(backlog.world.received).toEqual([]);
    expect(await backlog.journal.status()).toMatchObject({ backlogCount: 3, oldestAtMs: T0 });

    backlog.maintenance(false);
    await backlog.settle();
    expect(backlog.world.received).toEqual(["c", "a", "b"]);
    expect(await backlog.journal.status()).toMatchObject({ backlogCount: 0, deadCount: 0 });
    expect(await backlog.alarmAtMs()).toBeNull();
  });

  it("is told to guards before its first delivery is answered for, until its last is gone", async ({
    expect,
  }) => {
    const backlog = await waiting("a");
    expect(backlog.markers()).toEqual(["wj_pay_0"]);
    expect(backlog.world.policy.get("wj_pay_0")).toMatchObject({
      kind: "write-journal",
      match: { routes: [ROUTE.route] },
      expiresAtMs: T0 + MARKER_LIFE_MS,
    });
    backlog.maintenance(false);
    await backlog.settle();
    expect(backlog.markers()).toEqual([]);

    await backlog.accept("b");
    expect(backlog.markers()).toEqual(["wj_pay_1"]);
  });

  it("is told again before guards forget it", async ({ expect }) => {
    const backlog = await waiting("a");
    vi.setSystemTime(T0 + MARKER_LIFE_MS - 1_000);
    await backlog.ring();
    expect(backlog.world.policy.get("wj_pay_0")?.expiresAtMs).toBeGreaterThan(T0 + MARKER_LIFE_MS);
  });

  it("keeps nothing that would not wait for its turn, when guards cannot be told", async ({
    expect,
  }) => {
    const backlog = new Backlog();
    backlog.world.isPolicyDown = true;
    expect(await backlog.accept("a")).toEqual({ taken: false, why: "unready" });
    backlog.world.isPolicyDown = false;
    await backlog.settle();
    expect(backlog.world.received).toEqual([]);
  });

  it("waits when nobody can say whether it may go", async ({ expect }) => {
    const backlog = await waiting("a");
    backlog.maintenance(false);
    backlog.world.isPolicyDown = true;
    const alarmAtMs = (await backlog.alarmAtMs()) ?? 0;
    await backlog.ring();
    expect(backlog.world.received).toEqual([]);
    expect(await backlog.alarmAtMs()).toBeGreaterThanOrEqual(alarmAtMs + HELD_POLL_MS);
  });

  it("outlives an eviction", async ({ expect }) => {
    const backlog = await waiting("a", "b");
    await evictDurableObject(env.TEST_JOURNAL.getByName(backlog.name));
    backlog.maintenance(false);
    await backlog.settle();
    expect(backlog.world.received).toEqual(["a", "b"]);
  });

  it("is still delivered when its route is no longer configured, and takes nothing more", async ({
    expect,
  }) => {
    const backlog = await waiting("a");
    backlog.world.route = null;
    backlog.maintenance(false);
    expect(await backlog.accept("b")).toEqual({ taken: false, why: "unknown" });
    await backlog.settle();
    expect(backlog.world.received).toEqual(["a"]);
  });
});

describe("a repetition", () => {
  it("of what waits, or was just delivered, is answered for and kept once", async ({ expect }) => {
    const backlog = await waiting("a", "a");
    expect(await backlog.accept("a")).toEqual({ taken: true, isRepeated: true });
    backlog.maintenance(false);
    await backlog.settle();
    expect(await backlog.accept("a")).toEqual({ taken: true, isRepeated: true });
    expect(backlog.world.received).toEqual(["a"]);

    vi.setSystemTime(Date.now() + DELIVERED_KEEP_MS + 1);
    await backlog.accept("b");
    await backlog.settle();
    expect(await backlog.accept("a")).toEqual(KEPT);
  });

  it("cannot be told without an id, so all of them are kept", async ({ expect }) => {
    const backlog = new Backlog();
    backlog.maintenance(true);
    expect(await backlog.accept(null)).toEqual(KEPT);
    expect(await backlog.accept(null)).toEqual(KEPT);
    backlog.maintenance(false);
    await backlog.settle();
    expect(new Set(backlog.world.received).size).toBe(2);
  });
});

describe("a full store", () => {
  it("takes no more deliveries than it may hold", async ({ expect }) => {
    const backlog = await waiting("1", "2", "3", "4", "5");
    expect(await backlog.accept("6")).toEqual({ taken: false, why: "full" });
    expect(await backlog.accept("5")).toEqual({ taken: true, isRepeated: true });
  });

  it("takes no more bytes than it may hold", async ({ expect }) => {
    const backlog = await waiting();
    const half = { body: new Uint8Array(ROUTE.bytesMax / 2) };
    expect(await backlog.accept("1", half)).toEqual(KEPT);
    expect(await backlog.accept("2", { body: new Uint8Array(501) })).toMatchObject({ why: "full" });
    expect(await backlog.accept("3", half)).toEqual(KEPT);
  });
});

describe("production that fails", () => {
  it("is asked again, and nothing overtakes what it failed", async ({ expect }) => {
    const backlog = await waiting("a", "b");
    backlog.maintenance(false);
    let fails = 3;
    backlog.world.answer = () => (fails-- > 0 ? RETRY : null);
    await backlog.ring();
    expect(await backlog.journal.status()).toMatchObject({
      backlogCount: 2,
      lastFailure: "production answered 503",
    });
    await backlog.settle();
    expect(backlog.world.received).toEqual(["a", "b"]);
  });

  it.for([
    ["for ever", RETRY, ATTEMPTS_MAX],
    ["by refusing it", REFUSE, 1],
  ] as const)("%s, gets the next one after all", async ([, failure, attempts], { expect }) => {
    const backlog = await waiting("poison", "b");
    backlog.maintenance(false);
    backlog.world.answer = (id) => (id === "poison" ? failure : null);
    await backlog.settle();
    expect(backlog.world.received).toEqual(["b"]);
    const { items } = await backlog.journal.deadLetters(null, 10);
    expect(items).toMatchObject([{ key: "poison", attempts, failure: failure.detail }]);
    expect(await backlog.alarmAtMs()).not.toBeNull();
  });
});

it("gives up what cannot even be sent, and the next one gets its turn", async ({ expect }) => {
  const backlog = await waiting("poison", "b");
  backlog.maintenance(false);
  backlog.world.answer = (id) => {
    if (id === "poison") throw new TypeError("no such header value: s3cret");
    return null;
  };
  await backlog.settle();
  expect(backlog.world.received).toEqual(["b"]);
  const { items } = await backlog.journal.deadLetters(null, 10);
  expect(items).toMatchObject([{ key: "poison", attempts: ATTEMPTS_MAX }]);
  expect(JSON.stringify(items)).not.toContain("s3cret");
});

describe("a dead letter", () => {
  const dead = async (...keys: readonly string[]) => {
    const backlog = await waiting(...keys);
    backlog.maintenance(false);
    backlog.world.answer = () => REFUSE;
    await backlog.settle();
    const { items } = await backlog.journal.deadLetters(null, 10);
    return { backlog, ids: items.map(({ id }) => id) };
  };

  it("is listed page by page, and read whole", async ({ expect }) => {
    const { backlog, ids } = await dead("a", "b", "c");
    const first = await backlog.journal.deadLetters(null, 2);
    expect(first).toMatchObject({ items: [{ key: "a" }, { key: "b" }], next: ids[1] });
    expect(await backlog.journal.deadLetters(first.next, 2)).toMatchObject({
      items: [{ key: "c" }],
      next: null,
    });
    const letter = await backlog.journal.deadLetter(ids[0] ?? "");
    expect(letter && new TextDecoder().decode(letter.body)).toBe('{"id":"a"}');
    expect(letter?.headers).toEqual([{ name: "content-type", value: "application/json" }]);
  });

  it("is driven again, alone or with all the others, in order of arrival", async ({ expect }) => {
    const { backlog, ids } = await dead("a", "b", "c");
    backlog.world.answer = () => null;
    expect(await backlog.journal.redrive(ids[1] ?? "")).toBe(1);
    expect(await backlog.journal.redrive(ids[1] ?? "")).toBe(0);
    await backlog.settle();
    expect(await backlog.journal.redrive(null)).toBe(2);
    await backlog.settle();
    expect(backlog.world.received).toEqual(["b", "a", "c"]);
  });

  it("is dropped by hand, once, and what waits never is", async ({ expect }) => {
    const { backlog, ids } = await dead("a");
    expect(await backlog.journal.discard(ids[0] ?? "")).toBe(true);
    expect(await backlog.journal.discard(ids[0] ?? "")).toBe(false);
    backlog.maintenance(true);
    await backlog.accept("b");
    expect(await backlog.journal.discard("dlv_b")).toBe(false);
    expect(await backlog.journal.status()).toMatchObject({ backlogCount: 1, deadCount: 0 });
  });

  it("is forgotten when nobody looked at it for long", async ({ expect }) => {
    const { backlog } = await dead("a");
    vi.setSystemTime(Date.now() + DEAD_KEEP_MS + 1);
    await backlog.ring();
    expect(await backlog.journal.status()).toMatchObject({ deadCount: 0 });
    expect(await backlog.alarmAtMs()).toBeNull();
  });
});

it("refuses what no guard would hand over", async ({ expect }) => {
  const stub = env.TEST_JOURNAL.getByName(crypto.randomUUID());
  const endless = `https://a/b?${"x".repeat(REPLAY_PATH_CHARACTERS_MAX)}`;
  const wrong = [
    { url: "/x" },
    { url: endless },
    { key: "" },
    { body: "text" },
    { headers: "none" },
  ];
  await runInDurableObject(stub, async (object) => {
    for (const changes of wrong) {
      const given = { key: "a", url: "https://a/b", headers: [], body: new Uint8Array() };
      // What comes over RPC has no types.
      const answer = object.accept({ ...given, receivedAtMs: 0, ...changes } as never);
      await expect(answer).rejects.toThrow();
    }
  });
});
