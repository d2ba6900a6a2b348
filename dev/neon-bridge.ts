/**
 * Neon's HTTP endpoint in front of the local Postgres, so that the unmodified `@neondatabase/serverless` driver works
 * here as it does in production. It answers as Neon's proxy does, errors included, and is stricter where the driver
 * always sends the same: anything else is a mistake that should show before a deploy.
 */
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import pg from "pg";
import { z } from "zod";
import { acceptNeonSockets } from "./neon-socket.ts";
import { LOOPBACK, serveLoopback, type LoopbackServer } from "./loopback.ts";

const BODY_BYTES_MAX = 10 * 1024 * 1024;
const RESPONSE_CHARS_MAX = 10 * 1024 * 1024;
const QUERIES_MAX = 1_000;
const PARAMS_MAX = 65_535;
const CONNECT_TIMEOUT_MS = 5_000;
const POOL_CONNECTIONS_MAX = 64;
const POOL_IDLE_MS = 10_000;

const query = z.strictObject({
  query: z.string(),
  params: z.array(z.string().nullable()).max(PARAMS_MAX).default([]),
});
const payload = z.union([query, z.strictObject({ queries: z.array(query).max(QUERIES_MAX) })]);
type Query = z.infer<typeof query>;
type Payload = z.infer<typeof payload>;

/**
 * Serves `/sql` over HTTP and `/v2` over WebSocket for the Postgres on that port of loopback; over HTTP also for its replica, and for
 * computes that have a host name of their own, which may come and go.
 */
export async function startNeonBridge(options: {
  readonly postgresPort: number;
  readonly replicaPort?: number | undefined;
  /** Ports of loopback by host name. */
  readonly computes?: ReadonlyMap<string, number>;
  readonly port?: number | undefined;
}): Promise<LoopbackServer> {
  const pools = new Map<string, pg.Pool>();
  const local = [options.postgresPort, options.replicaPort].filter((port) => port !== undefined);
  const { computes = new Map<string, number>() } = options;
  const server = await serveLoopback(neonApp({ local, computes }, pools).fetch, options.port);
  const endSockets = acceptNeonSockets(server.http, options.postgresPort);
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      endSockets();
      await server[Symbol.asyncDispose]();
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** What it can reach. */
type Endpoints = {
  /** Ports of `localhost`. */
  readonly local: readonly number[];
  readonly computes: ReadonlyMap<string, number>;
};

function neonApp(endpoints: Endpoints, pools: Map<string, pg.Pool>): Hono {
  const app = new Hono();
  app.onError((error, c) => answerError(c, error));
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) =>
        answerError(c, new Refusal(413, `request is too large (max is ${BODY_BYTES_MAX} bytes)`)),
    }),
  );
  app.post("/sql", async (c) => {
    requireDriverHeaders(c);
    const target = connectionTarget(c, endpoints);
    const batch = batchOptions(c);
    const statements = await readPayload(c);
    const client = await connect(poolFor(pools, target));
    const stopWatching = cancelWhenGone(c.req.raw.signal, client, target);
    try {
      const body = await runStatements(client, statements, batch);
      client.release();
      return c.body(body, 200, { "Content-Type": "application/json", ...batch.headers });
    } catch (error) {
      // Whatever state the connection is in, nobody else shall inherit it.
      client.release(true);
      throw error;
    } finally {
      stopWatching();
    }
  });
  return app;
}

async function runStatements(
  client: pg.PoolClient,
  statements: Payload,
  batch: BatchOptions,
): Promise<string> {
  const result =
    "queries" in statements
      ? { results: await runBatch(client, statements.queries, batch) }
      : await runQuery(client, statements);
  const body = JSON.stringify(result);
  if (body.length > RESPONSE_CHARS_MAX) {
    throw new Refusal(507, `response is too large (max is ${RESPONSE_CHARS_MAX} bytes)`);
  }
  return body;
}

