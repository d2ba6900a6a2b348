/** The control side of benches and rigs: the real objects, told over HTTP what leases and lists would tell them. */
import { LimiterObject } from "../../src/limiter/limiter-object.ts";
import { GuardPolicyObject } from "../../src/policy/policy-object.ts";
import { guardSettings } from "../../src/policy/policy.ts";
import { sure } from "../../src/shared/shape.ts";
import { TrafficObject } from "../../src/traffic/traffic-object.ts";

type ControlEnv = {
  readonly POLICY: DurableObjectNamespace<GuardPolicy>;
  readonly TRAFFIC: DurableObjectNamespace<Traffic>;
  readonly LIMITER: DurableObjectNamespace<Limiter>;
};

export class GuardPolicy extends GuardPolicyObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const settings = sure(guardSettings, { title: "The Shop", pollMs: 5_000 });
    super(ctx, env, { instance: "shop.test", settings: () => settings });
  }
}

export class Traffic extends TrafficObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    // Nobody is to be woken here.
    const suspicion = { errorRatio: 1, failedSignInsMin: Infinity, requestsMin: 1_000_000_000 };
    super(ctx, env, { suspicion: () => suspicion, onSuspicion: async () => undefined });
  }
}

export class Limiter extends LimiterObject {}

/** `POST /<binding>/<object's name>/<method>` with the arguments as a JSON array; the answer is JSON too. */
export default {
  async fetch(request, env): Promise<Response> {
    const [, binding = "", name = "", method = ""] = new URL(request.url).pathname.split("/");
    const namespace: DurableObjectNamespace = Reflect.get(env, binding);
    const stub = namespace.getByName(decodeURIComponent(name));
    const args: readonly unknown[] = await request.json();
    const call: (...given: readonly unknown[]) => Promise<unknown> = Reflect.get(stub, method);
    return Response.json((await Reflect.apply(call, stub, args)) ?? null);
  },
} satisfies ExportedHandler<ControlEnv>;
