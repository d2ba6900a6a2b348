/**
 * Whether what must hold in the data still does. A check that could not run makes "nothing is broken" unknown, and never
 * "something is broken" less true. Counts and names leave the database; no value of it does.
 */
import { z } from "zod";
import { acceptedSince } from "../../integrity/accepted.ts";
import { CATALOGUE_SQL, expectedConstraints, type IntegrityCheck } from "../../integrity/check.ts";
import {
  forgetting,
  integrityNote,
  isHeld,
  judge,
  NOTHING_REMEMBERED,
  type IntegrityNote,
  type Verdict,
} from "../../integrity/judge.ts";
import type { Postgres } from "../../platform/postgres.ts";
import { err } from "../../shared/result.ts";
import { CHECK_TIMEOUT_MS, runCheck } from "../run-check.ts";
import { answerAll, defineSource, type Answer, type Answers, type SourceReach } from "../source.ts";
import { STORE_EVERY_MS } from "./store.ts";

/** Of all of them: a tick waits for its slowest source. Those whose turn did not come are unknown, and come first the next time. */
const BUDGET_MS = 5_000;
const DEADLINE_MS = 6_000;

const emits = [
  "integrity.failed_checks_count",
  "integrity.broken_rows_count",
  "integrity.row_drop_ratio",
  "integrity.invalid_constraints_count",
  "integrity.missing_constraints_count",
  "integrity.clean_age_seconds",
] as const;

export const integrity = defineSource({
  id: "integrity",
  emits,
  everyMs: { ...STORE_EVERY_MS, alert: 10_000 },
  busyEvery: "integrity_every",
  deadlineMs: DEADLINE_MS,

  async poll({ postgres, replica, integrityChecks, told, signal, atMs, kept, keep }) {
    if (postgres === null) {
      return answerAll(emits, { unknown: "not_configured", detail: "POSTGRES_URL is not set" });
    }
    const checks = integrityChecks.filter(({ kind }) => kind !== "replica" || replica !== null);
    if (checks.length === 0) {
      const detail = "site.yaml declares no integrity checks";
      return answerAll(emits, { unknown: "not_configured", detail });
    }
    const before = await withAccepted(
      integrityNote.safeParse(kept).data ?? NOTHING_REMEMBERED,
      told,
    );
    const budget = AbortSignal.any([signal, AbortSignal.timeout(BUDGET_MS)]);
    const catalogue = await readCatalogue(postgres, checks, budget);
    const ran: Ran[] = [];
    // One after the other: they shall not be what the database is busy with.
    for (const check of inTurn(checks, before.late)) {
      const hadTurn = !budget.aborted;
      const found = hadTurn
        ? await runCheck(check, { postgres, replica }, budget)
        : err(`${check.id}: no time was left`);
      const verdict = found.ok ? judge(check, found.value, before, atMs) : found.error;
      ran.push({ check, verdict, hadTurn });
    }
    const isClean =
      ran.every(({ verdict }) => typeof verdict !== "string" && !verdict.isBroken) &&
      typeof catalogue !== "string" &&
      catalogue.invalid === 0;
    const cleanAtMs = isClean ? atMs : before.cleanAtMs;
    keep({ ...noteOf(ran, before, cleanAtMs), judgedAtMs: atMs });
    return answersOf(ran, catalogue, cleanAtMs === null ? null : (atMs - cleanAtMs) / 1_000);
  },
});

/** Only where something counts as lost is it worth asking whether a person accepted it. */
async function withAccepted(
  note: IntegrityNote,
  told: Pick<SourceReach["told"], "accepted">,
): Promise<IntegrityNote> {
  if (!Object.values(note.checks).some(isHeld)) return note;
  return forgetting(note, acceptedSince(await told.accepted(), note.judgedAtMs));
}

/** A check and what it found; a text is why it could not run. */
type Ran = {
  readonly check: IntegrityCheck;
  readonly verdict: Verdict | string;
  readonly hadTurn: boolean;
};

/** Those that could not run in their turn wait for all others. */
const inTurn = (
  checks: readonly IntegrityCheck[],
  late: readonly string[],
): readonly IntegrityCheck[] =>
  checks.toSorted((a, b) => Number(late.includes(a.id)) - Number(late.includes(b.id)));

const catalogueRow = z.object({ invalid: z.int(), missing: z.int() });
type Catalogue = z.infer<typeof catalogueRow>;

async function readCatalogue(
  postgres: Postgres,
  checks: readonly IntegrityCheck[],
  signal: AbortSignal,
): Promise<Catalogue | string> {
  const read = await postgres.query(
    {
      text: CATALOGUE_SQL,
      params: [JSON.stringify(expectedConstraints(checks))],
      row: catalogueRow,
      statementTimeoutMs: CHECK_TIMEOUT_MS,
    },
    signal,
  );
  if (!read.ok) return `${read.error.kind}, ${read.error.detail}`;
  return read.value[0] ?? "no answer";
}

const noteOf = (
  ran: readonly Ran[],
  before: IntegrityNote,
  cleanAtMs: number | null,
): Omit<IntegrityNote, "judgedAtMs"> => ({
  cleanAtMs,
  late: ran.flatMap(({ check, verdict, hadTurn }) =>
    hadTurn && typeof verdict === "string" ? check.id : [],
  ),
  checks: Object.fromEntries(
    ran.flatMap(({ check: { id }, verdict }) => {
      const remembered = typeof verdict === "string" ? before.checks[id] : verdict.remembered;
      return remembered === undefined ? [] : [[id, remembered]];
    }),
  ),
});

function answersOf(
  ran: readonly Ran[],
  catalogue: Catalogue | string,
  cleanSeconds: number | null,
): Answers<"integrity"> {
  const verdicts = ran.flatMap(({ verdict }) => (typeof verdict === "string" ? [] : [verdict]));
  const unchecked = ran.flatMap(({ verdict }) => (typeof verdict === "string" ? [verdict] : []));
  const failed = verdicts.filter(({ isBroken }) => isBroken).length;
  const broken = verdicts.reduce((sum, { brokenRows }) => sum + brokenRows, 0);
  const drops = verdicts.flatMap(({ drop }) => (drop === null ? [] : [drop]));
  const notAll = { unknown: "no_data", detail: unchecked.join("; ") } as const;
  /** A check that did not run may only have added to it. */
  const atLeast = (value: number): Answer =>
    unchecked.length > 0 && value === 0 ? notAll : { value };
  const noDrop = { unknown: "not_configured", detail: "no check counts rows" } as const;
  return {
    "integrity.failed_checks_count": atLeast(failed),
    "integrity.broken_rows_count": atLeast(broken),
    "integrity.row_drop_ratio":
      drops.length > 0 ? atLeast(Math.max(...drops)) : unchecked.length > 0 ? notAll : noDrop,
    "integrity.invalid_constraints_count":
      typeof catalogue === "string"
        ? { unknown: "no_data", detail: catalogue }
        : { value: catalogue.invalid },
    "integrity.missing_constraints_count":
      typeof catalogue === "string"
        ? { unknown: "no_data", detail: catalogue }
        : { value: catalogue.missing },
    "integrity.clean_age_seconds":
      cleanSeconds === null
        ? { unknown: "no_data", detail: "it was never seen that everything holds" }
        : { value: cleanSeconds },
  };
}
