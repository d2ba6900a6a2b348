import { assert } from "../../../src/shared/assert.ts";
import { startRedis, type Redis } from "../../../dev/redis.ts";
import { startWarden } from "../../../dev/warden.ts";
import { upstashContract } from "../../contract/upstash.ts";

upstashContract("redis-server", startRealRedis);

async function startRealRedis(): Promise<Redis> {
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  const redis = starting.use(await startRedis({ directory, warn: () => {} }));
  assert(redis.kind === "redis-server", "this project runs where redis-server is installed");
  const taken = starting.move();
  return Object.defineProperty(redis, Symbol.asyncDispose, { value: () => taken.disposeAsync() });
}
