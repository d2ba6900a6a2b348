/** The emergency query cache on a real Redis, over Upstash's own client and protocol. */
import { neon, neonConfig } from "@neondatabase/serverless";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, it, vi } from "vitest";
import { startRedis, type Redis as RedisServer } from "../../../dev/redis.ts";
import { startUpstashBridge } from "../../../dev/upstash-bridge.ts";
import { startWarden } from "../../../dev/warden.ts";
import { EARLY_SHARE, keyOf, LOCK_MS, QueryCache } from "../../../src/sdk/query-cache.ts";
import type { Connections, Row, Sql } from "../../../src/sdk/index.ts";
import { anIsolate, anSdkEntry } from "../../support/sdk.ts";
import { startPostgresBehindNeon, type PostgresBehindNeon } from "../../support/servers.ts";

let server: RedisServer;
let url = "";
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  const { directory } = stack.use(startWarden());
  server = stack.use(await startRedis({ directory, warn: () => {} }));
  const bridge = stack.use(await startUpstashBridge({ redis: server, token: "t" }));
  url = bridge.url;
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  await server.start();
  await server.command(["FLUSHALL"]);
});

/** As an application makes it, with the client's own defaults and without. */
const stores = {
  "the client as it comes": () => new Redis({ url, token: "t", retry: false }),
  "the client made plain": () =>
    new Redis({
      url,
      token: "t",
      retry: false,
      automaticDeserialization: false,
      enableAutoPipelining: false,
    }),
};

/** A database whose answers the test sets, counted. */
function aDatabase(answer: (text: string) => Promise<Row[]>) {
  const asked: string[] = [];
  const query = (text: string) => {
    asked.push(text);
    return answer(text);
  };
  const transaction = (queries: readonly Promise<Row[]>[]) => Promise.all(queries);
  return { sql: { query, transaction } as unknown as Sql, asked };
}

const CACHE = anSdkEntry("query-cache", { ttlMs: 300_000, valueBytesMax: 1_000 });
async function anIsolateOn(sql: Sql, store: Redis = stores["the client as it comes"]()) {
  const connections: Connections = { primary: sql, replica: null, store, namespace: "shop" };
  const isolate = anIsolate(connections);
  await isolate.ask([CACHE]);
  return isolate;
}
const QUERY = "SELECT * FROM pitches WHERE id = $1";
const ROWS = [{ id: "1", title: "T", at: new Date(0), tags: ["a"] }];
const keyOfQuery = keyOf("shop", QUERY, [1]) ?? "";

describe("results of reads", () => {
  it.for(Object.entries(stores))(
    "are asked for once and come back as they were, with %s",
    async ([, store], { expect }) => {
      const { sql, asked } = aDatabase(async () => ROWS);
      const isolates = [await anIsolateOn(sql, store()), await anIsolateOn(sql, store())];
      for (const isolate of isolates) {
        const db = await isolate.request();
        expect(await db.query(QUERY, [1])).toEqual(ROWS);
        await isolate.idle();
      }
      expect(asked).toHaveLength(1);
      const ttlMs = Number(await server.command(["PTTL", keyOfQuery]));
      expect(ttlMs).toBeGreaterThan(295_000);
      expect(ttlMs).toBeLessThanOrEqual(300_000);
    },
  );

  it("are asked for by one, however many want them at once", async ({ expect }) => {
    const answer = Promise.withResolvers<Row[]>();
    const { sql, asked } = aDatabase(() => answer.promise);
    const isolates = await Promise.all(Array.from({ length: 3 }, () => anIsolateOn(sql)));
    const results = Promise.all(
      isolates.flatMap((isolate) =>
        Array.from({ length: 4 }, async () => (await isolate.request()).query(QUERY, [1])),
      ),
    );
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    answer.resolve(ROWS);
    expect(await results).toEqual(Array.from({ length: 12 }, () => ROWS));
    expect(asked).toHaveLength(1);
  });

  it("are not kept when the query failed, and the next one asks at once", async ({ expect }) => {
    let isBroken = true;
    const { sql, asked } = aDatabase(async () => {
      if (isBroken) throw new Error("no");
      return ROWS;
    });
    const isolate = await anIsolateOn(sql);
    const db = await isolate.request();
    await expect(db.query(QUERY, [1])).rejects.toThrow("no");
    await isolate.idle();
    expect(await server.command(["DBSIZE"])).toBe(0);
    isBroken = false;
    expect(await db.query(QUERY, [1])).toEqual(ROWS);
    await isolate.idle();
    expect(asked).toHaveLength(2);
  });

  it.for([
    ["larger than allowed", [{ text: "x".repeat(2_000) }]],
    ["not to be carried", [{ bytes: Buffer.from([1]) }]],
  ] as const)("are marked when %s, so that nobody waits for them", async ([, rows], { expect }) => {
    const { sql, asked } = aDatabase(async () => [...rows]);
    const isolate = await anIsolateOn(sql);
    for (let n = 0; n < 3; n += 1) {
      expect(await (await isolate.request()).query(QUERY, [1])).toEqual(rows);
      await isolate.idle();
    }
    expect(asked).toHaveLength(3);
    expect(String(await server.command(["GET", keyOfQuery]))).toMatch(/^firebreak1:\d+:\d+:$/);
  });

  it("of a session that writes are its own, and others get the new ones from it", async ({
    expect,
  }) => {
    let version = 1;
    const { sql } = aDatabase(async (text) => {
      if (text.startsWith("UPDATE")) version += 1;
      return [{ version }];
    });
    const isolate = await anIsolateOn(sql);
    const [db, other] = [await isolate.request(), await isolate.request()];
    expect(await other.query(QUERY, [1])).toEqual([{ version: 1 }]);
    await isolate.idle();
    await db.query("UPDATE pitches SET title = 'x'");
    expect(await other.query(QUERY, [1])).toEqual([{ version: 1 }]);
    await vi.waitFor(async () => {
      expect(await db.query(QUERY, [1])).toEqual([{ version: 2 }]);
      await isolate.idle();
      expect(await other.query(QUERY, [1])).toEqual([{ version: 2 }]);
    });
  });
});

