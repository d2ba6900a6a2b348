/** The payment provider fails under visitors who buy, in one of four ways, and recovers. Declared in payments.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { firebreakAt, type JournalRow } from "./firebreak.ts";
import type { Field, Gameday, Report } from "./gameday.ts";
import {
  aftermathOf,
  answerThePager,
  countOf,
  follow,
  openIncidentOf,
  reasonOf,
  type Aftermath,
} from "./incident.ts";
import { timesIn } from "./journal.ts";
import { countOutcomes, spanSeconds } from "./measure.ts";
import { overridden } from "./overrides.ts";
import { readOrders, type Order } from "./payment-books.ts";
import {
  FAULT_NAMES,
  failFirst,
  mendFirst,
  readCharges,
  type Charge,
  type FaultName,
} from "./payment-providers.ts";
import { readPager, type PagerState } from "./pager.ts";
import { judgePayments, orderTable, promisedBy, spansOf } from "./payments-expectations.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "payments";

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  readonly startedAtMs: number;
  faultAtMs: number | null;
  mendedAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  visitors: Visitors | null;
  orders: readonly Order[];
  charges: readonly Charge[];
  pager: PagerState;
  after: Aftermath | null;
  brokenOff: string | null;
};

export const payments: Gameday = {
  name: "payments",
  variants: FAULT_NAMES,
  async run(field) {
    const scenario = await readScenario("payments");
    const log: Log = {
      startedAtMs: Date.now(),
      faultAtMs: null,
      mendedAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      orders: [],
      charges: [],
      pager: { pages: [], refused: 0 },
      after: null,
      brokenOff: null,
    };
    field.say(scenario.story);
    try {
      await play(scenario, field, log);
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

async function play(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const patience = { withinMs: parts.patience, signal };
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  const visitors = cleanup.use(
    startVisitors(stack.guard, scenario.visitors, { plan: ordinary(scenario.visitors.count) }),
  );
  log.visitors = visitors;
  await sleep(parts.calm, undefined, { signal });

  say(`FAULT: the payment provider fails, by ${field.variant}`);
  cleanup.defer(() => mendFirst(stack));
  log.faultAtMs = Date.now();
  await failFirst(stack, faultOf(field.variant));
  const incident = await until(
    "an incident opens",
    () => openIncidentOf(firebreak, PLAYBOOK),
    patience,
  );
  log.incident = incident;
  const following = follow({ field, firebreak }, incident, log);
  // Awaited below; until then a broken line is no unhandled rejection.
  following.catch(() => {});
  await answerThePager({ field, firebreak }, incident, log, patience);
  await until("payments are switched", () => countOf(log, "lease.applied") > 0, patience);
  await sleep(parts.hold, undefined, { signal });

  say("MENDED: the payment provider works again");
  log.mendedAtMs = Date.now();
  await mendFirst(stack);
  await until("the switch is taken back", () => countOf(log, "lease.reverted") > 0, patience);
  await until("the incident resolves", () => countOf(log, "incident.resolved") > 0, patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });
  log.pager = await readPager(stack, log.faultAtMs);
  log.after = await aftermathOf(firebreak, incident);
  // Nobody buys any more; what is still on its way ends.
  await visitors[Symbol.asyncDispose]();
  const promised = promisedBy(visitors.visits);
  await until(
    "no order that was taken is pending",
    async () =>
      (await readOrders(stack.postgres, log.startedAtMs)).every(
        ({ key, status }) => status !== "pending" || !promised.has(key),
      ),
    patience,
  );
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
  const expectations = judgePayments({ ...log, visits, times, spans }, scenario.expect);
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
