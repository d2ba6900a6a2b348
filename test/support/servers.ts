/** Real servers for one test file, taken down with it. */
import { onTestFinished } from "vitest";
import { startNeonBridge } from "../../dev/neon-bridge.ts";
import { startPostgres, type Postgres } from "../../dev/postgres.ts";
import { startWarden } from "../../dev/warden.ts";

/** Keeps something for the length of a test. */
export function keep<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

export type PostgresBehindNeon = AsyncDisposable & {
  readonly postgres: Postgres;
  /** For `neonConfig.fetchEndpoint`. */
  readonly fetchEndpoint: string;
  /** For `neonConfig.wsProxy`. */
  readonly wsProxy: string;
};

/** An empty Postgres with Neon's protocols in front of it. */
export async function startPostgresBehindNeon(): Promise<PostgresBehindNeon> {
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  const postgres = starting.use(await startPostgres({ directory }));
  const bridge = starting.use(await startNeonBridge({ postgresPort: postgres.port }));
  const taken = starting.move();
  return {
    postgres,
    fetchEndpoint: `${bridge.url}/sql`,
    wsProxy: `${new URL(bridge.url).host}/v2`,
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}