describe("the end of a result's time", () => {
  const TTL_MS = 300_000;

  /** When each of `many` results that were read now is to be asked for anew, counted from then. */
  async function endsMs(random: () => number, many: number): Promise<readonly number[]> {
    const cache = new QueryCache(random);
    const store = stores["the client made plain"]();
    const kept: Promise<unknown>[] = [];
    const context = {
      store,
      terms: { ttlMs: TTL_MS, valueBytesMax: 1_000 },
      waitUntil: (work: Promise<unknown>) => void kept.push(work),
    };
    const values: unknown[] = [];
    for (let n = 0; n < many; n += 1) {
      const key = `ends:${n}`;
      await cache.rows({ key, notBeforeMs: null, ask: async () => ROWS }, context);
      await Promise.all(kept);
      values.push(await store.get(key));
    }
    return values.map((value) => {
      const [, asked, until] = String(value).split(":", 3).map(Number);
      return (until ?? NaN) - (asked ?? NaN);
    });
  }

  it("is somewhere in the last part of it, for each another", async ({ expect }) => {
    const ends = await endsMs(Math.random, 40);
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(TTL_MS * (1 - EARLY_SHARE));
    expect(Math.max(...ends)).toBeLessThanOrEqual(TTL_MS);
    // Of 40 that fall evenly, all within a quarter of the part is one in 10^22.
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan((TTL_MS * EARLY_SHARE) / 4);
    expect(new Set(ends).size).toBeGreaterThan(20);
  });

  it("is its whole time at the latest, and that less the part at the earliest", async ({
    expect,
  }) => {
    expect(await endsMs(() => 0, 1)).toEqual([TTL_MS]);
    await server.command(["FLUSHALL"]);
    expect(await endsMs(() => 1, 1)).toEqual([TTL_MS * (1 - EARLY_SHARE)]);
  });

  it("has one ask anew, while the others still read what was kept", async ({ expect }) => {
    const answer = Promise.withResolvers<Row[]>();
    const { sql, asked } = aDatabase(() => answer.promise);
    const isolates = [await anIsolateOn(sql), await anIsolateOn(sql), await anIsolateOn(sql)];
    const nowMs = Date.now();
    const old = '{"columns":["n"],"rows":[[{"j":1}]]}';
    await server.command(["SET", keyOfQuery, `firebreak1:${nowMs - 290_000}:${nowMs - 1}:${old}`]);
    const reads = isolates.map(async (isolate) => (await isolate.request()).query(QUERY, [1]));
    expect(await Promise.race(reads)).toEqual([{ n: 1 }]);
    answer.resolve([{ n: 2 }]);
    const all = await Promise.all(reads);
    await Promise.all(isolates.map((isolate) => isolate.idle()));
    expect(all.filter(([row]) => row?.["n"] === 1)).toHaveLength(2);
    expect(all.filter(([row]) => row?.["n"] === 2)).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });
});

