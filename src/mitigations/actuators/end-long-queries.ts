/**
 * Ends what clients have been running for too long: it asks the query to stop, and ends the session only if that did not help. Never
 * vacuum, backups, replication or migrations, nor whom the options exclude; and of those judged only who is still at the same query.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { IS_CLIENT, IS_MAINTENANCE } from "../../platform/postgres-sessions.ts";
import type { Query } from "../../platform/postgres.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { defineAct, type Confirmation, type Done, type Reach } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { longSession, selectVictims, victim, victimOf, type Victim } from "../long-queries.ts";
import { notApplicable } from "../not-applicable.ts";

const STATEMENT_TIMEOUT_MS = 5_000;
const CALL_MS_MAX = 8_000;
/** More sessions than this are not looked at. */
const LOOKED_AT_MAX = 100;
const LOOK_EVERY_MS = 250;
const NAMES_MAX = 20;

/** What was ended must show whether it helped, before more is. */
const EVERY_MS = 60_000;
const isTooSoon = (agoMs: number | undefined): boolean => agoMs !== undefined && agoMs < EVERY_MS;
const tooSoon = () => notApplicable("queries were ended less than a minute ago");

const names = z.array(z.string().min(1).max(100)).max(NAMES_MAX).default([]);

const options = z.strictObject({
  older_than: durationOption(1_000, 86_400_000).default("5m"),
  /** At most this many by one act, and so in any minute of an incident. */
  max: z.int().min(1).max(20).default(10),
  /** Those that hold a transaction open and do nothing count as well, by the transaction's age. */
  idle_in_transaction: z.boolean().default(false),
  /** How long a query that was asked to stop may take, before its session is ended. */
  grace: durationOption(0, 30_000).default("5s"),
  excluded_roles: names,
  excluded_applications: names,
});
type Options = z.infer<typeof options>;

const judged = z.object({ victims: z.array(victim) });
type Judged = z.infer<typeof judged>;

export const endLongQueries = defineAct({
  id: "end-long-queries",
  kind: "act",
  options,
  judged,
  traits: { siteWide: false },
  plan: ({ older_than: olderThan, max }) => ({
    siteWide: false,
    touches: `at most ${max} clients whose query runs for longer than ${olderThan}`,
  }),
  missing: ({ postgres }) => (postgres === null ? "POSTGRES_URL is not set" : null),

  async judge({ options: given, lastDoneMsAgo }, reach) {
    if (isTooSoon(lastDoneMsAgo)) return tooSoon();
    const sessions = await ask(reach, findLong(given));
    if (!sessions.ok) return sessions;
    const { victims, spared } = selectVictims(sessions.value, {
      max: given.max,
      excludedRoles: given.excluded_roles,
      excludedApplications: given.excluded_applications,
    });
    const why = [...new Set(spared.map((one) => one.why))].join(", ");
    const besides = spared.length === 0 ? "" : `; ${spared.length} are spared: ${why}`;
    if (victims.length === 0) {
      const detail = `no query older than ${given.older_than} may be ended${besides}`;
      return spared.length === 0 ? notApplicable(detail) : err({ class: "refuse", detail });
    }
    const shown = victims.map(victimOf);
    return ok({
      judged: { victims: shown },
      says: `end ${shown.length} queries older than ${given.older_than}: ${shown.map(named).join("; ")}${besides}`,
    });
  },

  async perform({ options: { grace }, judged: { victims }, lastDoneMsAgo }, reach) {
    if (isTooSoon(lastDoneMsAgo)) return tooSoon();
    const asked = await ask(reach, signal("pg_cancel_backend", victims.filter(isActive)));
    if (!asked.ok) return err(unheard(asked.error));
    const left = await untilGone(victims.filter(isActive), msOf(grace), reach);
    if (!left.ok) return err(halfDone(left.error));
    const stubborn = victims.filter(
      (one) => !isActive(one) || left.value.some(({ pid }) => pid === one.pid),
    );
    const ended = await ask(reach, signal("pg_terminate_backend", stubborn));
    if (!ended.ok) return err(halfDone(ended.error));
    return ok(
      report(victims, {
        cancelled: pidsOf(asked.value),
        terminated: pidsOf(ended.value),
      }),
    );
  },

  /** It is done when none of them is at the same query any more, whoever ended it. */
  async confirm({ judged: { victims } }, reach): Promise<Result<Confirmation, Failure>> {
    const left = await ask(reach, stillThere(victims));
    if (!left.ok) return left;
    if (left.value.length > 0) return ok({ done: false });
    return ok({
      done: true,
      says: `none of the ${victims.length} queries runs any more`,
      receipt: { victims },
    });
  },
});

const named = (one: Victim): string =>
  `pid ${one.pid} (${one.application || "nameless"} as ${one.role}, ${one.seconds} s, ${one.fingerprint})`;

/** A session that does nothing cannot be asked to stop. */
const isActive = ({ state }: Victim): boolean => state === "active";

