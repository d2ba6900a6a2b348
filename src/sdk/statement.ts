/**
 * What a statement does, as far as its text tells. Conservative: only what surely reads is a read. What the text hides, such as a
 * function that writes, the replica or a read-only transaction refuses (SQLSTATE 25006), and then it is done on the primary.
 */
import { withoutLiterals } from "../shared/sql-text.ts";

/**
 * `write`: belongs to the primary. `utility`: as well, and may not stand in a transaction, as VACUUM. `read`: gives everybody the same. `personal`: reads, but its result depends on who asks or on
 * chance, so it may go to a replica and never into a shared cache.
 */
export type Statement = "write" | "utility" | "read" | "personal";

const READS = new Set(["select", "with", "values", "table"]);
const CHANGES = new Set(["insert", "update", "delete", "merge"]);

/** As a word of its own outside quotes, each means a write, a lock, or the state of one session. `updated_at` is another word. */
const WRITES =
  /\b(insert|update|delete|merge|truncate|into|create|alter|drop|grant|revoke|call|do|copy|lock|share|nextval|setval|currval|lastval|set_config|notify|pg_notify|listen|pg_(?:try_)?advisory\w*|dblink\w*|lo_\w+|pg_(?:terminate|cancel|reload|rotate|switch|create|drop|replication|logical|backup|promote|wal_replay)\w*|txid_current\w*|pg_current_xact_id\w*|pg_export_snapshot)\b/;
const PERSONAL =
  /\b(current_user|session_user|current_role|user|current_setting|random\w*|gen_random_uuid|uuidv[47]|uuid_generate\w*|clock_timestamp|pg_backend_pid|inet_client_addr)\b/;

/** What this text does; several statements in one are a write. */
export function statementOf(sql: string): Statement {
  const plain = withoutLiterals(sql)
    .replace(/;\s*$/, "")
    .replace(/"(?:""|[^"])*"/g, '""')
    .toLowerCase();
  const [first = ""] = /^\(*\s*([a-z]*)/.exec(plain)?.slice(1) ?? [];
  if (!READS.has(first) && !CHANGES.has(first)) return "utility";
  if (CHANGES.has(first) || plain.includes(";") || WRITES.test(plain)) return "write";
  return PERSONAL.test(plain) ? "personal" : "read";
}
