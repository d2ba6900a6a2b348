/** What the collectors of the database share: how they ask it, and how much of a query they show. */
import type { Failure } from "../../incidents/journal.ts";
import type { Query } from "../../platform/postgres.ts";
import { err, type Result } from "../../shared/result.ts";
import { fingerprintOf, withoutLiterals } from "../../shared/sql-text.ts";
import type { CollectorContext } from "./collector.ts";

/** A database in trouble shall not be held up by us. */
export const EVIDENCE_TIMEOUT_MS = 5_000;

/** The rows, or why there is no evidence. */
export async function rowsOf<Row>(
  { postgres, signal }: Pick<CollectorContext, "postgres" | "signal">,
  query: Omit<Query<Row>, "statementTimeoutMs">,
): Promise<Result<readonly Row[], Failure>> {
  if (postgres === null) return err({ class: "refuse", detail: "POSTGRES_URL is not set" });
  const read = await postgres.query({ ...query, statementTimeoutMs: EVIDENCE_TIMEOUT_MS }, signal);
  if (read.ok) return read;
  const { kind, class: failureClass, detail } = read.error;
  return err({ class: failureClass, detail: `the database did not help: ${kind}, ${detail}` });
}

/** A query as evidence: without its values, and with what identifies it. */
export const shownQuery = (
  sql: string | null,
  charactersMax: number,
): { readonly query: string; readonly fingerprint: string } => ({
  query: withoutLiterals(sql ?? "").slice(0, charactersMax),
  fingerprint: fingerprintOf(sql ?? ""),
});

/** One decimal is enough for people. */
export const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;