type Outcome = {
  readonly cancelled: ReadonlySet<number>;
  readonly terminated: ReadonlySet<number>;
};

function report(victims: Judged["victims"], { cancelled, terminated }: Outcome): Done {
  // One that was cancelled and had to be ended all the same counts as ended.
  const ends = victims.map((one) => ({
    ...one,
    end: terminated.has(one.pid)
      ? ("session ended" as const)
      : cancelled.has(one.pid)
        ? ("query cancelled" as const)
        : ("was gone" as const),
  }));
  const count = (end: (typeof ends)[number]["end"]): number =>
    ends.filter((one) => one.end === end).length;
  return {
    says: `${count("query cancelled")} queries cancelled, ${count("session ended")} sessions ended, ${count("was gone")} had gone by themselves`,
    receipt: { victims: ends },
  };
}

const pidRow = z.object({ pid: z.int() });
type PidRow = z.infer<typeof pidRow>;
const pidsOf = (rows: readonly PidRow[]): ReadonlySet<number> =>
  new Set(rows.map(({ pid }) => pid));

/** Looks until none is at its query, or the time is over; the rest is what is left. */
async function untilGone(
  victims: readonly Victim[],
  graceMs: number,
  reach: Reach,
): Promise<Result<readonly PidRow[], Failure>> {
  const looks = Math.ceil(graceMs / LOOK_EVERY_MS);
  for (let look = 0; ; look += 1) {
    const left = await ask(reach, stillThere(victims));
    if (!left.ok || left.value.length === 0 || look >= looks) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const findLong = ({ older_than: olderThan, idle_in_transaction: isIdleToo }: Options) => ({
  row: longSession,
  params: [msOf(olderThan) / 1_000, isIdleToo],
  text: `
WITH session AS (
  SELECT pid, backend_start, usename, usesysid, application_name, state, query,
    ${IS_MAINTENANCE} AS is_maintenance,
    CASE state WHEN 'active' THEN query_start ELSE xact_start END AS since
  FROM pg_stat_activity
  WHERE ${IS_CLIENT} AND pid <> pg_backend_pid() AND datname = current_database()
    AND (state = 'active' OR ($2::boolean AND state LIKE 'idle in transaction%'))
)
SELECT pid, backend_start::text, since::text, usename::text AS role, application_name AS application,
  state, extract(epoch FROM clock_timestamp() - since)::float8 AS seconds, query, is_maintenance,
  NOT r.rolsuper AND (pg_has_role('pg_signal_backend', 'USAGE') OR pg_has_role(usesysid, 'USAGE'))
    OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS may_end
FROM session JOIN pg_roles r ON r.oid = usesysid
WHERE clock_timestamp() - since > make_interval(secs => $1::float8)
ORDER BY since LIMIT ${LOOKED_AT_MAX}`,
});

/** The judged sessions that are still at the judged query or transaction. */
const SAME = `
FROM json_to_recordset($1::json) AS v (pid int, backend_start text, since text)
JOIN pg_stat_activity a ON a.pid = v.pid AND a.backend_start::text = v.backend_start
  AND a.state <> 'idle'
  AND (CASE a.state WHEN 'active' THEN a.query_start ELSE a.xact_start END)::text = v.since`;

const identities = (victims: readonly Victim[]): readonly unknown[] => [
  JSON.stringify(
    victims.map(({ pid, backend_start: start, since }) => ({ pid, backend_start: start, since })),
  ),
];

const stillThere = (victims: readonly Victim[]) => ({
  row: pidRow,
  params: identities(victims),
  text: `SELECT a.pid ${SAME}`,
});

/** Neither function is a write, so a read-only role may do it that has `pg_signal_backend`. */
const signal = (how: "pg_cancel_backend" | "pg_terminate_backend", victims: readonly Victim[]) => ({
  row: pidRow,
  params: identities(victims),
  text: `SELECT pid FROM (SELECT a.pid, ${how}(a.pid) AS sent ${SAME}) s WHERE sent`,
});

/** Who was asked to stop may have stopped, although nobody heard the answer; what was turned away did nothing. */
const unheard = (failure: Failure): Failure =>
  failure.class === "refuse" || failure.detail.endsWith("HTTP 429") ? failure : halfDone(failure);

/** Some were asked to stop already. */
const halfDone = ({ detail }: Failure): Failure => ({ class: "unknown_outcome", detail });

/** Each of these may be asked again: they act only on who is still at the judged query. */
async function ask<Row>(
  { postgres }: Reach,
  query: Omit<Query<Row>, "statementTimeoutMs">,
): Promise<Result<readonly Row[], Failure>> {
  if (postgres === null) return err({ class: "refuse", detail: "POSTGRES_URL is not set" });
  const read = await postgres.query(
    { ...query, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    AbortSignal.timeout(CALL_MS_MAX),
  );
  if (read.ok) return read;
  const { kind, class: failureClass, detail } = read.error;
  return err({ class: failureClass, detail: `the database did not help: ${kind}, ${detail}` });
}
