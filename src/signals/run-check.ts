/** Runs one integrity check on a database: the same for a look of the monitor, the scope of damage, and a branch that is being verified. */
import { z } from "zod";
import {
  CHECKSUM_ROWS_MAX,
  queryOf,
  type IntegrityCheck,
  type SingleCheck,
} from "../integrity/check.ts";
import type { Found } from "../integrity/judge.ts";
import {
  agreement,
  answeredSql,
  COMPARISONS_MAX,
  POSITION_SQL,
  type Answered,
} from "../integrity/replica.ts";
import type { Postgres } from "../platform/postgres.ts";
import { err, ok, type Result } from "../shared/result.ts";

/** Of one query of a check; what takes longer is unknown, and belongs into a job with a heartbeat. */
export const CHECK_TIMEOUT_MS = 1_500;

export type Databases = {
  readonly postgres: Postgres;
  /** Null is not configured. */
  readonly replica: Postgres | null;
};

const foundRow = z.object({
  broken: z.int().nullable(),
  rows: z.number().nullable(),
  digest: z.string().nullable(),
});
const answeredRow = z
  .object({
    is_replica: z.boolean(),
    position: z.number().nullable(),
    oldest: z.number(),
    next: z.number(),
    rows: z.int(),
    digest: z.string().nullable(),
  })
  .transform(({ is_replica: isReplica, ...rest }): Answered => ({ isReplica, ...rest }));

/** What it found, or why it could not say, naming the check. Nothing of an answer leaves the database but counts and a digest. */
export async function runCheck(
  check: IntegrityCheck,
  databases: Databases,
  signal: AbortSignal,
): Promise<Result<Found, string>> {
  const found =
    check.kind === "replica"
      ? await compare(check.sql, databases, signal)
      : await ask(check, databases.postgres, signal);
  return found.ok ? found : err(`${check.id}: ${found.error}`);
}

async function ask(
  check: SingleCheck,
  postgres: Postgres,
  signal: AbortSignal,
): Promise<Result<Found, string>> {
  const found = await one(postgres, { text: queryOf(check), row: foundRow }, signal);
  if (!found.ok) return found;
  const isTooLarge = check.kind === "checksum" && found.value.digest === null;
  return isTooLarge ? err(`more than ${CHECKSUM_ROWS_MAX} rows`) : found;
}

const SAME: Found = { broken: 0, rows: null, digest: null };
const DIFFERENT: Found = { ...SAME, broken: 1 };

async function compare(
  sql: string,
  { postgres, replica }: Databases,
  signal: AbortSignal,
): Promise<Result<Found, string>> {
  if (replica === null) return err("not configured: POSTGRES_REPLICA_URL is not set");
  const query = { text: answeredSql(sql), row: answeredRow };
  let before = await one(postgres, query, signal);
  let why = "";
  for (let look = 0; look < COMPARISONS_MAX; look += 1) {
    if (!before.ok) return before;
    const there = await fromReplica(replica, query, signal);
    if (!there.ok) return err(`the replica: ${there.error}`);
    const after = await one(postgres, query, signal);
    if (!after.ok) return after;
    const answer = agreement(before.value, there.value, after.value);
    if ("never" in answer) return err(answer.never);
    if ("agrees" in answer) return ok(answer.agrees ? SAME : DIFFERENT);
    why = answer.again;
    before = after;
  }
  return err(why);
}

/** First where it is, and then what it says: its answer is no older. */
async function fromReplica(
  replica: Postgres,
  query: { readonly text: string; readonly row: z.ZodType<Answered> },
  signal: AbortSignal,
): Promise<Result<Answered, string>> {
  const at = await one(replica, { ...query, text: POSITION_SQL }, signal);
  if (!at.ok) return at;
  const there = await one(replica, query, signal);
  return there.ok ? ok({ ...there.value, position: at.value.position }) : there;
}

async function one<Row>(
  postgres: Postgres,
  query: { readonly text: string; readonly row: z.ZodType<Row> },
  signal: AbortSignal,
): Promise<Result<Row, string>> {
  const read = await postgres.query({ ...query, statementTimeoutMs: CHECK_TIMEOUT_MS }, signal);
  if (!read.ok) return err(`${read.error.kind}, ${read.error.detail}`);
  const [row] = read.value;
  return row === undefined ? err("no answer") : ok(row);
}
