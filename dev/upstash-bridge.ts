/** Upstash's REST API in front of the local Redis, so that the unmodified `@upstash/redis` client works here. */
import { timingSafeEqual } from "node:crypto";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { serveLoopback, type LoopbackServer } from "./loopback.ts";
import { RedisUnreachable, type Reply } from "./redis-reply.ts";
import type { CommandLine, Redis } from "./redis.ts";

const BODY_BYTES_MAX = 1024 * 1024;
const COMMANDS_MAX = 1_000;
const ARGS_MAX = 10_000;

const commandLine = z
  .array(z.union([z.string(), z.number(), z.boolean()]).transform(String))
  .min(1)
  .max(ARGS_MAX)
  .transform(([name = "", ...args]): CommandLine => [name, ...args]);
const commandLines = z.array(commandLine).max(COMMANDS_MAX);

/** Commands that hold state on a connection, block it or run the server have no meaning over REST. */
const REFUSED_COMMANDS = new Set(
  [
    "BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN WAIT",
    "MULTI EXEC DISCARD WATCH UNWATCH SELECT AUTH HELLO QUIT RESET",
    "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR",
    "CONFIG CLIENT DEBUG SHUTDOWN REPLICAOF SLAVEOF SAVE BGSAVE",
  ].flatMap((group) => group.split(" ")),
);

/** Serves `/`, `/pipeline` and `/multi-exec` for clients that know the token. */
export async function startUpstashBridge(options: {
  readonly redis: Redis;
  readonly token: string;
  readonly port?: number | undefined;
}): Promise<LoopbackServer> {
  return serveLoopback(upstashApp(options.redis, options.token).fetch, options.port);
}

function upstashApp(redis: Redis, token: string): Hono {
  const app = new Hono();
  app.use(async function authorize(c, next) {
    if (!isToken(c.req.header("Authorization"), token)) {
      return c.json({ error: "Unauthorized" }, 401);
    }
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) =>
        c.json({ error: `ERR max request size exceeded. Limit: ${BODY_BYTES_MAX} bytes` }, 400),
    }),
  );
  app.onError((error, c) =>
    error instanceof RedisUnreachable
      ? c.json({ error: "ERR the database is not reachable" }, 503)
      : c.json(errorBody(error), 400),
  );
  app.post("/", async (c) => {
    const line = await readBody(c, commandLine, "command");
    return c.json(await runCommand(redis, line, encoder(c)));
  });
  app.post("/pipeline", async (c) => {
    const lines = await readBody(c, commandLines, "pipeline request");
    const encode = encoder(c);
    // All are sent in the same turn, so that they arrive in order on the one connection.
    const results = lines.map((line) => runCommand(redis, line, encode).catch(refusalAsResult));
    return c.json(await Promise.all(results));
  });
  app.post("/multi-exec", async (c) => {
    const lines = await readBody(c, commandLines, "multi-exec request");
    return c.json(await runTransaction(redis, lines, encoder(c)));
  });
  app.get("*", (c) => c.json({ error: "ERR only POST with a JSON body is served here" }, 405));
  return app;
}

function isToken(header: string | undefined, token: string): boolean {
  const [given, wanted] = [Buffer.from(header ?? ""), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody<T>(c: Context, schema: z.ZodType<T>, what: string): Promise<T> {
  try {
    return schema.parse(JSON.parse(await c.req.text()));
  } catch {
    throw new Error(`ERR failed to parse ${what}`);
  }
}

async function runCommand(redis: Redis, line: CommandLine, encode: Encode) {
  requireAvailable(line);
  return { result: encode(await redis.command(line)) };
}

async function runTransaction(redis: Redis, lines: readonly CommandLine[], encode: Encode) {
  for (const line of lines) requireAvailable(line);
  const outcomes = await redis.transaction(lines);
  return outcomes.map((outcome) =>
    outcome instanceof Error ? errorBody(outcome) : { result: encode(outcome) },
  );
}

function requireAvailable([name]: CommandLine): void {
  if (REFUSED_COMMANDS.has(name.toUpperCase())) {
    throw new Error(`ERR Command is not available: '${name}'`);
  }
}

const errorBody = (error: unknown): { error: string } => ({
  error: error instanceof Error ? error.message : String(error),
});

function refusalAsResult(error: unknown): { error: string } {
  if (error instanceof RedisUnreachable) throw error;
  return errorBody(error);
}

type Encode = (reply: Reply) => unknown;

/** With `Upstash-Encoding: base64` every text is encoded, as binary values do not fit JSON; only a bare `OK` is not. */
function encoder(c: Context): Encode {
  if (c.req.header("Upstash-Encoding") !== "base64") return (reply) => encodeTexts(reply, "utf8");
  return (reply) => (isOk(reply) ? "OK" : encodeTexts(reply, "base64"));
}

const isOk = (reply: Reply): boolean =>
  (Buffer.isBuffer(reply) || typeof reply === "string") && reply.toString() === "OK";

function encodeTexts(reply: Reply, encoding: "utf8" | "base64"): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString(encoding);
  if (typeof reply === "string") return Buffer.from(reply).toString(encoding);
  return Array.isArray(reply) ? reply.map((item) => encodeTexts(item, encoding)) : reply;
}
