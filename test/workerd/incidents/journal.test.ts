import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { JOURNAL_PAGE_CHARS_MAX, JOURNAL_PAGE_MAX } from "../../../src/incidents/incident-api.ts";
import { ENFORCED, T0 } from "../../support/incident.ts";
import { applying, Life, noteOf, observeAt, oneTo, openAt, seqs, statusOf } from "./life.ts";

const SECOND = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

describe("a journal that a later version wrote", () => {
  it("is shown whole, folded as far as it is understood, and written on without holes", async ({
    expect,
  }) => {
    const life = await applying();
    await life.settle();
    const before = await life.view();
    const last = (await life.journal()).length;
    await runInDurableObject(life.stub, (_, { storage }) => {
      const insert =
        "INSERT INTO journal (seq, type, v, at_ms, actor, cause, data) VALUES (?, ?, ?, ?, ?, ?, ?)";
      const actor = JSON.stringify({ kind: "firebreak", id: "firebreak", region: "weur" });
      storage.sql.exec(insert, last + 1, "lease.hibernated", 1, T0, actor, "c", '{"leaseId":"x"}');
      storage.sql.exec(insert, last + 2, "lease.effective", 2, T0, actor, "c", '{"lease":"x"}');
      storage.sql.exec(
        insert,
        last + 3,
        "incident.noted",
        1,
        T0,
        actor,
        "c",
        '{"text":"hi","mood":"calm"}',
      );
      storage.sql.exec(
        "INSERT INTO outbox (id, effect_key, effect, attempts, due_at_ms, position) VALUES (?, ?, ?, 0, ?, ?)",
        `${last + 1}:0`,
        "hibernate",
        JSON.stringify({
          id: `${last + 1}:0`,
          kind: "lease.hibernate",
          key: "hibernate",
          data: {},
          deadlineMs: T0 + 1,
        }),
        T0,
        (last + 1) * 2,
      );
    });
    await evictDurableObject(life.stub);

    const shown = await life.journal();
    expect(shown.slice(-3).map(({ type, v }) => ({ type, v }))).toEqual([
      { type: "lease.hibernated", v: 1 },
      { type: "lease.effective", v: 2 },
      { type: "incident.noted", v: 1 },
    ]);
    expect(await life.view()).toEqual({ ...before, seq: last + 3 });

    vi.setSystemTime(T0 + SECOND);
    expect(await life.handle(observeAt(T0 + SECOND, ENFORCED))).toMatchObject({
      ok: true,
      seq: last + 5,
    });
    await life.settle();
    expect(await seqs(life)).toEqual(oneTo((await life.journal()).length));
    expect(await life.outbox()).toEqual([]);
  });
});

describe("a long life", () => {
  it("of ten thousand rows is replayed and paged", { timeout: 60_000 }, async ({ expect }) => {
    const life = await applying();
    await life.settle();
    const last = (await life.journal()).length;
    await runInDurableObject(life.stub, (_, { storage }) => {
      storage.transactionSync(() => {
        for (let seq = last + 1; seq <= 10_000; seq += 1) {
          storage.sql.exec(
            "INSERT INTO journal (seq, type, v, at_ms, actor, cause, data) VALUES (?, 'incident.noted', 1, ?, ?, 'c', ?)",
            seq,
            T0,
            '{"kind":"person","id":"ada"}',
            JSON.stringify({ text: `note ${seq}` }),
          );
        }
      });
    });
    await evictDurableObject(life.stub);
    expect((await life.view())?.seq).toBe(10_000);
    expect(await statusOf(life)).toBe("applied");
    const page = await life.incident.journal(9_000);
    expect(page).toHaveLength(JOURNAL_PAGE_MAX);
    expect(page[0]?.seq).toBe(9_001);
    expect(await life.handle(noteOf("after"))).toMatchObject({ ok: true, seq: 10_001 });
  });

  it("of long rows is paged so that each page can be sent", async ({ expect }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    const markdown = "x".repeat(JOURNAL_PAGE_CHARS_MAX / 16);
    await runInDurableObject(life.stub, async (object) => {
      for (let save = 0; save < 80; save += 1) {
        const actor = { kind: "person", id: "ada" } as const;
        const id = `save-${save}`;
        await object.handle({ id, type: "save_postmortem", atMs: T0, actor, data: { markdown } });
      }
    });
    await evictDurableObject(life.stub);
    const { seq } = (await life.view()) ?? { seq: 0 };
    const read: number[] = [];
    for (;;) {
      const page = await life.incident.journal(read.at(-1) ?? 0);
      if (page.length === 0) break;
      read.push(...page.map((row) => row.seq));
    }
    expect(read).toEqual(oneTo(seq));
  });

  it("keeps a bounded number of answers", { timeout: 60_000 }, async ({ expect }) => {
    const life = new Life();
    await life.handle(openAt(T0));
    await runInDurableObject(life.stub, async (object) => {
      for (let tick = 0; tick < 1_100; tick += 1) await object.handle(observeAt(T0 + tick, {}));
    });
    const answers = await runInDurableObject(life.stub, (_, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM answers").one(),
    );
    expect(answers.n).toBe(1_000);
  });
});
