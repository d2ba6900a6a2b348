/** Sessions dropped from a real Redis, all of them and nothing else, once; and what is left to say when its edge fails. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import { startRedis, type Redis } from "../../../dev/redis.ts";
import { startUpstashBridge } from "../../../dev/upstash-bridge.ts";
import { startWarden } from "../../../dev/warden.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import type { Act, StoredAct, StoredJudgedAct } from "../../../src/mitigations/opaque.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import { BATCHES_MAX, createRedisWriter, SCAN_COUNT } from "../../../src/platform/redis-writer.ts";
import { err } from "../../../src/shared/result.ts";
import { actContract, type ChangeFault } from "../../contract/act.ts";
import { closedUrl, sendJson, serve, type LocalServer } from "../../support/http-server.ts";

const PREFIX = "session:";
const TOKEN = "t0ken-that-may-drop-keys";

const flush = actOf("flush-sessions");

function actOf(id: string): Act {
  const act = acts[id];
  if (act === undefined) throw new Error("there is such an act");
  return act;
}

let stack: AsyncDisposableStack;
let server: Redis;
let edge: LocalServer;
let nowhere: string;
/** How the next transaction goes wrong. */
let fault: ChangeFault | null = null;

beforeAll(async () => {
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  server = starting.use(await startRedis({ directory, warn: () => {} }));
  const bridge = starting.use(await startUpstashBridge({ redis: server, token: TOKEN }));
  edge = await serve(({ method, path, headers, body }, response) => {
    const isChange = path.includes("multi-exec");
    const how = isChange ? fault : null;
    if (isChange) fault = null;
    const forward = async () => {
      const authorization = headers.authorization ?? "";
      const init = { method, body, headers: { authorization, "content-type": "application/json" } };
      const answer = await fetch(`${bridge.url}${path}`, init);
      return { status: answer.status, body: (await answer.json()) as unknown };
    };
    switch (how) {
      case null:
        void forward().then((answer) => sendJson(response, answer.status, answer.body));
        return;
      case "429":
        sendJson(response, 429, { error: "ERR max requests limit exceeded. Limit: 500000" });
        return;
      case "403":
        sendJson(response, 400, { error: "NOPERM this user has no permissions to run 'unlink'" });
        return;
      case "5xx":
        response.writeHead(502).end("<html>bad gateway</html>");
        return;
      case "timeout":
        response.destroy();
        return;
      case "answer_lost":
        void forward().then(() => response.destroy());
    }
  });
  starting.defer(() => edge.close());
  nowhere = await closedUrl();
  stack = starting.move();
});
afterAll(() => stack?.disposeAsync());

const nobody = async () => err({ class: "refuse", detail: "not needed here" } as const);
const reachAt = (url: string, prefixOf: () => string = () => PREFIX): Reach => ({
  instance: "shop.test",
  policy: { put: nobody, get: nobody, remove: nobody },
  cloudflare: null,
  neon: null,
  canSign: false,
  postgres: null,
  credentials: null,
  get sessions() {
    return { prefix: prefixOf(), writer: createRedisWriter({ url, token: TOKEN }) };
  },
});

const keys = z.array(z.coerce.string());
const keysLike = async (pattern: string): Promise<readonly string[]> =>
  keys.parse(await server.command(["KEYS", pattern])).toSorted();
const OTHERS = ["basket:session:1", "sessions", "sessio", "session"];

async function filled(sessions: number): Promise<void> {
  await server.command(["FLUSHALL"]);
  const pairs = Array.from({ length: sessions }, (_, n) => [`${PREFIX}${n}`, "{}"]);
  for (let from = 0; from < pairs.length; from += 5_000) {
    await server.command(["MSET", ...pairs.slice(from, from + 5_000).flat()]);
  }
  await server.command(["MSET", ...OTHERS.flatMap((key) => [key, "stays"])]);
}

async function manyOthers(count: number): Promise<void> {
  const script = "for n = 1, ARGV[1] do redis.call('SET', 'other:' .. n, '') end";
  await server.command(["EVAL", script, "0", String(count)]);
}

const anAct = (id: StoredAct["id"] = "act_1"): StoredAct => ({
  id,
  incidentId: "inc_1",
  options: {},
  reason: "security",
  onsetAtMs: 0,
});
async function judged(id?: StoredAct["id"]): Promise<StoredJudgedAct & { says: string }> {
  const judgement = await flush.judge(anAct(id), reachAt(edge.url));
  if (!judgement.ok) throw new Error(judgement.error.detail);
  return { ...anAct(id), judged: judgement.value.judged, says: judgement.value.says };
}

