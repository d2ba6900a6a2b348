/** What the unmodified Upstash client may rely on, whichever Redis stands behind the bridge. */
import { Redis as Upstash } from "@upstash/redis";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { LoopbackServer } from "../../dev/loopback.ts";
import type { Redis } from "../../dev/redis.ts";
import { startUpstashBridge } from "../../dev/upstash-bridge.ts";

const TOKEN = "a-token";
const CLIENT_OPTIONS = {
  token: TOKEN,
  retry: false,
  enableTelemetry: false,
  signal: () => AbortSignal.timeout(2_000),
} as const;

export function upstashContract(name: string, startRedis: () => Promise<Redis>): void {
  describe(`the Upstash client with ${name}`, () => {
    let redis: Redis;
    let bridge: LoopbackServer;
    beforeAll(async () => {
      redis = await startRedis();
      bridge = await startUpstashBridge({ redis, token: TOKEN });
    });
    afterAll(async () => {
      await bridge?.[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    });
    const client = (options: { automaticDeserialization?: boolean } = {}) =>
      new Upstash({ ...CLIENT_OPTIONS, url: bridge.url, enableAutoPipelining: false, ...options });
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      fetch(`${bridge.url}${path}`, {
        method: "POST",
        body,
        headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
      });

    it("sets, gets, expires and deletes", async ({ expect }) => {
      const upstash = client();
      expect(await upstash.ping()).toBe("PONG");
      expect(await upstash.set("a", { n: 1 }, { ex: 60, nx: true })).toBe("OK");
      expect(await upstash.set("a", "again", { nx: true })).toBeNull();
      expect(await upstash.get("a")).toEqual({ n: 1 });
      expect(await upstash.ttl("a")).toBeGreaterThan(58);
      expect(await upstash.del("a", "b")).toBe(1);
      expect(await upstash.get("a")).toBeNull();
    });

    it("carries text that is not ASCII, and text that says OK", async ({ expect }) => {
      const upstash = client({ automaticDeserialization: false });
      await upstash.set("text", "naïve 🔥");
      await upstash.set("ok", "OK");
      expect(await upstash.mget("text", "ok")).toEqual(["naïve 🔥", "OK"]);
    });

    it("knows lists, hashes and sets", async ({ expect }) => {
      const upstash = client();
      expect(await upstash.rpush("queue", "a", "b", "a", "c")).toBe(4);
      expect(await upstash.lmove("queue", "processing", "right", "left")).toBe("c");
      expect(await upstash.lrem("queue", 1, "a")).toBe(1);
      expect(await upstash.lrange("queue", 0, -1)).toEqual(["b", "a"]);
      expect(await upstash.lrange("queue", -1, 0)).toEqual([]);
      expect(await upstash.lpop("queue", 5)).toEqual(["b", "a"]);
      expect(await upstash.exists("queue", "processing")).toBe(1);
      expect(await upstash.hset("hash", { one: 1, two: "zwei" })).toBe(2);
      expect(await upstash.hincrby("hash", "one", 2)).toBe(3);
      expect(await upstash.hgetall("hash")).toEqual({ one: 3, two: "zwei" });
      expect(await upstash.sadd("set", "x", "y")).toBe(2);
      expect((await upstash.smembers("set")).toSorted()).toEqual(["x", "y"]);
    });

    it("finds keys by how they begin, and removes them", async ({ expect }) => {
      const upstash = client();
      const made = Array.from({ length: 30 }, (_, n) => `found:${n}`);
      await Promise.all(["founder", "f*und:1", ...made].map((key) => upstash.set(key, 1)));
      const scan = async (match: string): Promise<readonly string[]> => {
        const found: string[] = [];
        let cursor = "0";
        do {
          const [next, keys] = await upstash.scan(cursor, { match, count: 10 });
          found.push(...keys);
          cursor = next;
        } while (cursor !== "0");
        return [...new Set(found)].toSorted();
      };
      expect(await scan("found:*")).toEqual(made.toSorted());
      expect(await scan("f\\*und:?")).toEqual(["f*und:1"]);
      expect(await upstash.unlink(...made, "nobody")).toBe(30);
      expect(await scan("f*und*")).toEqual(["f*und:1", "founder"]);
    });

    it("refuses a command that does not fit the kind of the key", async ({ expect }) => {
      const upstash = client();
      await upstash.rpush("a-list", "x");
      await expect(upstash.get("a-list")).rejects.toThrow("WRONGTYPE");
      await expect(upstash.incr("a-list")).rejects.toThrow("WRONGTYPE");
    });

    it("forgets what has expired", async ({ expect }) => {
      const upstash = client();
      await upstash.set("brief", "x", { px: 40 });
      await expect.poll(() => upstash.get("brief")).toBeNull();
      expect(await upstash.ttl("brief")).toBe(-2);
    });

    it("runs a pipeline in order, and one failure spoils nothing else", async ({ expect }) => {
      const pipeline = client().pipeline();
      pipeline.set("p", "text").incr("p").get("p").incr("fresh");
      const results = await pipeline.exec({ keepErrors: true });
      expect(results.map(({ result }) => result)).toEqual(["OK", undefined, "text", 1]);
      expect(results[1]?.error).toMatch(/^ERR value is not an integer/);
    });

    it("gathers what is asked together into a pipeline by itself", async ({ expect }) => {
      const upstash = new Upstash({ ...CLIENT_OPTIONS, url: bridge.url });
      await upstash.set("auto", 1);
      expect(await Promise.all([upstash.get("auto"), upstash.incr("auto")])).toEqual([1, 2]);
    });

    it("runs a transaction", async ({ expect }) => {
      const transaction = client().multi();
      transaction.set("t", 1).incrby("t", 41).get("t");
      expect(await transaction.exec()).toEqual(["OK", 42, 42]);
    });

    it("encodes text as base64 only when asked, and numbers and null never", async ({ expect }) => {
      await client({ automaticDeserialization: false }).set("encoded", "plain");
      const commands = '[["GET","encoded"],["GET","absent"],["STRLEN","encoded"]]';
      const plain = await post("/pipeline", commands);
      expect(await plain.json()).toEqual([{ result: "plain" }, { result: null }, { result: 5 }]);
      const encoded = await post("/pipeline", commands, { "Upstash-Encoding": "base64" });
      expect(await encoded.json()).toEqual([
        { result: "cGxhaW4=" },
        { result: null },
        { result: 5 },
      ]);
    });

    it("passes on what Redis refuses as 400", async ({ expect }) => {
      await client().set("word", "w");
      const response = await post("/", '["INCR","word"]');
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        error: expect.stringMatching(/^ERR value is not an integer/),
      });
    });

    const refusals: readonly [what: string, path: string, body: string, status: number][] = [
      ["a body that is not JSON", "/", "PING", 400],
      ["an empty command", "/", "[]", 400],
      ["a command as an object", "/", '{"PING":1}', 400],
      ["a pipeline that is one command", "/pipeline", '["PING"]', 400],
      ["a command that blocks", "/", '["BLPOP","queue","0"]', 400],
      ["a command that runs the server", "/", '["CONFIG","GET","*"]', 400],
      ["a command that does not exist", "/", '["FROBNICATE"]', 400],
    ];
    for (const [what, path, body, status] of refusals) {
      it(`refuses ${what}`, async ({ expect }) => {
        const response = await post(path, body);
        expect(response.status).toBe(status);
        expect(await response.json()).toEqual({ error: expect.stringMatching(/^ERR /) });
      });
    }

    it("refuses strangers before it reads anything", async ({ expect }) => {
      const response = await post("/", "x", { Authorization: "Bearer another" });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({ error: "Unauthorized" });
    });

    it("knows no other method than POST", async ({ expect }) => {
      const headers = { Authorization: `Bearer ${TOKEN}` };
      expect((await fetch(`${bridge.url}/pipeline`, { headers })).status).toBe(405);
    });

    it("answers at once while Redis is stopped, and has kept everything after", async ({
      expect,
    }) => {
      const upstash = client();
      await upstash.set("kept", "here");
      await redis.stop();
      expect((await post("/", '["GET","kept"]')).status).toBe(503);
      await expect(upstash.get("kept")).rejects.toThrow("not reachable");
      await redis.start();
      expect(await upstash.get("kept")).toBe("here");
    });
  });
}
