/** What an act hears of its incident beside its options: how long ago the incident last did the same. */
import { it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { judgeAct, performAct } from "../../../src/incidents/perform-act.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { defineAct } from "../../../src/mitigations/actuator.ts";
import { asAct } from "../../../src/mitigations/opaque.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { err } from "../../../src/shared/result.ts";
import { aPolicyReach } from "../../support/policy.ts";
import { Drive } from "../../support/incident.ts";

const REACH: Reach = {
  instance: "shop.test",
  policy: aPolicyReach(),
  canSign: false,
  postgres: null,
  cloudflare: null,
  neon: null,
  credentials: null,
  sessions: null,
};

/** What it was told, call by call. */
function listener() {
  const heard: (number | undefined)[] = [];
  const listen = async ({ lastDoneMsAgo }: { readonly lastDoneMsAgo?: number }) => {
    heard.push(lastDoneMsAgo);
    return err({ class: "refuse", detail: "it only listens" } as const);
  };
  const act = asAct(
    defineAct({
      id: "throw-switch",
      kind: "act",
      options: z.looseObject({}),
      judged: z.unknown(),
      traits: { siteWide: false },
      plan: () => ({ siteWide: false, touches: "nobody" }),
      missing: () => null,
      judge: listen,
      perform: listen,
      confirm: listen,
    }),
  );
  return {
    heard,
    deps: { acts: { "throw-switch": act }, reach: REACH, spendAction: async () => true },
  };
}

/** By hand, to the end. */
function thrown(): Drive {
  const incident = new Drive().open();
  const asked = { actuator: "throw-switch", with: { to: "right" }, leaseMs: null, why: "now" };
  incident.do("apply", asked);
  incident.settle({ ok: true, value: { says: "throw the switch", judged: { from: "left" } } });
  incident.settle({ ok: true, value: { says: "threw the switch", receipt: {} } });
  return incident;
}

it("is told how long ago another act did the same, and nothing of itself", async ({ expect }) => {
  const incident = thrown();
  const [done] = incident.state.acts;
  expect(done?.status).toBe("performed");
  vi.useFakeTimers({ now: incident.atMs + 42_000, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const view = viewOf(incident.state, null);
  if (view === null || done === undefined) throw new Error("it was opened");
  const context = { view, lease: null, act: null, ref: null, attempts: 0, triedAtMs: null };
  const effect = (actId: typeof done.id) => ({
    id: "9:0",
    key: "act",
    deadlineMs: incident.atMs + 120_000,
    data: { actId: actId as `act_${string}`, actuator: "throw-switch", with: {}, reason: "r" },
  });
  const { heard, deps } = listener();
  await judgeAct({ ...effect("act_other"), kind: "act.judge" }, context, deps);
  await judgeAct({ ...effect(done.id), kind: "act.judge" }, context, deps);
  const given = effect("act_other");
  const performing = {
    ...given,
    kind: "act.perform" as const,
    data: { ...given.data, budgeted: false },
  };
  await performAct(performing, context, deps);
  expect(heard).toEqual([42_000, undefined, 42_000]);
});
