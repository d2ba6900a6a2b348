/**
 * What acts share that run a statement of the site's for the accounts that were opened after many failures: `site.yaml` says how, in its own
 * schema's words, Firebreak says for whom. Accounts are counted, never named; the moments between which they were opened are part of what is
 * judged, so that it means the same accounts whenever somebody agrees.
 */
import { z } from "zod";
import { affectedQuery, affectedSql, lastSignInQuery } from "../audit/audit.ts";
import type { Failure } from "../incidents/journal.ts";
import type { Changed } from "../platform/postgres-writer.ts";
import type { Query } from "../platform/postgres.ts";
import { sha256Hex } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { utcDate, utcTime } from "../shared/utc.ts";
import type { ActActuator, Done, Reach } from "./actuator.ts";
import { notApplicable } from "./not-applicable.ts";

/** An attack is seen after it began. */
const BEFORE_ONSET_MS = 3_600_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const CALL_MS_MAX = 15_000;
/** Most that one act may change, whatever its step says. */
export const ROWS_MAX = 10_000;

const judged = z.object({
  accounts: z.int(),
  fromMs: z.int(),
  untilMs: z.int(),
  /** As it would be run. */
  statement: z.string(),
});
type Judged = z.infer<typeof judged>;

export const rowsOption = z.int().min(1).max(ROWS_MAX).default(1_000);

type Given<Options> = {
  /** As `site.yaml` calls it. */
  readonly declared: "password_reset" | "key_rotation";
  /** The site's statement with what the step says filled in; `{accounts}` is left. */
  readonly fill: (statement: string, options: Options) => string;
  readonly rowsMax: (options: Options) => number;
  /** `make 3 accounts choose a new password`. */
  readonly says: (accounts: string, options: Options) => string;
};
type Functions<Options> = Omit<
  ActActuator<string, Options, Judged>,
  "id" | "kind" | "options" | "plan"
>;

export function declaredChange<Options>(given: Given<Options>): Functions<Options> {
  const statementOf = (template: string, options: Options, affected: string): string =>
    // A function, so that no "$" in the query means anything.
    given.fill(template, options).replace("{accounts}", () => affected);
  return {
    judged,
    traits: { siteWide: false },
    missing: (reach) => missingIn(reach, given.declared),

    async judge({ options, onsetAtMs }, reach) {
      const declared = declaredIn(reach, given.declared);
      if (!declared.ok) return declared;
      const { signIns, template } = declared.value;
      const fromMs = onsetAtMs - BEFORE_ONSET_MS;
      const last = await ask(reach, lastSignInQuery(signIns, fromMs));
      if (!last.ok) return last;
      const untilMs = last.value[0]?.at_ms ?? null;
      if (untilMs === null) {
        // Nobody tried, or nobody writes it down any more: that is for people to look at.
        return refuse("nobody signed in since an hour before the harm began");
      }
      const counted = await ask(reach, affectedQuery(signIns, fromMs, untilMs));
      if (!counted.ok) return counted;
      const accounts = counted.value[0]?.accounts ?? 0;
      if (accounts === 0) return notApplicable("no account was opened after many failures");
      const most = given.rowsMax(options);
      if (accounts > most) {
        return refuse(
          `${accounts} accounts were opened after many failures, ${most} may be touched`,
        );
      }
      const statement = statementOf(template, options, affectedSql(signIns, fromMs, untilMs));
      return ok({
        judged: { accounts, fromMs, untilMs, statement },
        says: `${given.says(countOf(accounts), options)}, opened after many failures until ${utcDate(untilMs)} ${utcTime(untilMs)} UTC, by the site's own statement: ${given.fill(template, options)}`,
      });
    },

    async perform({ id, options, judged: before }, reach) {
      const declared = declaredIn(reach, given.declared);
      if (!declared.ok) return declared;
      const { signIns, template, writer } = declared.value;
      const affected = affectedSql(signIns, before.fromMs, before.untilMs);
      const statement = statementOf(template, options, affected);
      if (statement !== before.statement) {
        return refuse("site.yaml declares another statement than the one that was judged");
      }
      const done = await writer.change(
        {
          id,
          print: sha256Hex(statement),
          statement,
          rowsMax: given.rowsMax(options),
          unless: { query: affected, rowsNot: before.accounts },
          statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        },
        AbortSignal.timeout(CALL_MS_MAX),
      );
      return done.ok ? ok(doneBy(done.value, before)) : done;
    },

    async confirm({ id, judged: before }, reach) {
      const declared = declaredIn(reach, given.declared);
      if (!declared.ok) return declared;
      const found = await declared.value.writer.changed(id, AbortSignal.timeout(CALL_MS_MAX));
      if (!found.ok) return found;
      return found.value === null
        ? ok({ done: false })
        : ok({ done: true, ...doneBy(found.value, before) });
    },
  };
}

const doneBy = ({ rows, atMs }: Changed, { accounts }: Judged): Done => ({
  says: `the site's statement for ${countOf(accounts)} changed ${rows} ${rows === 1 ? "row" : "rows"}`,
  receipt: { rows, atMs, accounts },
});

const countOf = (accounts: number): string =>
  `${accounts} ${accounts === 1 ? "account" : "accounts"}`;

function missingIn({ credentials }: Reach, declared: Given<never>["declared"]): string | null {
  if (credentials === null) return "POSTGRES_ACTS_URL is not set";
  const { spec } = credentials;
  return spec?.sign_ins === undefined || spec[declared] === undefined
    ? `site.yaml declares no audit.sign_ins or no audit.${declared}`
    : null;
}

function declaredIn(reach: Reach, declared: Given<never>["declared"]) {
  const { credentials } = reach;
  const signIns = credentials?.spec?.sign_ins;
  const template = credentials?.spec?.[declared];
  return credentials === null || signIns === undefined || template === undefined
    ? refuse(missingIn(reach, declared) ?? "")
    : ok({ signIns, template, writer: credentials.writer });
}

async function ask<Row>(
  { postgres }: Reach,
  query: Omit<Query<Row>, "statementTimeoutMs">,
): Promise<Result<readonly Row[], Failure>> {
  if (postgres === null) return refuse("POSTGRES_URL is not set");
  const read = await postgres.query(
    { ...query, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    AbortSignal.timeout(CALL_MS_MAX),
  );
  if (read.ok) return read;
  const { kind, class: failureClass, detail } = read.error;
  return err({ class: failureClass, detail: `the database did not help: ${kind}, ${detail}` });
}

const refuse = (detail: string) => err({ class: "refuse", detail } as const);
