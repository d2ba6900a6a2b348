/** What production found when it last held its books against every payment provider: counts, and orders by their keys. */
import { reconciliationText } from "../../payments/reconciliation.ts";
import { RetryQueue } from "../../payments/retry-queue.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";

export const paymentsReconciled = defineCollector({
  id: "payments-reconciled",

  async collect({ redis, payments, signal }) {
    if (payments === null) {
      return err({ class: "refuse", detail: "site.yaml says nothing of payments" });
    }
    if (redis === null) {
      return err({ class: "refuse", detail: "REDIS_URL or REDIS_TOKEN is not set" });
    }
    const store = {
      eval: (...asked: [string, string[], string[]]) => redis.eval(...asked, signal),
    };
    const found = await new RetryQueue(store, payments.queue).reconciled();
    if (found === null) {
      return err({ class: "retry", detail: "Redis does not answer for the queue" });
    }
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
