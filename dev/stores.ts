/** The stores of the local stack, real, with the HTTP bridges that the vendors' unmodified drivers talk to. */
import { startNeonBridge } from "./neon-bridge.ts";
import { startStandby } from "./postgres-standby.ts";
import { startPostgres, type Postgres } from "./postgres.ts";
import { startRedis, type Redis } from "./redis.ts";
import { createStorefrontDatabase, type StorefrontDatabase } from "./storefront-database.ts";
import { startUpstashBridge } from "./upstash-bridge.ts";

export type PostgresStore = {
  readonly postgres: Postgres;
  /** A streaming replica of it. */
  readonly replica: Postgres;
  readonly database: StorefrontDatabase;
  /** Ports of computes that branches have, by host name; whoever runs one adds it. */
  readonly computes: Map<string, number>;
  /** For `neonConfig.fetchEndpoint`. */
  readonly fetchEndpoint: string;
};
export type RedisStore = {
  readonly redis: Redis;
  /** For the Upstash client, with the token. */
  readonly restUrl: string;
  readonly token: string;
};

/** Postgres with the storefront's database and a replica, behind Neon's protocol. `stack` takes what is to be disposed. */
export async function startPostgresStore(
  stack: AsyncDisposableStack,
  options: {
    readonly directory: string;
    readonly sqlDirectory: string;
    readonly port?: number | undefined;
    readonly bridgePort?: number | undefined;
  },
): Promise<PostgresStore> {
  const postgres = stack.use(
    await startPostgres({ directory: options.directory, port: options.port }),
  );
  const database = await createStorefrontDatabase(postgres, options.sqlDirectory);
  const replica = stack.use(await startStandby(postgres));
  const computes = new Map<string, number>();
  const bridge = stack.use(
    await startNeonBridge({
      postgresPort: postgres.port,
      replicaPort: replica.port,
      computes,
      port: options.bridgePort,
    }),
  );
  return { postgres, replica, database, computes, fetchEndpoint: `${bridge.url}/sql` };
}

/** Redis behind Upstash's protocol. */
export async function startRedisStore(
  stack: AsyncDisposableStack,
  options: {
    readonly directory: string;
    readonly token: string;
    readonly port?: number | undefined;
    readonly bridgePort?: number | undefined;
    readonly warn: (message: string) => void;
  },
): Promise<RedisStore> {
  const { directory, token, port, warn } = options;
  const redis = stack.use(await startRedis({ directory, port, warn }));
  const bridge = stack.use(await startUpstashBridge({ redis, token, port: options.bridgePort }));
  return { redis, restUrl: bridge.url, token };
}
