/** The leases that are entries of the guard's policy end by each guard's own clock, and each SDK's. */
import { evictDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, it, onTestFinished, vi } from "vitest";
import { isAllowed } from "../../../src/guard/client-table.ts";
import { decide } from "../../../src/guard/decide.ts";
import { readFacts } from "../../../src/guard/facts.ts";
import { isMeant } from "../../../src/guard/hits.ts";
import { NO_METER, type Meter } from "../../../src/guard/limits/meter.ts";
import { loadPolicy } from "../../../src/guard/loaded-policy.ts";
import type { Actuator } from "../../../src/mitigations/opaque.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import type { Policy } from "../../../src/policy/policy.ts";
import { readPolicy } from "../../../src/policy/read.ts";
import { isSdkEntry } from "../../../src/policy/sdk-kinds.ts";
import { PolicyView } from "../../../src/sdk/policy-view.ts";
import { T0 } from "../../support/incident.ts";
import { freshPolicy } from "./fresh-policy.ts";

const CLIENT = "192.0.2.7";
/** Right options where none are not right. */
const OPTIONS: Readonly<Record<string, object>> = {
  "disable-features": { routes: ["/pay", "/cart"] },
  "block-networks": { networks: ["192.0.2.0/24"] },
  "allow-networks": { networks: ["192.0.2.0/24"] },
};

const OVER_EVERY_LIMIT: Meter = {
  ...NO_METER,
  read: () => ({ kind: "refuse", reason: "limited", retryAfterMs: 1 }),
};

describe("a lease in the guard", () => {
  const requests = ["GET", "POST"].map(
    (method) =>
      new Request("https://shop.example/cart", { method, headers: { "cf-connecting-ip": CLIENT } }),
  );

  /** Whether it means anything for a read or a write, from the policy as it travels. */
  async function isInForce(policy: PolicyApi, nowMs: number): Promise<boolean> {
    const sent: unknown = JSON.parse(JSON.stringify((await policy.read(null)).policy));
    const read = readPolicy(sent);
    if (!read.ok) throw new Error(read.error);
    const snapshot = { loaded: loadPolicy(read.value), confirmedAtMs: nowMs };
    const forProduction = read.value.entries.filter((entry) => isSdkEntry(entry));
    if (forProduction.length > 0) return isAsked(read.value, nowMs);
    return requests.some((request) => {
      const facts = readFacts(request, read.value.settings, null);
      const { enforced, cache } = decide(facts, snapshot, nowMs, OVER_EVERY_LIMIT);
      const isLogged = isMeant("security-log", facts, snapshot, nowMs);
      const { clients } = snapshot.loaded;
      const isSpared = clients !== null && isAllowed(clients, facts, nowMs);
      return enforced !== null || cache !== null || isLogged || isSpared;
    });
  }

  /** Whether production's SDK would do anything at that time. */
  async function isAsked(sent: Policy, nowMs: number): Promise<boolean> {
    vi.setSystemTime(nowMs);
    const reader = { read: async () => ({ seq: sent.seq, policy: sent }) };
    const view = new PolicyView({ reader: () => reader, random: () => 1 });
    const left: Promise<unknown>[] = [];
    view.asked("ada", (promise) => void left.push(promise));
    await Promise.all(left);
    const asked = view.asked("ada", () => {});
    vi.setSystemTime(T0);
    return Object.values(asked).some((action) => action !== null);
  }

  /** What stays at a vendor is ended by the reaper instead. */
  const staying = new Set(markings.map(({ actuator }) => actuator));
  it.for(Object.values(actuators).filter(({ id }) => !staying.has(id)))(
    "of $id never outlives its end, although no alarm ever comes",
    async (actuator: Actuator, { expect }) => {
      vi.useFakeTimers({ now: T0, toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      const leaseMs = fc.integer({ min: 1, max: 30 * 24 * 3_600_000 });
      const extensions = fc.array(leaseMs, { maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(leaseMs, extensions, fc.boolean(), async (firstMs, laterMs, isEvicted) => {
          const { stub, policy, reach } = freshPolicy();
          let expiresAtMs = T0;
          for (const ms of [firstMs, ...laterMs]) {
            expiresAtMs = T0 + ms;
            const lease = {
              id: "lse_ttl",
              incidentId: "inc_ttl",
              options: OPTIONS[actuator.id] ?? {},
              reason: "",
              shadow: false,
              share: 1,
              expiresAtMs,
              prior: null,
            } as const;
            expect(await actuator.apply(lease, reach)).toMatchObject({ ok: true });
          }
          if (isEvicted) await evictDurableObject(stub);
          expect(await isInForce(policy, expiresAtMs - 1)).toBe(true);
          for (const nowMs of [expiresAtMs, expiresAtMs + 1, expiresAtMs + 3_600_000]) {
            expect(await isInForce(policy, nowMs)).toBe(false);
          }
        }),
        { numRuns: 30 },
      );
    },
  );
});
