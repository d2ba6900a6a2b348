/** The payment providers fail under visitors who buy, and recover: the first in one of four ways, or both. Declared in payments.yaml and payments-both.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Field, Gameday, Report } from "./gameday.ts";
import { countOf, reasonOf } from "./incident.ts";
import { timesIn } from "./journal.ts";
import { countOutcomes, spanSeconds } from "./measure.ts";
import { readOrders } from "./payment-books.ts";
import {
  FAULT_NAMES,
  failProvider,
  mendProvider,
  readCharges,
  type FaultName,
} from "./payment-providers.ts";
import { playBoth } from "./payments-both.ts";
import { judgeBoth } from "./payments-both-expectations.ts";
import { emptyLog, playDay, type Log } from "./payments-day.ts";
import { judgePayments, orderTable, spansOf } from "./payments-expectations.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";

const BOTH = "both";

export const payments: Gameday = {
  name: "payments",
  variants: [...FAULT_NAMES, BOTH],
  async run(field) {
    const isBoth = field.variant === BOTH;
    const scenario = await readScenario(isBoth ? "payments-both" : "payments");
    const log = emptyLog(field.variant);
    field.say(scenario.story);
    try {
      await (isBoth ? playBoth : playFirst)(scenario, field, log);
    } catch (error) {
      // Whatever the cause, what was seen until here is worth its report.
      log.brokenOff = reasonOf(field, error);
      field.say(`broken off: ${log.brokenOff}`);
    }
    log.orders = await readOrders(field.stack.postgres, log.startedAtMs);
    log.charges = await readCharges(field.stack);
    return reportOf(scenario, field, log);
  },
};

async function playFirst(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { stack, signal, variant } = field;
  const trouble = {
    says: `the payment provider fails, by ${variant}`,
    strike: () => failProvider(stack, "stripe-api", faultOf(variant)),
    mended: "the payment provider works again",
    mend: () => mendProvider(stack, "stripe-api"),
  };
  await playDay({ scenario, field, log }, trouble, async ({ patience }) => {
    await until("payments are switched", () => countOf(log, "lease.applied") > 0, patience);
    await sleep(scenario.parts.hold, undefined, { signal });
    log.chargedInFault = await readCharges(stack);
  });
}

function faultOf(variant: string): FaultName {
  const found = FAULT_NAMES.find((name) => name === variant);
  if (found === undefined) throw new DidNotHappen(`there is no fault ${variant}`);
  return found;
}

function reportOf(scenario: Scenario, field: Field, log: Log): Report {
  const visits = log.visitors?.visits ?? [];
  const spans = spansOf({ ...log, visits });
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: spans.switched?.fromMs ?? null,
  };
  const judge = log.variant === BOTH ? judgeBoth : judgePayments;
  const expectations = judge({ ...log, visits, times, spans }, scenario);
  return reportOn(field, payments.name, {
    startedAtMs: log.startedAtMs,
    incident: log.incident,
    times,
    phases: Object.entries(spans).map(([phase, span]) => {
      const inside = visits.filter(
        ({ atMs }) => span !== null && atMs >= span.fromMs && atMs < span.untilMs,
      );
      return { phase, seconds: spanSeconds(inside), ...countOutcomes(inside) };
    }),
    tables: [orderTable({ ...log, visits, spans })],
    expectations,
    postmortem: log.after?.postmortem ?? null,
  });
}