/** A caller that hangs up, as one does at its deadline, takes its query along, as at Neon. */
function cancelWhenGone(
  signal: AbortSignal,
  client: pg.PoolClient,
  target: pg.ClientConfig,
): () => void {
  const cancel = async () => {
    const canceller = new pg.Client({ ...target, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    canceller.on("error", () => {}); // The calls below tell.
    try {
      await canceller.connect();
      await canceller.query("SELECT pg_cancel_backend($1)", [Reflect.get(client, "processID")]);
    } catch {
      // The server has gone, and the query with it.
    } finally {
      await canceller.end();
    }
  };
  const onAbort = () => void cancel();
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

/** An answer that is not Postgres's own. */
class Refusal extends Error {
  readonly status: 400 | 413 | 500 | 507;
  constructor(status: 400 | 413 | 500 | 507, message: string) {
    super(message);
    this.status = status;
  }
}

/** Without these Neon would answer in another format, which the driver cannot read; it always sends both. */
function requireDriverHeaders(c: Context): void {
  for (const name of ["Neon-Raw-Text-Output", "Neon-Array-Mode"]) {
    if (c.req.header(name) !== "true") throw new Refusal(400, `invalid header: ${name}`);
  }
}

/** Reads the connection string as Neon's proxy does, and serves only the endpoints that exist here. */
function connectionTarget(c: Context, { local, computes }: Endpoints): pg.PoolConfig {
  const header = c.req.header("Neon-Connection-String");
  if (header === undefined) throw new Refusal(400, "invalid header: neon-connection-string");
  const url = URL.parse(header);
  if (url === null) throw new Refusal(400, "invalid connection string");
  if (!["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new Refusal(400, "incorrect scheme");
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === "") throw new Refusal(400, "missing database name");
  if (url.username === "") throw new Refusal(400, "missing username");
  if (url.password === "") {
    throw new Refusal(400, "missing authentication credentials: required password");
  }
  // Neon routes by host name, so that an address can name nothing.
  if (url.hostname === LOOPBACK || url.hostname === "") throw new Refusal(400, "missing hostname");
  const port =
    url.hostname === "localhost"
      ? local.find((known) => String(known) === url.port)
      : computes.get(url.hostname);
  if (port === undefined) {
    throw new Refusal(
      400,
      "The requested endpoint could not be found, or you don't have access to it. Please check the provided ID and try again.",
    );
  }
  return {
    host: LOOPBACK,
    port,
    database,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    application_name: url.searchParams.get("application_name") ?? undefined,
  };
}

type BatchOptions = { readonly begin: string; readonly headers: Record<string, string> };

const ISOLATION_LEVELS = new Map([
  ["ReadUncommitted", "READ UNCOMMITTED"],
  ["ReadCommitted", "READ COMMITTED"],
  ["RepeatableRead", "REPEATABLE READ"],
  ["Serializable", "SERIALIZABLE"],
]);

/** How a batch's transaction begins; Neon repeats the headers that it followed in its answer. */
function batchOptions(c: Context): BatchOptions {
  const headers: Record<string, string> = {};
  let begin = "BEGIN";
  const level = c.req.header("Neon-Batch-Isolation-Level");
  if (level !== undefined) {
    const words = ISOLATION_LEVELS.get(level);
    if (words === undefined) throw new Refusal(400, "invalid isolation level");
    begin += ` ISOLATION LEVEL ${words}`;
    headers["Neon-Batch-Isolation-Level"] = level;
  }
  for (const [header, words] of [
    ["Neon-Batch-Read-Only", "READ ONLY"],
    ["Neon-Batch-Deferrable", "DEFERRABLE"],
  ] as const) {
    if (c.req.header(header) !== "true") continue;
    begin += ` ${words}`;
    headers[header] = "true";
  }
  return { begin, headers };
}

async function readPayload(c: Context): Promise<Payload> {
  try {
    return payload.parse(JSON.parse(await c.req.text()));
  } catch {
    throw new Refusal(400, "could not parse the HTTP request body");
  }
}

function poolFor(pools: Map<string, pg.Pool>, target: pg.PoolConfig): pg.Pool {
  const key = JSON.stringify(target);
  const known = pools.get(key);
  if (known !== undefined) return known;
  const pool = new pg.Pool({
    ...target,
    max: POOL_CONNECTIONS_MAX,
    idleTimeoutMillis: POOL_IDLE_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    allowExitOnIdle: true,
  });
  pool.on("error", () => {}); // An idle connection was lost; the pool has dropped it already.
  pools.set(key, pool);
  return pool;
}

/** The caller's own mistakes at connecting: credentials (class 28) and a database that is not there. */
const isCallersMistake = (code: string | undefined): boolean =>
  code !== undefined && (code.startsWith("28") || code === "3D000");

/** Neon answers 400 to wrong credentials and 500 when the compute cannot be reached. */
async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    const client = await pool.connect();
    // A server that is stopped under a query fails that query; without a listener it would end this process.
    if (client.listenerCount("error") === 0) client.on("error", () => {});
    return client;
  } catch (error) {
    if (error instanceof pg.DatabaseError) {
      throw new Refusal(isCallersMistake(error.code) ? 400 : 500, error.message);
    }
    throw new Refusal(500, "Couldn't connect to compute node");
  }
}

/** node-postgres has `queryMode`; its types have not. */
type ExtendedQuery = pg.QueryArrayConfig & { readonly queryMode: "extended" };

/** Runs one statement with the extended protocol, so that two in one text are refused as Neon refuses them. */
async function runQuery(client: pg.PoolClient, { query: text, params }: Query): Promise<unknown> {
  const statement: ExtendedQuery = {
    text,
    values: [...params],
    rowMode: "array",
    queryMode: "extended",
    types: { getTypeParser: () => (value: string) => value },
  };
  const result = await client.query<(string | null)[]>(statement);
  return {
    command: result.command,
    rowCount: result.rowCount,
    rowAsArray: true,
    fields: result.fields,
    rows: result.rows,
  };
}

async function runBatch(
  client: pg.PoolClient,
  queries: readonly Query[],
  { begin }: BatchOptions,
): Promise<unknown[]> {
  const results: unknown[] = [];
  await client.query(begin);
  for (const statement of queries) results.push(await runQuery(client, statement));
  await client.query("COMMIT");
  return results;
}

const DETAIL_FIELDS = [
  ...([
    "detail",
    "hint",
    "position",
    "internalPosition",
    "internalQuery",
    "where",
    "table",
  ] as const),
  ...(["column", "schema", "dataType", "constraint", "file", "line", "routine"] as const),
];

/** Neon's error body: every field that Postgres gives as text, and null for those that it does not. */
function answerError(c: Context, error: unknown): Response {
  const refusal = error instanceof Refusal ? error : undefined;
  const postgres: Partial<pg.DatabaseError> = error instanceof pg.DatabaseError ? error : {};
  const body: Record<string, string | null> = {
    message: refusal?.message ?? postgres.message ?? "connection closed",
    code: postgres.code ?? "",
    severity: postgres.severity ?? "",
  };
  for (const field of DETAIL_FIELDS) body[field] = postgres[field] ?? null;
  return c.json(body, refusal?.status ?? 400);
}
