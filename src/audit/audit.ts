/**
 * Who signs in and who touches what, as production writes it down: `site.yaml` declares SELECTs with agreed columns, so that any schema
 * fits, and these are the questions asked of them. All counting is the database's: no account and no single address leaves it.
 */
import { z } from "zod";
import { select, SQL_CHARACTERS_MAX } from "../integrity/check.ts";
import { resolveDuration } from "../playbooks/params.ts";
import { parseDuration } from "../shared/duration.ts";
import { MANY_FAILURES } from "../traffic/sign-in-figures.ts";

const ACTIONS_MAX = 32;
/** The newest rows of a window are looked at; with more, every count is an "at least". */
export const ROWS_MAX = 50_000;
/** What happened since then is happening; the first parameter says how many seconds ago that was. */
const LATELY = "now() - make_interval(secs => $1::float8)";
/** Sign-ins are remembered for so long, as the document's query does. */
const HOUR = "interval '1 hour'";
const ACCESS_WINDOW = "interval '10 minutes'";
const DAY = "interval '24 hours'";
export const NETWORKS_MAX = 50;
export const ACCESSES_MAX = 100;

export const auditSpec = z
  .strictObject({
    /** Columns: at, account, address, success. */
    sign_ins: select("write a SELECT of at, account, address, success").optional(),
    /** Columns: at, account, address, action. */
    accesses: select("write a SELECT of at, account, address, action").optional(),
    /** Columns: account, address, since; accounts are spelt as in the other two. */
    known_addresses: select("write a SELECT of account, address, since").optional(),
    /** What makes accounts choose a new password, with `{accounts}` where a query of theirs goes; run when a person says so, by that person or by `force-password-reset`. */
    password_reset: z
      .string()
      .trim()
      .max(SQL_CHARACTERS_MAX)
      .refine((sql) => sql.split("{accounts}").length === 2, "write {accounts} once")
      .refine((sql) => !sql.includes(";"), "write one statement, without a semicolon")
      .optional(),
    /** What has accounts' API keys end after `{overlap}`, an interval, so that new ones are used beside them until then; with `{accounts}`, too. */
    key_rotation: z
      .string()
      .trim()
      .max(SQL_CHARACTERS_MAX)
      .refine((sql) => sql.split("{accounts}").length === 2, "write {accounts} once")
      .refine((sql) => sql.split("{overlap}").length === 2, "write {overlap} once")
      .refine((sql) => !sql.includes(";"), "write one statement, without a semicolon")
      .optional(),
    /** How long an address must have been an account's own, to be known. */
    known_after: z
      .string()
      .refine((text) => parseDuration(text).ok, "write a duration such as 24h")
      .prefault("24h"),
    /** Actions that always deserve a look. */
    privileged_actions: z
      .array(z.string().min(1).max(100))
      .max(ACTIONS_MAX)
      .default(["bulk_export", "api_key_created", "permission_escalation"]),
  })
  .refine(({ sign_ins, accesses }) => sign_ins !== undefined || accesses !== undefined, {
    message: "declare sign_ins or accesses",
  });
export type AuditSpec = z.infer<typeof auditSpec>;

/** A query and how its one row, or its rows, look. */
export type Asked<Row> = {
  readonly text: string;
  readonly params?: readonly unknown[];
  readonly row: z.ZodType<Row>;
};

const signInCounts = z.object({
  failed: z.int(),
  failed_per_address: z.int(),
  accounts_per_address: z.int(),
  addresses_per_account: z.int(),
  suspicious: z.int(),
});
export type SignInCounts = z.infer<typeof signInCounts>;

/** What sign-ins look like. Of addresses and accounts that failed lately, all that they did within the hour counts. */
export const signInsQuery = (sql: string, latelyMs: number): Asked<SignInCounts> => ({
  row: signInCounts,
  params: [latelyMs / 1_000],
  text: `
WITH ${attempts(sql)}, pair AS (
  SELECT client, account, count(*) FILTER (WHERE NOT success) AS failed,
    max(at) FILTER (WHERE NOT success) AS failed_at, max(at) FILTER (WHERE success) AS opened_at
  FROM attempt GROUP BY client, account
), by_client AS (${byOne("client")}), by_account AS (${byOne("account")})
SELECT
  (SELECT count(*)::int FROM attempt WHERE NOT success AND at > ${LATELY}) AS failed,
  (SELECT coalesce(max(failed), 0)::int FROM by_client WHERE failed_at > ${LATELY}) AS failed_per_address,
  (SELECT coalesce(max(in_vain), 0)::int FROM by_client WHERE failed_at > ${LATELY}) AS accounts_per_address,
  (SELECT coalesce(max(in_vain), 0)::int FROM by_account WHERE failed_at > ${LATELY}) AS addresses_per_account,
  (SELECT count(DISTINCT pair.account)::int
    FROM pair JOIN by_client USING (client) JOIN by_account USING (account)
    WHERE pair.opened_at > ${LATELY} AND (pair.failed > ${MANY_FAILURES}
      OR by_client.in_vain >= ${MANY_FAILURES} OR by_account.in_vain >= ${MANY_FAILURES})) AS suspicious`,
});

