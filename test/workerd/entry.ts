/**
 * The Worker that the workerd tests run: the product's own entry point, and object classes with dependencies that tests can
 * see. A class of its own here is listed with its binding in vitest.config.ts, and below in `TestEnv`.
 */
import type { Env } from "../../src/env.ts";
import { LimiterObject } from "../../src/limiter/limiter-object.ts";
import { MonitorObject } from "../../src/monitor/monitor-object.ts";
import { GuardPolicyObject } from "../../src/policy/policy-object.ts";
import { guardSettings } from "../../src/policy/policy.ts";
import { sure } from "../../src/shared/shape.ts";
import { TrafficObject } from "../../src/traffic/traffic-object.ts";
import { counted } from "./incidents/counted.ts";
import type { TestDesk, TestIncident } from "./incidents/objects.ts";
import type { TestJournal } from "./write-journal/objects.ts";
import { worldOf } from "./monitor/world.ts";

export * from "../../src/index.ts";
export { TestDesk, TestIncident } from "./incidents/objects.ts";
export { TestJournal } from "./write-journal/objects.ts";
export { default } from "../../src/index.ts";

/** The product's bindings, with production (test/support/origin.ts) always bound, and the classes below. */
export type TestEnv = Omit<Env, "ORIGIN"> & {
  readonly ORIGIN: Fetcher;
  readonly TEST_DESK: DurableObjectNamespace<TestDesk>;
  readonly TEST_INCIDENT: DurableObjectNamespace<TestIncident>;
  readonly TEST_JOURNAL: DurableObjectNamespace<TestJournal>;
  readonly TEST_LIMITER: DurableObjectNamespace<TestLimiter>;
  readonly TEST_MONITOR: DurableObjectNamespace<TestMonitor>;
  readonly TEST_POLICY: DurableObjectNamespace<TestPolicy>;
  readonly TEST_TRAFFIC: DurableObjectNamespace<TestTraffic>;
};

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the name that `cloudflare:workers` types its env with
  namespace Cloudflare {
    interface Env extends TestEnv {}
  }
}

export const TEST_INSTANCE = "shop.test";
export const TEST_SETTINGS = sure(guardSettings, {
  title: "The Shop",
  pollMs: 5_000,
  maintenanceExempt: ["/webhooks/*"],
  features: [{ id: "checkout", routes: ["/checkout/*"], header: null }],
});

export class TestLimiter extends LimiterObject {}

/** Lives in the world of its name. */
export class TestMonitor extends MonitorObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env, worldOf(ctx.id.name ?? "").deps);
  }
}

export class TestPolicy extends GuardPolicyObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    counted(ctx);
    super(ctx, env, { instance: TEST_INSTANCE, settings: () => TEST_SETTINGS });
  }
}

/** Counts how often it would have woken the monitor. */
export class TestTraffic extends TrafficObject {
  readonly wakes: number[];

  constructor(ctx: DurableObjectState, env: unknown) {
    const wakes: number[] = [];
    super(ctx, env, {
      suspicion: () => ({ errorRatio: 0.3, requestsMin: 10, failedSignInsMin: 20 }),
      onSuspicion: async () => void wakes.push(Date.now()),
    });
    this.wakes = wakes;
  }
}
