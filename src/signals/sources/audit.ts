/**
 * What production's own records say of sign-ins and accesses. Each declared query is asked by itself: one that fails makes its own signals
 * unknown, and no other's.
 */
import {
  accessesQuery,
  newAddressesQuery,
  signInsQuery,
  type Asked,
  type AuditSpec,
} from "../../audit/audit.ts";
import type { Postgres } from "../../platform/postgres.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { STORE_EVERY_MS } from "./store.ts";

const STATEMENT_TIMEOUT_MS = 1_500;
const DEADLINE_MS = 6_000;

const emits = [
  "audit.failed_sign_ins_count",
  "audit.failed_per_address_count",
  "audit.accounts_per_address_count",
  "audit.addresses_per_account_count",
  "audit.suspicious_successes_count",
  "audit.new_address_sign_ins_count",
  "audit.unknown_address_accesses_count",
  "audit.privileged_actions_count",
  "audit.privileged_unknown_address_count",
] as const;

export const audit = defineSource({
  id: "audit",
  emits,
  everyMs: { ...STORE_EVERY_MS, alert: 10_000 },
  deadlineMs: DEADLINE_MS,

  async poll({ postgres, audit: declared, recordsWithinMs: latelyMs, signal }) {
    if (postgres === null) return answerAll(emits, notConfigured("POSTGRES_URL is not set"));
    if (declared === null) return answerAll(emits, notConfigured("site.yaml declares no audit"));
    const { sign_ins: signIns, accesses, known_addresses: known } = declared;
    const hasKnown = known === undefined ? undeclared("known_addresses") : ok(known);
    // One after the other: they shall not be what the database is busy with.
    const attempts =
      signIns === undefined
        ? undeclared("sign_ins")
        : await ask(signInsQuery(signIns, latelyMs), postgres, signal);
    const opened =
      signIns === undefined
        ? undeclared("sign_ins")
        : hasKnown.ok
          ? await ask(
              newAddressesQuery(signIns, hasKnown.value, declared, latelyMs),
              postgres,
              signal,
            )
          : hasKnown;
    const touched =
      accesses === undefined
        ? undeclared("accesses")
        : await ask(accessesQuery(accesses, declared), postgres, signal);
    const strange = touched.ok && !hasKnown.ok ? hasKnown : touched;
    return {
      "audit.failed_sign_ins_count": answer(attempts, ({ failed }) => failed),
      "audit.failed_per_address_count": answer(attempts, (of) => of.failed_per_address),
      "audit.accounts_per_address_count": answer(attempts, (of) => of.accounts_per_address),
      "audit.addresses_per_account_count": answer(attempts, (of) => of.addresses_per_account),
      "audit.suspicious_successes_count": answer(attempts, ({ suspicious }) => suspicious),
      "audit.new_address_sign_ins_count": answer(opened, ({ accounts }) => accounts),
      "audit.unknown_address_accesses_count": answer(strange, (of) => of.strange),
      "audit.privileged_actions_count": answer(touched, ({ privileged }) => privileged),
      "audit.privileged_unknown_address_count": answer(strange, ({ both }) => both),
    };
  },
});

type Unknown = Extract<Answer, { readonly unknown: unknown }>;
const notConfigured = (detail: string): Unknown => ({ unknown: "not_configured", detail });
const undeclared = (query: keyof AuditSpec): Result<never, Unknown> =>
  err(notConfigured(`site.yaml declares no audit.${query}`));

async function ask<Row>(
  query: Asked<Row>,
  postgres: Postgres,
  signal: AbortSignal,
): Promise<Result<Row, Unknown>> {
  const read = await postgres.query({ ...query, statementTimeoutMs: STATEMENT_TIMEOUT_MS }, signal);
  if (!read.ok) {
    const { kind, detail } = read.error;
    return err({ unknown: kind === "unreachable" ? "no_data" : kind, detail });
  }
  const [row] = read.value;
  return row === undefined ? err({ unknown: "malformed", detail: "no answer" }) : ok(row);
}

const answer = <Row>(read: Result<Row, Unknown>, count: (row: Row) => number): Answer =>
  read.ok ? { value: count(read.value) } : read.error;
