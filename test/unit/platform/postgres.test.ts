import { describe, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createPostgres, POSTGRES_ANSWER_BYTES_MAX } from "../../../src/platform/postgres.ts";
import { closedUrl, sendJson, serve, type Received } from "../../support/http-server.ts";
import type { ServerResponse } from "node:http";

const PASSWORD = "correct-horse-battery";
const CONNECTION_STRING = `postgresql://watch:${PASSWORD}@db.example.com/shop`;
const ONE_ROW = {
  command: "SELECT",
  rowCount: 1,
  rowAsArray: true,
  fields: [{ name: "up", dataTypeID: 23 }],
  rows: [["1"]],
};

/** A server in the place of Neon's proxy, and a client that talks to it. */
async function aDatabase(answer: (request: Received, response: ServerResponse) => void) {
  const server = await serve(answer);
  onTestFinished(server.close);
  const postgres = createPostgres({
    connectionString: CONNECTION_STRING,
    fetchEndpoint: `${server.url}/sql`,
  });
  return { postgres, received: server.received };
}

const soon = (): AbortSignal => AbortSignal.timeout(2_000);

describe("ping", () => {
  it("answers how long it took, under our own application name", async ({ expect }) => {
    const { postgres, received } = await aDatabase((_, response) =>
      sendJson(response, 200, ONE_ROW),
    );
    expect(await postgres.ping(soon())).toEqual({
      ok: true,
      value: { tookMs: expect.any(Number) },
    });
    expect(received).toHaveLength(1);
    expect(received[0]?.headers["neon-connection-string"]).toContain("application_name=firebreak");
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({ query: "SELECT 1 AS up", params: [] });
  });

  const FAILURES = [
    [
      "a proxy that cannot reach it",
      "unreachable",
      400,
      { message: "Couldn't connect to compute node" },
    ],
    ["a database that starts up", "unreachable", 400, { message: "starting up", code: "57P03" }],
    ["too many connections", "unreachable", 400, { message: "too many", code: "53300" }],
    ["a wrong password", "refused", 400, { message: "no", code: "28P01" }],
    [
      "a wrong password, in the proxy's words",
      "refused",
      400,
      { message: `password authentication failed for user "watch"` },
    ],
    ["a canceled statement", "timeout", 400, { message: "canceled", code: "57014" }],
    ["a failing proxy", "unreachable", 502, { message: "bad gateway" }],
    ["a forbidding proxy", "refused", 403, { message: "forbidden" }],
    ["an answer of another shape", "malformed", 200, { hello: "world" }],
    ["a wrong answer", "malformed", 200, { ...ONE_ROW, rows: [["2"]] }],
    ["no row", "malformed", 200, { ...ONE_ROW, rows: [] }],
  ] as const;
  it.for(FAILURES)("calls %s %s", async ([, kind, status, body], { expect }) => {
    const { postgres } = await aDatabase((_, response) => sendJson(response, status, body));
    expect(await postgres.ping(soon())).toMatchObject({ ok: false, error: { kind } });
  });

  it.for([
    [429, "retry"],
    [403, "refuse"],
    [502, "retry"],
  ] as const)(
    "that ends in a %i may be tried again or not: %s",
    async ([status, kind], { expect }) => {
      const { postgres } = await aDatabase((_, response) => sendJson(response, status, {}));
      expect(await postgres.ping(soon())).toMatchObject({ error: { class: kind } });
    },
  );

  it("asks once, whatever comes back", async ({ expect }) => {
    const { postgres, received } = await aDatabase((_, response) => sendJson(response, 502, {}));
    await postgres.ping(soon());
    expect(received).toHaveLength(1);
  });

  it("calls garbage malformed", async ({ expect }) => {
    const { postgres } = await aDatabase((_, response) => response.end("<html>"));
    expect(await postgres.ping(soon())).toMatchObject({ error: { kind: "malformed" } });
  });

  it("reads no more than its limit", async ({ expect }) => {
    const { postgres } = await aDatabase((_, response) =>
      response.end(JSON.stringify({ ...ONE_ROW, filler: "x".repeat(POSTGRES_ANSWER_BYTES_MAX) })),
    );
    expect(await postgres.ping(soon())).toMatchObject({
      error: { kind: "malformed", detail: "BodyTooLargeError" },
    });
  });

  it("gives up when the signal says so", async ({ expect }) => {
    const { postgres } = await aDatabase(() => {});
    expect(await postgres.ping(AbortSignal.timeout(50))).toMatchObject({
      error: { kind: "timeout", class: "retry" },
    });
  });

  it("gives up while the body hangs, too", async ({ expect }) => {
    const { postgres } = await aDatabase((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write("{");
    });
    expect(await postgres.ping(AbortSignal.timeout(50))).toMatchObject({
      error: { kind: "timeout" },
    });
  });

  it("calls a closed port unreachable", async ({ expect }) => {
    const postgres = createPostgres({
      connectionString: CONNECTION_STRING,
      fetchEndpoint: await closedUrl(),
    });
    expect(await postgres.ping(soon())).toMatchObject({ error: { kind: "unreachable" } });
  });

  it.for(["not a url", `mysql://watch:${PASSWORD}@h/d`, `postgresql://watch:${PASSWORD}@`])(
    "refuses %j as a connection string, without repeating it",
    async (connectionString, { expect }) => {
      const postgres = createPostgres({ connectionString, fetchEndpoint: await closedUrl() });
      const answer = await postgres.ping(soon());
      expect(answer.ok).toBe(false);
      expect(JSON.stringify(answer)).not.toContain(PASSWORD);
    },
  );

  it("never repeats what the other side says, which may quote the connection string", async ({
    expect,
  }) => {
    for (const status of [400, 500]) {
      const { postgres } = await aDatabase((_, response) =>
        sendJson(response, status, {
          message: `cannot connect with ${CONNECTION_STRING}`,
          detail: PASSWORD,
        }),
      );
      expect(JSON.stringify(await postgres.ping(soon()))).not.toContain(PASSWORD);
    }
  });
});

describe("query", () => {
  const query = {
    text: "SELECT up FROM t WHERE id = $1 LIMIT 10",
    params: [7],
    row: z.object({ up: z.int() }),
    statementTimeoutMs: 1_500,
  };
  const SET = { ...ONE_ROW, fields: [{ name: "set_config", dataTypeID: 25 }], rows: [["1500"]] };

  it("reads in a read-only transaction that the database itself ends in time", async ({
    expect,
  }) => {
    const { postgres, received } = await aDatabase((_, response) =>
      sendJson(response, 200, { results: [SET, ONE_ROW] }),
    );
    expect(await postgres.query(query, soon())).toEqual({ ok: true, value: [{ up: 1 }] });
    expect(received[0]?.headers["neon-batch-read-only"]).toBe("true");
    expect(JSON.parse(received[0]?.body ?? "")).toEqual({
      queries: [
        { query: "SELECT set_config('statement_timeout', $1, true)", params: ["1500"] },
        { query: query.text, params: ["7"] },
      ],
    });
  });

  it("refuses rows of another shape", async ({ expect }) => {
    const text = { ...ONE_ROW, fields: [{ name: "up", dataTypeID: 25 }], rows: [["one"]] };
    const { postgres } = await aDatabase((_, response) =>
      sendJson(response, 200, { results: [SET, text] }),
    );
    expect(await postgres.query(query, soon())).toMatchObject({ error: { kind: "malformed" } });
  });
});
