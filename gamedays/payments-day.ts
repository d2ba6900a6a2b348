/** What the payments gameday's days have in common: people buy, an incident opens, and in the end every order is paid. */
import { setTimeout as sleep } from "node:timers/promises";
import { firebreakAt, type Firebreak, type JournalRow } from "./firebreak.ts";
import type { Field } from "./gameday.ts";
import {
  aftermathOf,
  answerThePager,
  countOf,
  follow,
  openIncidentOf,
  type Aftermath,
} from "./incident.ts";
import { overridden } from "./overrides.ts";
import { readHeard, type Heard } from "./heard.ts";
import { readOrders, type Order } from "./payment-books.ts";
import { readChargedAtMs, type Charge } from "./payment-providers.ts";
import { promisedBy } from "./purchases.ts";
import type { Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "payments";

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  readonly variant: string;
  readonly startedAtMs: number;
  faultAtMs: number | null;
  mendedAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  visitors: Visitors | null;
  orders: readonly Order[];
  charges: readonly Charge[];
  /** What the first provider had charged by the time that it worked again. */
  chargedInFault: readonly Charge[];
  /** When each order was charged, by its key. */
  chargedAtMs: ReadonlyMap<string, number>;
  /** When Firebreak last knew that the books agree, as production looked after the trouble. */
  reconciledAtMs: number | null;
  heard: Heard | null;
  after: Aftermath | null;
  brokenOff: string | null;
};

export const emptyLog = (variant: string): Log => ({
  variant,
  startedAtMs: Date.now(),
  faultAtMs: null,
  mendedAtMs: null,
  incident: null,
  rows: [],
  visitors: null,
  orders: [],
  charges: [],
  chargedInFault: [],
  chargedAtMs: new Map(),
  reconciledAtMs: null,
  heard: null,
  after: null,
  brokenOff: null,
});

/** What is done to the providers, for who watches, and what undoes it; doing that twice is the same. */
export type Trouble = {
  readonly says: string;
  readonly strike: () => Promise<void>;
  readonly mended: string;
  readonly mend: () => Promise<void>;
};

export type Acting = {
  readonly firebreak: Firebreak;
  readonly incident: string;
  readonly patience: Parameters<typeof until>[2];
};

/**
 * A day from its calm to when everybody's order is paid; `meanwhile` is what happens until the trouble is mended, `afterwards` what is
 * seen once the incident is over, while people still buy.
 */
export async function playDay(
  {
    scenario,
    field,
    log,
  }: { readonly scenario: Scenario; readonly field: Field; readonly log: Log },
  trouble: Trouble,
  meanwhile: (acting: Acting) => Promise<void>,
  afterwards: (acting: Acting) => Promise<void> = async () => {},
): Promise<void> {
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

  say(`FAULT: ${trouble.says}`);
  cleanup.defer(trouble.mend);
  log.faultAtMs = Date.now();
  await trouble.strike();
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
  await meanwhile({ firebreak, incident, patience });

  say(`MENDED: ${trouble.mended}`);
  log.mendedAtMs = Date.now();
  await trouble.mend();
  await until(
    "everything is taken back",
    () => countOf(log, "lease.reverted") >= countOf(log, "lease.applied"),
    patience,
  );
  await until("the incident resolves", () => countOf(log, "incident.resolved") > 0, patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  log.after = await aftermathOf(firebreak, incident);
  await afterwards({ firebreak, incident, patience });
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
  log.chargedAtMs = await readChargedAtMs(stack);
}
