/** Both payment providers fail: somebody agrees to take orders unpaid, up to a bound, and once they work again all are charged. */
import { z } from "zod";
import type { Field } from "./gameday.ts";
import { failProvider, mendProvider, PROVIDERS } from "./payment-providers.ts";
import { playDay, type Acting, type Log } from "./payments-day.ts";
import { purchasesIn } from "./purchases.ts";
import type { Scenario } from "./scenario.ts";
import { until } from "./until.ts";

export const BYPASS = "payment-bypass";
/** Orders beyond the bound that are waited for, so that it is seen what they get. */
const BEYOND_MIN = 2;

const proposed = z.looseObject({ actuator: z.literal(BYPASS), leaseId: z.string() });

export async function playBoth(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { stack, say } = field;
  const onBoth = async (what: typeof mendProvider): Promise<void> => {
    await Promise.all(PROVIDERS.map((provider) => what(stack, provider)));
  };
  const trouble = {
    says: "both payment providers fail",
    strike: () => onBoth((on, provider) => failProvider(on, provider, "5xx")),
    mended: "both payment providers work again",
    mend: () => onBoth(mendProvider),
  };
  const meanwhile = async ({ firebreak, incident, patience }: Acting): Promise<void> => {
    const lease = await until(
      "somebody is asked whether to take orders unpaid",
      () => asked(log),
      patience,
    );
    say("the on-call agrees to take orders unpaid");
    await firebreak.approve(incident, lease, "we know these customers");
    await until("orders go beyond the bound", () => beyond(log) >= BEYOND_MIN, patience);
  };
  await playDay({ scenario, field, log }, trouble, meanwhile, async ({ firebreak, patience }) => {
    log.reconciledAtMs = await until(
      "production's books agree with both providers",
      () => firebreak.knownAtMs("payments.unreconciled_count", 0),
      patience,
    );
  });
}

/** The lease that waits for a person's word. */
export function asked({ rows }: Pick<Log, "rows">): string | null {
  const found = rows
    .filter(({ type }) => type === "lease.proposed")
    .map(({ data }) => proposed.safeParse(data).data?.leaseId);
  return found.find((lease) => lease !== undefined) ?? null;
}

/** Orders that were not deferred any more once some had been. */
function beyond({ visitors }: Log): number {
  const made = purchasesIn(visitors?.visits ?? []);
  const last = made.findLastIndex(({ word }) => word === "deferred");
  return last === -1 ? 0 : made.slice(last + 1).filter(({ word }) => word === "pending").length;
}
