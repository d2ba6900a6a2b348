/** What production could not charge at once, by currency, as its retry queue has it: the revenue that waits. Never whose it is. */
import { CURRENCIES_MAX, unpaidText } from "../../payments/unpaid.ts";
import { RetryQueue } from "../../payments/retry-queue.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";

export const paymentsUnpaid = defineCollector({
  id: "payments-unpaid",

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
    const found = await new RetryQueue(store, payments.queue).unpaid();
    if (found === null) {
      return err({ class: "retry", detail: "Redis does not answer for the queue" });
    }
    const unpaid = found.amounts.slice(0, CURRENCIES_MAX);
    const more = found.leftOutCount === 0 ? "" : `, and ${found.leftOutCount} payments not counted`;
    return ok({
      summary: `Waits to be charged: ${unpaidText(unpaid)}${more}`,
      facts: { unpaid, leftOutCount: found.leftOutCount },
    });
  },
});
