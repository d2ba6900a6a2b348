import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { CommandAnswer, IncidentCommand } from "../../../src/incidents/command.ts";
import { EFFECTS_AT_ONCE_MAX, FOLLOWERS_MAX } from "../../../src/incidents/incident-object.ts";
import { DOWN, ENFORCED, T0, WELL } from "../../support/incident.ts";
import {
  applying,
  Life,
  noteOf,
  observeAt,
  oneTo,
  openAt,
  OUTAGE,
  outcomeOf,
  seqs,
  statusOf,
} from "./life.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

describe("an evicted incident", () => {
  it("carries out what it had written down and not begun", async ({ expect }) => {
    const life = await applying();
    expect(life.world.policy.size).toBe(0);
    await evictDurableObject(life.stub);
    expect(await statusOf(life)).toBe("applying");
    await life.settle();
    expect(await statusOf(life)).toBe("applied");
    expect(life.world.policy.size).toBe(1);
  });

  it.for(["before lease.apply", "after lease.apply"])(
    "dies %s and applies the lease once",
    async (point, { expect }) => {
      const life = await applying();
      const { fate } = life.world;
      fate.dieAtNext(point);
      await life.settle();
      expect(life.deaths).toBe(1);
      expect(await statusOf(life)).toBe("applied");
      expect([...life.world.policy.values()]).toMatchObject([{ share: 1, mode: "enforce" }]);
      expect(await seqs(life)).toEqual(oneTo((await life.journal()).length));
    },
  );

  it("takes back what it may have applied before it was gone for too long", async ({ expect }) => {
    const life = await applying();
    life.world.fate.dieAtNext("after lease.apply");
    // The runtime gives up on the alarm; the watchdog finds the incident an hour later.
    await runDurableObjectAlarm(life.stub).catch(() => {});
    vi.setSystemTime(T0 + 5 * MINUTE);
    await life.alarm();
    await life.settle();
    const types = (await life.journal()).map(({ type }) => type);
    expect(types).toContain("lease.failed");
    expect(types).toContain("lease.reverted");
    expect(life.world.policy.size).toBe(0);
  });

  it("continues under another deploy between applying and applied", async ({ expect }) => {
    const life = await applying();
    const before = await life.journal();
    await evictDurableObject(life.stub);
    // The new deploy knows the playbook only from the journal.
    await life.settle();
    expect(await statusOf(life)).toBe("applied");
    expect((await life.journal()).slice(0, before.length)).toEqual(before);
    expect((await life.view())?.playbook).toBe("small-outage");
  });
});

describe("an alarm", () => {
  it("delivered twice, or side by side, does everything once", async ({ expect }) => {
    const life = await applying();
    await Promise.all([life.alarm(), life.alarm()]);
    await life.alarm();
    const applied = (await life.journal()).filter(({ type }) => type === "lease.applied");
    expect(applied).toHaveLength(1);
    expect(Math.max(...life.world.messages.values())).toBe(1);
  });

  it("that comes a day late ends what has run out, once", async ({ expect }) => {
    const life = await applying();
    await life.settle();
    vi.setSystemTime(T0 + 24 * 60 * MINUTE);
    await life.alarm();
    await life.settle();
    const types = (await life.journal()).map(({ type }) => type);
    expect(types.filter((type) => type === "lease.expired")).toHaveLength(1);
    expect(await statusOf(life)).toBe("reverted");
    expect(life.world.policy.size).toBe(0);
  });

  it("with nothing to do sleeps until the next thing is due", async ({ expect }) => {
    const life = await applying();
    await life.settle();
    const alarmAtMs = await life.alarmAtMs();
    expect(alarmAtMs).toBe((await life.view())?.nextWakeAtMs);
    await life.alarm();
    expect(await life.alarmAtMs()).toBe(alarmAtMs);
  });

  it("does not spin on an effect that waits behind a postponed one", async ({ expect }) => {
    const life = await applying();
    life.world.onEffect = async () => ({ class: "retry", detail: "down" });
    await life.settle();
    await life.handle({
      id: "release",
      type: "release_all",
      atMs: T0,
      actor: { kind: "person", id: "ada" },
      data: { why: "" },
    });
    await life.settle();
    expect((await life.outbox()).length).toBeGreaterThan(1);
    expect(await life.alarmAtMs()).toBeGreaterThan(T0 + 1);
  });
});

