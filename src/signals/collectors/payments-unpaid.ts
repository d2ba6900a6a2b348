/** What production could not charge at once, by currency, as its retry queue has it: the revenue that waits. Never whose it is. */
import { CURRENCIES_MAX, unpaidText } from "../../payments/unpaid.ts";
import { err, ok } from "../../shared/result.ts";
import { QUEUE_IS_SILENT, queueFor } from "../payments-queue.ts";
import { defineCollector } from "./collector.ts";

export const paymentsUnpaid = defineCollector({
  id: "payments-unpaid",

  async collect(context) {
    const queue = queueFor(context);
    if (!queue.ok) return queue;
    const found = await queue.value.unpaid();
    if (found === null) return err(QUEUE_IS_SILENT);
    const unpaid = found.amounts.slice(0, CURRENCIES_MAX);
    const more = found.leftOutCount === 0 ? "" : `, and ${found.leftOutCount} payments not counted`;
    return ok({
      summary: `Waits to be charged: ${unpaidText(unpaid)}${more}`,
      facts: { unpaid, leftOutCount: found.leftOutCount },
    });
  },
});