/** In vain: who mistypes comes to sign in after all. */
const byOne = (key: "client" | "account"): string => `
  SELECT ${key}, sum(failed) AS failed, max(failed_at) AS failed_at,
    count(*) FILTER (WHERE failed > 0 AND opened_at IS NULL) AS in_vain
  FROM pair GROUP BY ${key}`;

const newAddresses = z.object({ accounts: z.int() });

/** Accounts that were opened lately from an address that is new to them. */
export const newAddressesQuery = (
  sql: string,
  known: string,
  { known_after: after }: AuditSpec,
  latelyMs: number,
): Asked<z.infer<typeof newAddresses>> => ({
  row: newAddresses,
  params: [latelyMs / 1_000, secondsOf(after)],
  text: `
WITH ${attempts(sql)}
SELECT count(DISTINCT account)::int AS accounts FROM attempt AS one
WHERE success AND at > ${LATELY} AND ${isStrange(known, "$2")}`,
});

const accessCounts = z.object({
  privileged: z.int(),
  strange: z.int(),
  both: z.int(),
});
export type AccessCounts = z.infer<typeof accessCounts>;

/** What was touched in the last minutes. Without known addresses no address is unknown. */
export const accessesQuery = (
  sql: string,
  { known_addresses: known, known_after: after, privileged_actions: actions }: AuditSpec,
): Asked<AccessCounts> => ({
  row: accessCounts,
  params: [actions, secondsOf(after)],
  text: `
WITH ${accesses(sql, ACCESS_WINDOW)}, judged AS (${judged(known)})
SELECT count(*) FILTER (WHERE is_privileged)::int AS privileged,
  count(*) FILTER (WHERE is_unknown)::int AS strange,
  count(*) FILTER (WHERE is_privileged AND is_unknown)::int AS both
FROM judged`,
});

const networkRow = z.object({
  network: z.string(),
  addresses: z.int(),
  /** Those that failed more than five times within the hour. */
  offenders: z.int(),
  attempts: z.int(),
  failed: z.int(),
  accounts: z.int(),
  last_at_ms: z.number(),
});

/** The document's look at authentication logs: the last hour, by /24 and /48, the worst first. */
export const signInNetworksQuery = (sql: string): Asked<z.infer<typeof networkRow>> => ({
  row: networkRow,
  text: `
WITH ${attempts(sql)}, by_client AS (
  SELECT client, count(*) AS attempts, count(*) FILTER (WHERE NOT success) AS failed
  FROM attempt GROUP BY client
), counted AS (
  SELECT ${NETWORK} AS network, count(*)::int AS addresses, sum(attempts)::int AS attempts, sum(failed)::int AS failed,
    (count(*) FILTER (WHERE failed > ${MANY_FAILURES}))::int AS offenders
  FROM by_client GROUP BY 1
), of_network AS (
  SELECT ${NETWORK} AS network, count(DISTINCT account)::int AS accounts, ${epochMs("max(at)")} AS last_at_ms
  FROM attempt GROUP BY 1
)
SELECT network::text, addresses, offenders, attempts, failed, accounts, last_at_ms
FROM counted JOIN of_network USING (network)
ORDER BY offenders DESC, failed DESC, network LIMIT ${NETWORKS_MAX}`,
});

const totalsRow = z.object({
  attempts: z.int(),
  failed: z.int(),
  accounts: z.int(),
  addresses: z.int(),
  offenders: z.int(),
});

export const signInTotalsQuery = (sql: string): Asked<z.infer<typeof totalsRow>> => ({
  row: totalsRow,
  text: `
WITH ${attempts(sql)}, by_client AS (
  SELECT client, count(*) FILTER (WHERE NOT success) AS failed FROM attempt GROUP BY client
)
SELECT count(*)::int AS attempts, (count(*) FILTER (WHERE NOT success))::int AS failed,
  count(DISTINCT account)::int AS accounts, count(DISTINCT client)::int AS addresses,
  (SELECT count(*)::int FROM by_client WHERE failed > ${MANY_FAILURES}) AS offenders
FROM attempt`,
});

const accessRow = z.object({
  action: z.string(),
  network: z.string(),
  is_privileged: z.boolean(),
  /** Null where no known addresses are declared. */
  is_unknown: z.boolean().nullable(),
  accesses: z.int(),
  accounts: z.int(),
  last_at_ms: z.number(),
});

/** The document's look at data access: of the last day, what is privileged or came from an unknown address, by action and network. */
export const unusualAccessesQuery = (
  sql: string,
  { known_addresses: known, known_after: after, privileged_actions: actions }: AuditSpec,
): Asked<z.infer<typeof accessRow>> => ({
  row: accessRow,
  params: [actions, secondsOf(after)],
  text: `
WITH ${accesses(sql, DAY)}, judged AS (${judged(known)})
SELECT left(action, 100) AS action, ${NETWORK}::text AS network, is_privileged, is_unknown,
  count(*)::int AS accesses, count(DISTINCT account)::int AS accounts, ${epochMs("max(at)")} AS last_at_ms
FROM judged WHERE is_privileged OR is_unknown
GROUP BY 1, 2, 3, 4 ORDER BY is_unknown DESC NULLS LAST, is_privileged DESC, accesses DESC, 1, 2 LIMIT ${ACCESSES_MAX}`,
});

