/** Every collector there is. Adding one is a file here and a line below. */
import { auditAccesses } from "./audit-accesses.ts";
import { auditSignIns } from "./audit-sign-ins.ts";
import { cloudflareDeployments } from "./cloudflare-deployments.ts";
import { cloudflareErrorLogs } from "./cloudflare-error-logs.ts";
import { cloudflareInvocations } from "./cloudflare-invocations.ts";
import { cloudflarePagesDeployments } from "./cloudflare-pages-deployments.ts";
import { cloudflareStatus } from "./cloudflare-status.ts";
import {
  COLLECTOR_DEADLINE_MS,
  FACTS_CHARACTERS_MAX,
  SUMMARY_CHARACTERS_MAX,
  type Collector,
  type CollectorContext,
  type Evidence,
} from "./collector.ts";
import { githubCommits } from "./github-commits.ts";
import { integrityScope } from "./integrity-scope.ts";
import { passwordReset } from "./password-reset.ts";
import { paymentsReconciled } from "./payments-reconciled.ts";
import { paymentsUnpaid } from "./payments-unpaid.ts";
import { postgresBlockingChains } from "./postgres-blocking-chains.ts";
import { postgresConnections } from "./postgres-connections.ts";
import { postgresLongQueries } from "./postgres-long-queries.ts";
import { postgresStatistics } from "./postgres-statistics.ts";
import { postgresTableSizes } from "./postgres-table-sizes.ts";
import { recoverRows } from "./recover-rows.ts";
import { recoveryPlan } from "./recovery-plan.ts";
import { redisInfo } from "./redis-info.ts";
import { signalsAroundOnset } from "./signals-around-onset.ts";
import { signInOffenders } from "./sign-in-offenders.ts";
import { suspiciousRequests } from "./suspicious-requests.ts";
import { topTalkers } from "./top-talkers.ts";
import type { Failure } from "../../incidents/journal.ts";
import { withinDeadline } from "../../platform/deadline.ts";
import { errorName } from "../../platform/error-name.ts";
import { err, ok, type Result } from "../../shared/result.ts";

export const COLLECTORS = {
  "signals-around-onset": signalsAroundOnset,
  "cloudflare-status": cloudflareStatus,
  "cloudflare-deployments": cloudflareDeployments,
  "cloudflare-pages-deployments": cloudflarePagesDeployments,
  "cloudflare-error-logs": cloudflareErrorLogs,
  "cloudflare-invocations": cloudflareInvocations,
  "github-commits": githubCommits,
  "postgres-long-queries": postgresLongQueries,
  "postgres-blocking-chains": postgresBlockingChains,
  "postgres-connections": postgresConnections,
  "postgres-statistics": postgresStatistics,
  "postgres-table-sizes": postgresTableSizes,
  "redis-info": redisInfo,
  "payments-unpaid": paymentsUnpaid,
  "payments-reconciled": paymentsReconciled,
  "top-talkers": topTalkers,
  "sign-in-offenders": signInOffenders,
  "suspicious-requests": suspiciousRequests,
  "integrity-scope": integrityScope,
  "recover-rows": recoverRows,
  "recovery-plan": recoveryPlan,
  "audit-sign-ins": auditSignIns,
  "audit-accesses": auditAccesses,
  "password-reset": passwordReset,
} as const;

/** The ids that playbooks may name. */
export const COLLECTOR_IDS: readonly string[] = Object.keys(COLLECTORS);

const collectors: Readonly<Record<string, Collector>> = COLLECTORS;

/** Runs one collector within its deadline; whatever goes wrong, the answer is a failure and bounded. */
export async function collectEvidence(
  id: string,
  context: Omit<CollectorContext, "signal">,
): Promise<Result<Evidence, Failure>> {
  const collector = Object.hasOwn(collectors, id) ? collectors[id] : undefined;
  if (collector === undefined) return err({ class: "refuse", detail: `no collector "${id}"` });
  try {
    const collected = await withinDeadline(COLLECTOR_DEADLINE_MS, (signal) =>
      collector.collect({ ...context, signal }),
    );
    if (!collected.ok) return err({ class: "retry", detail: "the collector's deadline passed" });
    return collected.value.ok ? bounded(collected.value.value) : collected.value;
  } catch (error) {
    return err({ class: "retry", detail: `the collector failed: ${errorName(error)}` });
  }
}

function bounded({ summary, facts }: Evidence): Result<Evidence, Failure> {
  if (JSON.stringify(facts).length > FACTS_CHARACTERS_MAX) {
    return err({ class: "refuse", detail: `more facts than ${FACTS_CHARACTERS_MAX} characters` });
  }
  return ok({ summary: summary.slice(0, SUMMARY_CHARACTERS_MAX), facts });
}