describe("commands", () => {
  it("with the same id get the same answer, also after an eviction", async ({ expect }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    const ack: IncidentCommand = {
      id: "ack",
      type: "acknowledge",
      atMs: T0,
      actor: { kind: "person", id: "ada" },
      data: {},
    };
    const first = await life.handle(ack);
    const refused = await life.handle({ ...ack, id: "ack-2" });
    await evictDurableObject(life.stub);
    expect(await life.handle(ack)).toEqual(first);
    expect(await life.handle({ ...ack, id: "ack-2" })).toEqual(refused);
    expect(first.ok && !refused.ok).toBe(true);
  });

  it("that come together are journaled one after the other, without holes", async ({ expect }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => life.incident.handle(noteOf(`note-${index}`))),
    );
    const noted = answers.map((answer) => (answer.ok ? answer.seq : 0));
    expect(new Set(noted).size).toBe(20);
    expect(await seqs(life)).toEqual(oneTo(Math.max(...noted)));
  });

  it("before the opening are refused, and do not change what it plays by", async ({ expect }) => {
    const life = new Life();
    expect(await life.handle(observeAt(T0, DOWN))).toMatchObject({
      ok: false,
      rejection: { reason: "not_open" },
    });
    await life.handle(openAt(T0));
    expect(await life.handle(observeAt(T0 + 1, DOWN))).toMatchObject({
      ok: true,
      events: expect.arrayContaining(["lease.applying"]),
    });
  });

  it(
    "leave memory as it was when the storage fails at any of their writes",
    {
      timeout: 60_000,
    },
    async ({ expect }) => {
      const whole = await applied();
      const from = whole.world.fate.points.length;
      await whole.handle(observeAt(T0 + SECOND, ENFORCED));
      const calls = whole.world.fate.points.slice(from).filter((point) => !point.includes(" "));
      for (let nth = 1; nth <= calls.length; nth += 1) {
        const life = await applied();
        const before = await life.view();
        life.world.fate.failStorageAfter(nth);
        const command = observeAt(T0 + SECOND, ENFORCED);
        await life.incident.handle(command).catch((fault: unknown) => {
          if (!String(fault).includes("disk is full")) throw fault;
        });
        const failed = calls[nth - 1] ?? "";
        const inMemory = await life.view();
        await evictDurableObject(life.stub);
        expect({ nth, failed, view: await life.view() }).toEqual({ nth, failed, view: inMemory });
        // All of it or nothing.
        expect([before?.seq, (before?.seq ?? 0) + 2], failed).toContain(inMemory?.seq);
        await life.handle(command);
        await life.settle();
        expect(await statusOf(life), failed).toBe("effective");
        expect(await seqs(life), failed).toEqual(oneTo((await life.journal()).length));
      }
    },
  );

  it("that could not be read back are not written", async ({ expect }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    const note = noteOf("late");
    const broken: readonly IncidentCommand[] = [
      { ...note, atMs: T0 + 0.5 },
      { ...note, actor: { kind: "person", id: "a".repeat(201) } },
    ];
    for (const command of broken) {
      const outcome = await life.incident.handle(command).then(
        () => "written",
        () => "thrown",
      );
      expect(outcome).toBe("thrown");
    }
    await evictDurableObject(life.stub);
    expect((await life.view())?.status).toBe("investigating");
  });
});

describe("effects", () => {
  it("on a lease wait for no page and no evidence that hangs", async ({ expect }) => {
    const life = new Life();
    const hung = Promise.withResolvers<null>();
    life.world.onEffect = async ({ kind }) => (kind.startsWith("lease.") ? null : hung.promise);
    await life.handle(openAt(T0));
    const alarm = life.alarm();
    await vi.waitUntil(() => life.world.tried.length >= 3);
    await life.handle(observeAt(T0 + 1, DOWN));
    await vi.waitUntil(() => life.world.policy.size === 1);
    hung.resolve(null);
    await alarm;
    expect(EFFECTS_AT_ONCE_MAX).toBeGreaterThan(1);
    expect(await statusOf(life)).toBe("applied");
  });

  it("that throw are unknown outcomes, tried again, and never an alarm that fails", async ({
    expect,
  }) => {
    const life = await applying();
    life.world.onEffect = async () => {
      throw new TypeError("secret://user:password@host");
    };
    await life.settle();
    life.world.onEffect = async () => null;
    vi.setSystemTime(T0 + 2 * SECOND);
    await life.settle();
    expect(await statusOf(life)).toBe("applied");
    expect(JSON.stringify(await life.journal())).not.toContain("password");
  });

  it("with an answer that cannot be kept fail, and are not done for ever", async ({ expect }) => {
    const life = await applying();
    life.world.answer = { prior: null, receipt: 1n };
    await life.settle();
    const types = (await life.journal()).map(({ type }) => type);
    expect(types).toContain("lease.failed");
    life.world.answer = undefined;
    await life.settle();
    expect(await life.outbox()).toEqual([]);
  });
});

describe("followers", () => {
  it("hear of the next row, and those that are too many are answered at once", async ({
    expect,
  }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    const { seq } = (await life.view()) ?? { seq: 0 };
    const waiting = Array.from({ length: FOLLOWERS_MAX }, () => life.incident.follow(seq, 20_000));
    expect(await life.incident.follow(seq, 20_000)).toEqual([]);
    await life.handle(noteOf("news"));
    for (const rows of await Promise.all(waiting)) expect(rows).toMatchObject([{ seq: seq + 1 }]);
    // None of them is left behind.
    const next = life.incident.follow(seq + 1, 20_000);
    await life.handle(noteOf("more news"));
    expect(await next).toMatchObject([{ seq: seq + 2 }]);
  });
});

it("lives the same life when it is evicted between any two commands", async ({ expect }) => {
  const undisturbed = new Life();
  await undisturbed.live(OUTAGE);
  const evicted = new Life();
  const answers: CommandAnswer[] = [];
  for (const command of OUTAGE) {
    answers.push(...(await evicted.live([command])));
    await evictDurableObject(evicted.stub);
  }
  expect(answers.every(({ ok }) => ok)).toBe(true);
  expect(await outcomeOf(evicted)).toEqual(await outcomeOf(undisturbed));
});

/** A lease is in force. */
async function applied(): Promise<Life> {
  const life = await applying();
  await life.settle();
  return life;
}

it("sees recovery only where it is known", async ({ expect }) => {
  const life = await applied();
  vi.setSystemTime(T0 + MINUTE);
  await life.handle(observeAt(T0 + MINUTE, { ...WELL, "probe.around_success_ratio": null }));
  expect((await life.journal()).map(({ type }) => type)).not.toContain("incident.recovery_seen");
});
