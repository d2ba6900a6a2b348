/**
 * What a nightly report can do to a database, really: it leaves a transaction open, a migration queues behind it, and every query of the
 * table queues behind the migration. A replica knows nothing of the queue, because the lock was never granted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";

/** Connections that are taken, all together. */
export const SESSIONS = 60;
const QUEUED = 10;
const SLEEPERS = 4;
const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than any gameday. */
const SLEEP_SECONDS = 600;

/** What a session is there for; only the first three may be ended. */
export type Part = "report" | "analytics" | "reader" | "backup" | "migration" | "idle";
const APPLICATIONS: Readonly<Record<Part, string>> = {
  report: "nightly-report",
  analytics: "analytics",
  reader: "recommendations",
  backup: "pg_dump",
  migration: "flyway",
  idle: "jobs",
};

export type Fate = {
  readonly part: Part;
  /** `ended`: somebody cancelled its query or ended it; `done`: its query came to its own end. */
  readonly state: "open" | "done" | "ended";
};

export type LockQueue = AsyncDisposable & {
  readonly fates: () => readonly Fate[];
};

type Session = { readonly client: pg.Client; readonly pid: number; fate: Fate };

const pidRow = z.object({ pid: z.int() });

/** Takes the connections and builds the queue; resolves when the queue stands. Disposing ends all that is left of it. */
export async function buildLockQueue(connectionString: string): Promise<LockQueue> {
  const sessions: Session[] = [];
  const end = async (): Promise<void> => {
    await endAll(
      connectionString,
      sessions.map(({ pid }) => pid),
    );
    await Promise.all(sessions.map(({ client }) => client.end().catch(() => {}))); // It has been ended.
  };
  const take = async (part: Part): Promise<Session> => {
    const session = await connect(connectionString, part);
    sessions.push(session);
    return session;
  };
  try {
    // The report is the oldest of them, and nobody's query comes before it.
    const report = await take("report");
    await report.client.query("BEGIN");
    await report.client.query("SELECT count(*) FROM pitches");
    for (const part of [...Array<Part>(SLEEPERS).fill("analytics"), "backup"] as const) {
      run(await take(part), `SELECT pg_sleep(${SLEEP_SECONDS})`);
    }
    await Promise.all(Array.from({ length: SESSIONS - QUEUED - SLEEPERS - 3 }, () => take("idle")));
    // What it sets is what is set already; to set it, nobody may be reading.
    run(await take("migration"), "ALTER TABLE pitches ALTER COLUMN summary SET STORAGE EXTENDED");
    await untilQueued(connectionString, 1);
    for (let queued = 0; queued < QUEUED; queued += 1) {
      run(await take("reader"), "SELECT count(*) FROM pitches");
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { fates: () => sessions.map(({ fate }) => fate), [Symbol.asyncDispose]: end };
}

async function connect(connectionString: string, part: Part): Promise<Session> {
  const client = new pg.Client({
    connectionString,
    application_name: APPLICATIONS[part],
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  await client.connect();
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  const session: Session = {
    client,
    pid: pidRow.parse(rows[0]).pid,
    fate: { part, state: "open" },
  };
  // A session that is ended while it does nothing says so here.
  client.on("error", () => {
    session.fate = { part, state: "ended" };
  });
  return session;
}

/** Lets a query run; its end is the session's fate. */
function run(session: Session, text: string): void {
  const { part } = session.fate;
  session.client.query(text).then(
    () => {
      session.fate = { part, state: "done" };
    },
    () => {
      session.fate = { part, state: "ended" };
    },
  );
}

const QUEUE_POLL_MS = 20;
const QUEUE_LOOKS_MAX = 250;
const waiting = z.object({ waiting: z.int() });

/** @throws {Error} when nobody waits after five seconds. */
async function untilQueued(connectionString: string, count: number): Promise<void> {
  await withClient(connectionString, async (client) => {
    for (let look = 0; look < QUEUE_LOOKS_MAX; look += 1) {
      const { rows } = await client.query(
        "SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted AND relation = 'pitches'::regclass",
      );
      if (waiting.parse(rows[0]).waiting >= count) return;
      await sleep(QUEUE_POLL_MS);
    }
    throw new Error("the migration does not wait for the report");
  });
}

/** A role may end its own sessions; those that have ended already are nobody's any more. */
const endAll = (connectionString: string, pids: readonly number[]): Promise<void> =>
  withClient(connectionString, async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid = ANY($1::int[]) AND usename = current_user AND application_name = ANY($2::text[])`,
      [pids, Object.values(APPLICATIONS)],
    );
  });

async function withClient(
  connectionString: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
