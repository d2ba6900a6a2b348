/** Which of a database's sessions may be ended for running too long, and why the others may not. Pure. */
import { z } from "zod";
import { fingerprintOf, withoutLiterals } from "../shared/sql-text.ts";

/** A session that is at it for too long, as the database tells of it. */
export const longSession = z.object({
  pid: z.int(),
  /** With the pid they say which query of which session this is: a pid comes again, a session has more than one query. */
  backend_start: z.string(),
  since: z.string(),
  role: z.string(),
  application: z.string(),
  state: z.string(),
  seconds: z.number(),
  query: z.string(),
  is_maintenance: z.boolean(),
  /** Whether our role may end it. */
  may_end: z.boolean(),
});
export type LongSession = z.infer<typeof longSession>;

export type Selection = {
  /** Longest first. */
  readonly victims: readonly LongSession[];
  readonly spared: readonly { readonly pid: number; readonly why: string }[];
};

export type Terms = {
  readonly max: number;
  readonly excludedRoles: readonly string[];
  readonly excludedApplications: readonly string[];
};

/** Tools that change schemas: what they have half done is worse than what they hold up. */
const MIGRATIONS = /migrat|flyway|liquibase|sqitch|alembic|knex|drizzle|prisma/i;
/** Statements that change schemas, or carry data in and out. */
const NOT_TO_BE_CUT =
  /^(alter|create|drop|truncate|copy|comment|grant|revoke|import|security|call|do)\b/;

/** Every session is a victim or spared with a reason; what is beyond `max` is spared, too, for the next look. */
export function selectVictims(sessions: readonly LongSession[], terms: Terms): Selection {
  const victims: LongSession[] = [];
  const spared: { pid: number; why: string }[] = [];
  for (const session of sessions.toSorted((a, b) => b.seconds - a.seconds)) {
    const why =
      reasonToSpare(session, terms) ??
      (victims.length < terms.max ? null : "more than may be ended at once");
    if (why === null) victims.push(session);
    else spared.push({ pid: session.pid, why });
  }
  return { victims, spared };
}

function reasonToSpare(session: LongSession, terms: Terms): string | null {
  if (session.is_maintenance) return "maintenance or a backup";
  if (MIGRATIONS.test(session.application)) return "a migration tool";
  if (NOT_TO_BE_CUT.test(withoutLiterals(session.query).toLowerCase())) {
    return "it changes the schema or carries data";
  }
  if (terms.excludedRoles.includes(session.role)) return `the role ${session.role} is excluded`;
  if (terms.excludedApplications.includes(session.application)) {
    return `the application ${session.application} is excluded`;
  }
  return session.may_end ? null : "our role may not end it: GRANT pg_signal_backend TO it";
}

const QUERY_CHARACTERS_MAX = 200;

/** Whom it would hit, as the journal and the person who approves see it: without the values in the query. */
export const victimOf = ({ query, seconds, ...session }: LongSession) => ({
  pid: session.pid,
  backend_start: session.backend_start,
  since: session.since,
  role: session.role,
  application: session.application,
  state: session.state,
  seconds: Math.round(seconds),
  fingerprint: fingerprintOf(query),
  query: withoutLiterals(query).slice(0, QUERY_CHARACTERS_MAX),
});

export const victim = z.object({
  pid: z.int(),
  backend_start: z.string(),
  since: z.string(),
  role: z.string(),
  application: z.string(),
  state: z.string(),
  seconds: z.int(),
  fingerprint: z.string(),
  query: z.string(),
});
export type Victim = z.infer<typeof victim>;
