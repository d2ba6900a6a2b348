/** Signing everybody out, against the real policy object: once, from one moment on, whatever is lost on the way. */
import { describe, it, onTestFinished, vi } from "vitest";
import type { Failure } from "../../../src/incidents/journal.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import type { Act, StoredJudgedAct } from "../../../src/mitigations/opaque.ts";
import { err } from "../../../src/shared/result.ts";
import { actContract, type ActGround, type ChangeFault } from "../../contract/act.ts";
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

const ACCOUNT = "sha256-of-somebody";
/** How the policy object tells of each; what it did not answer may have been heard. */
const SAID: Readonly<Record<ChangeFault, Failure>> = {
  "429": { class: "retry", detail: "the policy object is busy" },
  "5xx": { class: "unknown_outcome", detail: "the policy object failed" },
  "403": { class: "refuse", detail: "the policy object refused it" },
  timeout: { class: "unknown_outcome", detail: "the policy object did not answer" },
  answer_lost: { class: "unknown_outcome", detail: "the policy object did not answer" },
};

function contractGround(): ActGround {
  const { policy, reach } = freshPolicy();
  let next: ChangeFault | null = null;
  const revoked = async () =>
    (await policy.entries()).filter(({ kind }) => kind === "sessions-revoked");
  return {
    reach: {
      ...reach,
      policy: {
        ...reach.policy,
        put: async (entry) => {
          const fault = next;
          next = null;
          if (fault === null) return reach.policy.put(entry);
          if (fault === "answer_lost") await reach.policy.put(entry);
          return err(SAID[fault]);
        },
      },
    },
    unreachable: {
      ...reach,
      policy: { put: nobodyAnswers, get: nobodyAnswers, remove: nobodyAnswers },
    },
    timesDone: async () => (await revoked()).length,
    version: async () => (await policy.read(null)).seq,
    failNextChange: async (fault) => {
      next = fault;
    },
    interfere: async () => {
      const inItsPlace = { id: "act_00000000000000000000000001", owner: "somebody else" };
      await policy.put(anEntry({ ...inItsPlace, expiresAtMs: Date.now() + 60_000 }));
    },
  };
}

actContract({
  act,
  options: { accounts: [ACCOUNT], sessions_live: "7d" },
  badOptions: [
    { options: { accounts: [] }, field: "accounts" },
    { options: { sessions_live: "1s" }, field: "sessions_live" },
    { options: { everybody: true }, field: "everybody" },
  ],
  onsetAtMs: NOW_MS,
  secret: ACCOUNT,
  // Two acts end sessions as of two moments.
  nature: { twoActs: "deeds_of_their_own" },
  ground: async () => contractGround(),
});

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
});
