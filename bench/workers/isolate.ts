/** The guard as it is deployed alone, in one isolate of many: its objects are far away, behind HTTP. */
import guard, { type GuardEnv } from "../../src/guard/worker.ts";

type IsolateEnv = {
  readonly ORIGIN: Fetcher;
  readonly FAR: Fetcher;
  readonly SIGNING_KEYS: string;
};

const envs = new WeakMap<IsolateEnv, GuardEnv>();

export default {
  fetch(request, env, ctx): Promise<Response> {
    const guarded = envs.get(env) ?? { ...env, CONTROL: env.ORIGIN, ...objectsOf(env.FAR) };
    envs.set(env, guarded);
    return guard.fetch(request, guarded, ctx);
  },
} satisfies ExportedHandler<IsolateEnv>;

/** Calls over HTTP what is called over RPC where it is deployed; a failure of either is an exception to the caller. */
function objectsOf(far: Fetcher): Required<Pick<GuardEnv, "POLICY" | "TRAFFIC" | "LIMITER">> {
  const namespace = (binding: string): unknown => ({
    idFromName: (name: string) => `${binding}/${name}`,
    getByName: (name: string) =>
      new Proxy(
        {},
        {
          get:
            (_, method) =>
            (...args: readonly unknown[]) =>
              call(far, `${binding}/${name}/${String(method)}`, args),
        },
      ),
  });
  return {
    POLICY: namespace("POLICY") as GuardEnv["POLICY"],
    TRAFFIC: namespace("TRAFFIC") as GuardEnv["TRAFFIC"],
    LIMITER: namespace("LIMITER") as NonNullable<GuardEnv["LIMITER"]>,
  };
}

async function call(far: Fetcher, path: string, args: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify(args);
  const response = await far.fetch(`http://control/${path}`, { method: "POST", body });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