actContract({
  act: flush,
  options: {},
  badOptions: [{ options: { prefix: "user:" }, field: "prefix" }],
  onsetAtMs: 0,
  secret: TOKEN,
  async ground() {
    await filled(3);
    fault = null;
    let prefix = PREFIX;
    return {
      reach: reachAt(edge.url, () => prefix),
      unreachable: reachAt(nowhere),
      timesDone: async () => {
        const markers = await keysLike("firebreak:dropped:*");
        const dropped = await Promise.all(
          markers.map(async (marker) => String(await server.command(["GET", marker]))),
        );
        return dropped.filter((marker) => !marker.endsWith(" 0")).length;
      },
      version: () => keysLike("*"),
      failNextChange: async (next) => {
        fault = next;
      },
      interfere: async () => {
        prefix = "signed-in:";
      },
    };
  },
});

describe("sessions in Redis", () => {
  it("are dropped, all of them, and nothing that only looks like one", async ({ expect }) => {
    await filled(12_345);
    const act = await judged();
    expect(act.says).toBe(
      'drop 12345 of the 12349 keys in Redis, those that begin with "session:": everybody whose session is there signs in again',
    );
    expect(await flush.perform(act, reachAt(edge.url))).toEqual({
      ok: true,
      value: {
        says: "dropped 12345 keys that began with session: from Redis",
        receipt: { keys: 12_345, prefix: PREFIX },
      },
    });
    expect(await keysLike("*")).toEqual(["firebreak:dropped:act_1", ...OTHERS].toSorted());
  });

  it("that are made afterwards stay, though the same act is done again", async ({ expect }) => {
    await filled(3);
    const act = await judged();
    await flush.perform(act, reachAt(edge.url));
    await server.command(["SET", "session:new", "{}"]);
    expect(await flush.perform(act, reachAt(edge.url))).toMatchObject({
      value: { receipt: { keys: 3 } },
    });
    expect(await keysLike("session:*")).toEqual(["session:new"]);
  });

  it("are gone in the end, wherever it was cut off, and each is counted once", async ({
    expect,
  }) => {
    const sessions = 21_000;
    // Each batch is one transaction of some five.
    for (const cut of ["5xx", "answer_lost"] as const) {
      for (let nth = 0; nth < 4; nth += 1) {
        await filled(sessions);
        const act = await judged();
        let changes = 0;
        const cutting = await serve(({ method, path, headers, body }, response) => {
          if (path.includes("multi-exec")) fault = changes === nth ? cut : null;
          if (path.includes("multi-exec")) changes += 1;
          const authorization = headers.authorization ?? "";
          void fetch(`${edge.url}${path}`, { method, body, headers: { authorization } }).then(
            async (answer) => response.writeHead(answer.status).end(await answer.text()),
            () => response.destroy(),
          );
        });
        expect(await flush.perform(act, reachAt(cutting.url))).toMatchObject({
          error: { class: "unknown_outcome" },
        });
        await cutting.close();
        expect(await flush.confirm(act, reachAt(edge.url))).toEqual({
          ok: true,
          value: { done: false },
        });
        const done = await flush.perform(act, reachAt(edge.url));
        expect(done).toMatchObject({ ok: true, value: { receipt: { keys: sessions } } });
        expect(await keysLike("session:*")).toEqual([]);
        expect(await keysLike("*")).toEqual(["firebreak:dropped:act_1", ...OTHERS].toSorted());
      }
    }
  });

  it("among more keys than one go looks at are dropped by the next", async ({ expect }) => {
    await filled(0);
    await manyOthers(BATCHES_MAX * SCAN_COUNT + 50_000);
    await server.command(["MSET", "session:1", "{}", "session:2", "{}"]);
    const act = await judged();
    expect(act.says).toMatch(/^drop at least \d of the 300006 keys/);
    expect(await flush.perform(act, reachAt(edge.url))).toMatchObject({
      error: { class: "unknown_outcome", detail: expect.stringContaining("it goes on from there") },
    });
    expect(await flush.perform(act, reachAt(edge.url))).toMatchObject({ ok: true });
    expect(await keysLike("session:*")).toEqual([]);
  });

  it("are nobody's business where nothing says what they are called, or none is there", async ({
    expect,
  }) => {
    await filled(0);
    expect(await flush.judge(anAct(), reachAt(edge.url))).toMatchObject({
      error: { class: "refuse", detail: "Redis has no key that begins with session:" },
    });
    const reach = reachAt(edge.url);
    expect(flush.missing(reach)).toBeNull();
    const noToken = { ...reach, sessions: { prefix: PREFIX, writer: null } };
    expect(flush.missing(noToken)).toBe("REDIS_ACTS_TOKEN is not set, or REDIS_URL is not");
    expect(flush.missing({ ...reach, sessions: null })).toBe(
      "site.yaml declares no sessions.redis_prefix",
    );
  });
});
