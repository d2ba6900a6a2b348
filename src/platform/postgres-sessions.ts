/** Which sessions of `pg_stat_activity` are production at work, told apart in SQL, so that every reader means the same by it. */

/** Under this name Firebreak itself connects; with its role it is never among the offenders. */
export const APPLICATION_NAME = "firebreak";

/** Programs whose queries are long because they should be: backups and maintenance. */
const LONG_PROGRAMS =
  "^(pg_dump|pg_dumpall|pg_restore|pg_basebackup|pg_receivewal|pg_rewind|pgbackrest|barman|wal-g|vacuumdb|reindexdb|clusterdb|pg_repack)";
/** Statements that look after the database, comments in front of them skipped. */
const MAINTENANCE = String.raw`^(\s|/\*.*?\*/|--[^\n]*\n)*(vacuum|analyze|reindex|cluster|refresh\s+materialized|create\s+(unique\s+)?index)\M`;

/** True of a row that is a client's and not ours. */
export const IS_CLIENT = `(backend_type = 'client backend'
  AND NOT (application_name = '${APPLICATION_NAME}' AND usename = current_user))`;

/** True of a row whose query may run for long without anything being wrong. */
export const IS_MAINTENANCE = `(application_name ~* '${LONG_PROGRAMS}' OR query ~* '${MAINTENANCE}')`;
