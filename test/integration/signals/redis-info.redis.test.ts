/** What a real Redis says of itself, through Upstash's protocol. */
import { it } from "vitest";
import { startRedis } from "../../../dev/redis.ts";
import { startUpstashBridge } from "../../../dev/upstash-bridge.ts";
import { startWarden } from "../../../dev/warden.ts";
import { createRedis } from "../../../src/platform/redis.ts";
import { redisInfo } from "../../../src/signals/collectors/redis-info.ts";
import { keep } from "../../support/servers.ts";
import { aCollection } from "../../support/signals.ts";

it("is evidence of its memory and clients", async ({ expect }) => {
  const { directory } = keep(startWarden());
  const server = keep(await startRedis({ directory, warn: () => {} }));
  const bridge = keep(await startUpstashBridge({ redis: server, token: "t" }));
  const answer = await redisInfo.collect({
    ...aCollection({ redis: createRedis({ url: bridge.url, token: "t" }) }),
    signal: AbortSignal.timeout(5_000),
  });
  expect(answer).toMatchObject({
    ok: true,
    value: {
      summary: expect.stringMatching(
        /^Redis \d+\.\d+\.\d+: \d+ of unlimited bytes used, \d+ clients, 0 keys/,
      ),
      facts: { role: "master", maxmemory_policy: "noeviction" },
    },
  });
});
