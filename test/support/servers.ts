/** Real servers for one test file, taken down with it. */
import { onTestFinished } from "vitest";
import { startNeonBridge } from "../../dev/neon-bridge.ts";
import { startPostgres, type Postgres } from "../../dev/postgres.ts";
import { startStandby } from "../../dev/postgres-standby.ts";
import { startWarden } from "../../dev/warden.ts";

/** Keeps something for the length of a test. */
export function keep<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

export type PostgresBehindNeon = AsyncDisposable & {
  readonly postgres: Postgres;
  /** Ports of loopback by host name, for computes that a test runs besides. */
  readonly computes: Map<string, number>;
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
  const computes = new Map<string, number>();
  const bridge = starting.use(await startNeonBridge({ postgresPort: postgres.port, computes }));
  const taken = starting.move();
  return {
    postgres,
    computes,
    ...addresses(bridge),
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}

export type PostgresWithReplica = PostgresBehindNeon & { readonly replica: Postgres };

/** The same, with a streaming replica beside it that follows from here on. */
export async function startPostgresWithReplica(): Promise<PostgresWithReplica> {
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  const postgres = starting.use(await startPostgres({ directory }));
  const replica = starting.use(await startStandby(postgres));
  const computes = new Map<string, number>();
  const bridge = starting.use(
    await startNeonBridge({ postgresPort: postgres.port, replicaPort: replica.port, computes }),
  );
  const taken = starting.move();
  return {
    postgres,
    replica,
    computes,
    ...addresses(bridge),
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}

const addresses = ({ url }: { readonly url: string }) => ({
  fetchEndpoint: `${url}/sql`,
  wsProxy: `${new URL(url).host}/v2`,
});