describe("nothing is cached", () => {
  it.for([
    ["of a write", "UPDATE pitches SET title = 'x' RETURNING id", {}],
    ["of what is different for everybody", "SELECT current_user", {}],
    ["that opted out", QUERY, { cache: false }],
  ] as const)("%s", async ([, text, options], { expect }) => {
    const { sql, asked } = aDatabase(async () => ROWS);
    const isolate = await anIsolateOn(sql);
    for (let n = 0; n < 2; n += 1) {
      await (await isolate.request()).query(text, [1], options);
      await isolate.idle();
    }
    expect(asked).toHaveLength(2);
    expect(await server.command(["DBSIZE"])).toBe(0);
  });

  it("while nothing is asked", async ({ expect }) => {
    const { sql, asked } = aDatabase(async () => ROWS);
    const isolate = await anIsolateOn(sql);
    await isolate.ask([]);
    await (await isolate.request()).query(QUERY, [1]);
    await (await isolate.request()).query(QUERY, [1]);
    await isolate.idle();
    expect(asked).toHaveLength(2);
    expect(await server.command(["DBSIZE"])).toBe(0);
  });
});

describe("trouble", () => {
  it("of Redis costs no query, and hardly any time", async ({ expect }) => {
    const { sql, asked } = aDatabase(async () => ROWS);
    const isolate = await anIsolateOn(sql);
    await server.stop();
    const startedAtMs = Date.now();
    for (let n = 0; n < 50; n += 1) {
      expect(await (await isolate.request()).query(QUERY, [1])).toEqual(ROWS);
    }
    await isolate.idle();
    expect(asked).toHaveLength(50);
    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
  });

  it("of whoever asks for all: the others ask for themselves after a while", async ({ expect }) => {
    const { sql, asked } = aDatabase(async () => ROWS);
    await server.command(["SET", `${keyOfQuery}:lock`, "1", "PX", String(LOCK_MS)]);
    const isolate = await anIsolateOn(sql);
    expect(await (await isolate.request()).query(QUERY, [1])).toEqual(ROWS);
    expect(asked).toHaveLength(1);
  });

  it("with what stands there: it is asked for, and replaced", async ({ expect }) => {
    const { sql } = aDatabase(async () => ROWS);
    const isolate = await anIsolateOn(sql);
    for (const garbage of ["", "{}", "firebreak1:1:9999999999999:{]", "firebreak9:1:2:x"]) {
      await server.command(["FLUSHALL"]);
      await server.command(["SET", keyOfQuery, garbage]);
      expect(await (await isolate.request()).query(QUERY, [1])).toEqual(ROWS);
      await isolate.idle();
      expect(String(await server.command(["GET", keyOfQuery]))).toContain("firebreak1:");
    }
  });
});

describe("a function that writes, behind a SELECT", () => {
  let database: PostgresBehindNeon;
  beforeAll(async () => {
    database = await startPostgresBehindNeon();
    neonConfig.fetchEndpoint = database.fetchEndpoint;
    await neon(database.postgres.url("postgres")).transaction((sql) => [
      sql.query("CREATE TABLE charges (amount int)"),
      sql.query(
        "CREATE FUNCTION charge(amount int) RETURNS int LANGUAGE sql AS 'INSERT INTO charges VALUES ($1) RETURNING 1'",
      ),
    ]);
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  it("is done each time it is asked for, by whichever isolate", async ({ expect }) => {
    const sql: Sql = neon(database.postgres.url("postgres"));
    for (const isolate of [await anIsolateOn(sql), await anIsolateOn(sql)]) {
      for (let calls = 0; calls < 2; calls += 1) {
        const db = await isolate.request();
        expect(await db.query("SELECT charge($1) AS done", [5])).toEqual([{ done: 1 }]);
        expect(db.wroteAtMs).not.toBeNull();
        await isolate.idle();
      }
    }
    expect(await sql.query("SELECT count(*)::int AS n FROM charges")).toEqual([{ n: 4 }]);
  });
});
