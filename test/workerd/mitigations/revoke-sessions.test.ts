/** Signing everybody out, against the real policy object: once, from one moment on, whatever is lost on the way. */
import { describe, it, onTestFinished, vi } from "vitest";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import type { Act, StoredJudgedAct } from "../../../src/mitigations/opaque.ts";
import { err } from "../../../src/shared/result.ts";
import { anEntry } from "../../support/policy.ts";
import { freshPolicy, nobodyAnswers } from "./fresh-policy.ts";

const NOW_MS = Date.UTC(2026, 10, 20, 3, 0, 0);
const act: Act = (() => {
  const found = acts["revoke-sessions"];
  if (found === undefined) throw new Error("it is in the registry");
  return found;
})();
const asked = (options: object = {}): StoredJudgedAct => ({
  id: "act_00000000000000000000000007",
  incidentId: "inc_1",
  options: { ...options },
  reason: "security: passwords are tried",
  onsetAtMs: NOW_MS,
  judged: { whose: "everybody" },
});

function ground() {
  vi.useFakeTimers({ now: NOW_MS, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return freshPolicy();
}

describe("revoke-sessions", () => {
  it("is done once, from the first moment on, however often it is performed", async ({
    expect,
  }) => {
    const { reach, policy } = ground();
    const first = await act.perform(asked(), reach);
    expect(first).toMatchObject({
      ok: true,
      value: {
        says: "no session of everybody counts that was issued before 2026-11-20 03:00:00 UTC",
        receipt: { issuedUntilMs: NOW_MS, expiresAtMs: NOW_MS + 86_400_000 },
      },
    });
    vi.setSystemTime(NOW_MS + 30_000);
    expect(await act.perform(asked(), reach)).toEqual(first);
    expect(await policy.entries()).toMatchObject([
      { kind: "sessions-revoked", action: { issuedUntilMs: NOW_MS }, fail: "closed", share: 1 },
    ]);
    expect(await act.confirm(asked(), reach)).toMatchObject({
      ok: true,
      value: { done: true, receipt: { issuedUntilMs: NOW_MS } },
    });
  });

  it("finds out what became of it when the answer is lost", async ({ expect }) => {
    const { reach } = ground();
    const lost: Reach = {
      ...reach,
      policy: {
        ...reach.policy,
        put: async (entry) => {
          await reach.policy.put(entry);
          return nobodyAnswers();
        },
      },
    };
    expect(await act.confirm(asked(), reach)).toEqual({ ok: true, value: { done: false } });
    expect(await act.perform(asked(), lost)).toMatchObject({
      ok: false,
      error: { class: "unknown_outcome" },
    });
    expect(await act.confirm(asked(), reach)).toMatchObject({ ok: true, value: { done: true } });
  });

  it("names the accounts that are meant, and signs nobody else out", async ({ expect }) => {
    const { reach, policy } = ground();
    const judgement = await act.judge(asked({ accounts: ["a", "b"], sessions_live: "1h" }), reach);
    expect(judgement).toMatchObject({
      ok: true,
      value: { says: "end every session of 2 accounts that was issued before" },
    });
    await act.perform(asked({ accounts: ["a", "b"], sessions_live: "1h" }), reach);
    expect(await policy.entries()).toMatchObject([
      { action: { accounts: ["a", "b"] }, expiresAtMs: NOW_MS + 3_600_000 },
    ]);
  });

  it("refuses where somebody else's entry stands under its id, and leaves it", async ({
    expect,
  }) => {
    const { reach, policy } = ground();
    const other = anEntry({ id: asked().id, owner: "somebody else", expiresAtMs: NOW_MS + 60_000 });
    await policy.put(other);
    for (const call of [act.perform, act.confirm]) {
      expect(await call(asked(), reach)).toMatchObject({ ok: false, error: { class: "refuse" } });
    }
    expect(await policy.entries()).toHaveLength(1);
  });

  it("passes on what the policy object says, and nothing is done", async ({ expect }) => {
    const { reach, policy } = ground();
    const refused = err({ class: "retry", detail: "later" } as const);
    const failing = { ...reach, policy: { ...reach.policy, put: async () => refused } };
    expect(await act.perform(asked(), failing)).toEqual(refused);
    const silent = { ...reach, policy: { ...reach.policy, get: nobodyAnswers } };
    expect(await act.perform(asked(), silent)).toMatchObject({ ok: false });
    expect(await act.confirm(asked(), silent)).toMatchObject({ ok: false });
    expect(await policy.entries()).toEqual([]);
  });

  it("takes its own options, and names the field of any other", ({ expect }) => {
    const said = (options: Record<string, unknown>) => act.words.problemsWith(options).join("\n");
    expect(said({ accounts: ["a"], sessions_live: "7d" })).toBe("");
    expect(said({ accounts: [] })).toContain("accounts");
    expect(said({ sessions_live: "1s" })).toContain("sessions_live");
    expect(said({ everybody: true })).toContain("everybody");
  });
});