const secondsOf = (duration: string): number => resolveDuration(duration, {}) / 1_000;

/**
 * A query of the accounts that were opened after many failures between two moments: those that an attacker may have. The moments stand in it,
 * so that it means the same accounts whenever it is run.
 */
export function affectedSql(sql: string, fromMs: number, untilMs: number): string {
  const at = (ms: number): string => `timestamptz '${new Date(ms).toISOString()}'`;
  return `WITH attempt AS (
  SELECT account, ${clientOf("address")} AS client, success
  FROM (SELECT at::timestamptz, account, address::inet, success::boolean FROM (
${sql}
) AS declared) AS typed
  WHERE at BETWEEN ${at(fromMs)} AND ${at(untilMs)}
), pair AS (
  SELECT client, account, count(*) FILTER (WHERE NOT success) AS failed, bool_or(success) AS was_opened
  FROM attempt GROUP BY client, account
), by_client AS (${inVain("client")}), by_account AS (${inVain("account")})
SELECT DISTINCT pair.account FROM pair JOIN by_client USING (client) JOIN by_account USING (account)
WHERE pair.was_opened AND (pair.failed > ${MANY_FAILURES}
  OR by_client.in_vain >= ${MANY_FAILURES} OR by_account.in_vain >= ${MANY_FAILURES})`;
}

const inVain = (key: "client" | "account"): string =>
  `SELECT ${key}, count(*) FILTER (WHERE failed > 0 AND NOT was_opened) AS in_vain FROM pair GROUP BY ${key}`;

const lastRow = z.object({ at_ms: z.int().nullable() });

/** When anybody last tried to sign in since then: what was looked at, ended there. */
export const lastSignInQuery = (sql: string, fromMs: number): Asked<z.infer<typeof lastRow>> => ({
  row: lastRow,
  params: [fromMs / 1_000],
  text: `SELECT ceil(extract(epoch FROM max(at)) * 1000)::float8 AS at_ms FROM (SELECT at::timestamptz FROM (
${sql}
) AS declared) AS typed WHERE at >= to_timestamp($1::float8) AND at <= now()`,
});

const affectedRow = z.object({ accounts: z.int() });

/** How many they are. */
export const affectedQuery = (
  sql: string,
  fromMs: number,
  untilMs: number,
): Asked<z.infer<typeof affectedRow>> => ({
  row: affectedRow,
  text: `SELECT count(*)::int AS accounts FROM (
${affectedSql(sql, fromMs, untilMs)}
) AS affected`,
});

/** One client: an IPv4 address, or the /64 that one IPv6 subscriber has. */
const clientOf = (address: string): string =>
  `network(set_masklen(${address}, CASE family(${address}) WHEN 4 THEN 32 ELSE 64 END))`;
const NETWORK = "network(set_masklen(client, CASE family(client) WHEN 4 THEN 24 ELSE 48 END))";
const epochMs = (at: string): string => `(extract(epoch FROM ${at}) * 1000)::float8`;

/** By the database's own clock, which dated the rows. The account keeps its type, so that indexes on it are of use. */
const attempts = (sql: string): string => `attempt AS MATERIALIZED (
  SELECT at, account, ${clientOf("address")} AS client, success
  FROM (SELECT at::timestamptz, account, address::inet, success::boolean FROM (
${sql}
) AS declared) AS typed
  WHERE at > now() - ${HOUR} AND at <= now() ORDER BY at DESC LIMIT ${ROWS_MAX}
)`;

const accesses = (sql: string, window: string): string => `access AS MATERIALIZED (
  SELECT at, account, ${clientOf("address")} AS client, action
  FROM (SELECT at::timestamptz, account, address::inet, action::text FROM (
${sql}
) AS declared) AS typed
  WHERE at > now() - ${window} AND at <= now() ORDER BY at DESC LIMIT ${ROWS_MAX}
)`;

const judged = (known: string | undefined): string => `
  SELECT one.*, action = ANY ($1::text[]) AS is_privileged,
    ${known === undefined ? "CASE WHEN $2::float8 < 0 THEN false END" : isStrange(known, "$2")} AS is_unknown
  FROM access AS one`;

/** The account is no newcomer, and this client is none of those that were its own by then. `seconds`: how long they must have been. */
const isStrange = (known: string, seconds: string): string => {
  const own = `FROM (SELECT account, address::inet, since::timestamptz FROM (
${known}
) AS declared) AS own
    WHERE own.account = one.account AND own.since <= one.at - make_interval(secs => ${seconds}::float8)`;
  return `(EXISTS (SELECT 1 ${own})
    AND NOT EXISTS (SELECT 1 ${own} AND ${clientOf("own.address")} = one.client))`;
};
