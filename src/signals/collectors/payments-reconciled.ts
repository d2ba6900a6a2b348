/** What production found when it last held its books against every payment provider: counts, and orders by their keys. */
import { reconciliationText } from "../../payments/reconciliation.ts";
import { err, ok } from "../../shared/result.ts";
import { QUEUE_IS_SILENT, queueFor } from "../payments-queue.ts";
import { defineCollector } from "./collector.ts";

export const paymentsReconciled = defineCollector({
  id: "payments-reconciled",

  async collect(context) {
    const queue = queueFor(context);
    if (!queue.ok) return queue;
    const found = await queue.value.reconciled();
    if (found === null) return err(QUEUE_IS_SILENT);
    const { troubleAtMs, report } = found;
    const isStale = report !== null && troubleAtMs !== null && report.startedAtMs < troubleAtMs;
    const stale = isStale ? ", before payments last had to wait" : "";
    const summary =
      report === null
        ? "The books were not held against the providers yet"
        : `Books against providers: ${reconciliationText(report)}${stale}`;
    return ok({ summary, facts: { report, isStale } });
  },
});
