/** What the payments gameday promises, each judged on what was seen. Pure. */
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  postmortemIsWhole,
} from "./expectations.ts";
import type { Expectation, Table, Times } from "./gameday.ts";
import type { Visit } from "./measure.ts";
import { losesAnswers } from "./payment-providers.ts";
import type { Log } from "./payments-day.ts";
import {
  isTaken,
  PAID,
  promisedBy,
  providersOf,
  purchasesIn,
  TAKEN,
  type Purchase,
} from "./purchases.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";
import { seconds, since } from "./time.ts";

const FIRST = "stripe-api";
const SECOND = "square-api";
/** Requests that are under way, and isolates that have not heard, when the first order is charged elsewhere. */
const LEARNING_MS = 2_000;
/** `probe_every` of payments.yaml: a first provider that answers is tried with one order, so often. */
const TRIAL_EVERY_MS = 1_000;
/** Production says that the payment is why. What it fails otherwise is the shop's own trouble, such as a busy machine's. */
const REFUSED: readonly number[] = [402, 502];

type Span = { readonly fromMs: number; readonly untilMs: number };

/** As customers felt it; null when it never came. */
export type Spans = {
  readonly calm: Span | null;
  /** The provider fails, and orders wait. */
  readonly failing: Span | null;
  /** It still does, and orders are charged at once all the same. */
  readonly switched: Span | null;
  /** It works again. */
  readonly mended: Span | null;
};

export type Seen = Omit<Log, "visitors"> & {
  readonly visits: readonly Visit[];
  readonly times: Times;
  readonly spans: Spans;
};

/** The switch is felt with the first order that the second provider charges at once. */
export function spansOf({
  faultAtMs,
  mendedAtMs,
  visits,
  charges,
}: Pick<Log, "faultAtMs" | "mendedAtMs" | "charges"> & Pick<Seen, "visits">): Spans {
  const none = { failing: null, switched: null, mended: null };
  if (faultAtMs === null) return { calm: { fromMs: -Infinity, untilMs: Infinity }, ...none };
  const calm = { fromMs: -Infinity, untilMs: faultAtMs };
  const untilMs = mendedAtMs ?? Infinity;
  const taken = purchasesIn(visits).filter(isTaken);
  const broken = taken.filter(({ atMs }) => atMs >= faultAtMs && atMs < untilMs);
  const elsewhere = broken.find(
    ({ status, key }) => status === PAID && providersOf(charges, key).includes(SECOND),
  );
  const switchedAtMs = elsewhere?.atMs ?? null;
  return {
    calm,
    failing: { fromMs: faultAtMs, untilMs: switchedAtMs ?? untilMs },
    switched: switchedAtMs === null ? null : { fromMs: switchedAtMs, untilMs },
    mended: mendedAtMs === null ? null : { fromMs: mendedAtMs, untilMs: Infinity },
  };
}

export function judgePayments(
  seen: Seen,
  { expect: limits }: Pick<Scenario, "expect">,
): readonly Expectation[] {
  return [
    completed(seen),
    detectedInTime(seen, limits),
    ordersWaited(seen),
    switchedInTime(seen, limits),
    switchHelped(seen),
    backupCharged(seen),
    onlyTrialsWait(seen),
    noneRefused(seen),
    noneLost(seen),
    noneDoubled(seen),
    ...(losesAnswers(seen.variant) ? [unheardChargedOnce(seen)] : []),
    booksAgree(seen),
    firstCharges(seen),
    ...everybodyIsTold(seen, limits.told),
    leasesAreTakenBack(seen),
    postmortemIsWhole(seen),
  ];
}

/** Or there was nothing to be switched away from. */
const ordersWaited = ({ visits, spans }: Seen): Expectation => {
  const waited = within(purchasesIn(visits), spans.failing).filter(
    ({ status }) => status === TAKEN,
  ).length;
  return expect(
    "harm",
    "orders really had to wait for the provider that failed",
    waited > 0,
    `${waited} waited`,
  );
};

const switchedInTime = ({ times }: Seen, limits: Scenario["expect"]): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "switched",
    `orders are charged by the second provider at once, within ${seconds(limits.enforced_within)} of the fault`,
    tookMs !== null && tookMs <= limits.enforced_within,
    seconds(tookMs),
  );
};

const switchHelped = ({ rows }: Seen): Expectation => {
  const effective = rows.filter(({ type }) => type === "lease.effective").length;
  return expect(
    "helped",
    "Firebreak sees that the switch helps",
    effective > 0,
    `${effective} times`,
  );
};

const backupCharged = ({ visits, charges, spans }: Seen): Expectation => {
  const switched = within(purchasesIn(visits), spans.switched).filter(isTaken);
  const byBackup = switched.filter(({ key }) => providersOf(charges, key).includes(SECOND));
  return expect(
    "backup",
    "while it is switched, the second provider charges",
    switched.length > 0 && byBackup.length > 0,
    `${byBackup.length} of ${switched.length} orders`,
  );
};

/** A provider that fails now and then answers when it is asked whether it is there, and is given one order each time: that one may wait. */
const onlyTrialsWait = ({ visits, charges, spans: { switched } }: Seen): Expectation => {
  const fromMs = (switched?.fromMs ?? Infinity) + LEARNING_MS;
  const untilMs = switched?.untilMs ?? Infinity;
  const waiting = within(purchasesIn(visits), { fromMs, untilMs }).filter(
    ({ status }) => status === TAKEN,
  );
  const others = waiting.filter(({ key }) => !providersOf(charges, key).includes(FIRST)).length;
  const trialsMax = Math.ceil((untilMs - fromMs) / TRIAL_EVERY_MS);
  return expect(
    "only-trials-wait",
    "once it is switched, no order waits but those that try the first provider, one for each answer",
    switched !== null && others === 0 && waiting.length <= trialsMax,
    `${waiting.length} waited, ${others} of them no trial; ${trialsMax} may`,
  );
};

export const noneRefused = ({ visits }: Seen): Expectation => {
  const made = purchasesIn(visits);
  const refused = made.filter(({ status }) => REFUSED.includes(status)).length;
  const others = made.filter((purchase) => !isTaken(purchase)).length - refused;
  return expect(
    "orders-refused",
    "no order is refused because of its payment, from the first to the last",
    made.length > 0 && refused === 0,
    `${refused} of ${made.length}${others === 0 ? "" : `; ${others} failed for reasons of the shop's own`}`,
  );
};

export const noneLost = ({ visits, orders, charges }: Seen): Expectation => {
  const promised = promisedBy(visits);
  const kept = orders.filter(
    ({ key, status }) =>
      promised.has(key) && status === "succeeded" && providersOf(charges, key).length > 0,
  );
  return expect(
    "orders-lost",
    "every order that was taken is charged in the end",
    promised.size > 0 && kept.length === promised.size,
    `${promised.size - kept.length} of ${promised.size} not`,
  );
};

export const noneDoubled = ({ orders, charges }: Seen): Expectation => {
  const doubled = orders.filter(({ key }) => providersOf(charges, key).length > 1);
  return expect(
    "orders-doubled",
    "no order is charged twice, by both providers together",
    orders.length > 0 && doubled.length === 0,
    `${doubled.length} of ${orders.length}`,
  );
};

/** Whoever charges and does not say so is asked before anybody else charges. */
const unheardChargedOnce = ({ visits, charges, chargedInFault }: Seen): Expectation => {
  const unheard = purchasesIn(visits).filter(
    ({ status, key }) => status === TAKEN && providersOf(chargedInFault, key).includes(FIRST),
  );
  const again = unheard.filter(({ key }) => providersOf(charges, key).join() !== FIRST);
  return expect(
    "unheard-once",
    "who was charged by the first provider, and its answer lost, is charged by nobody again",
    unheard.length > 0 && again.length === 0,
    `${unheard.length} were, ${again.length} of them charged again`,
  );
};

/** The shop's own books against both providers', by reference. */
export const booksAgree = ({ orders, charges }: Seen): Expectation => {
  const booked = new Set(orders.flatMap(({ references }) => references));
  const keys = new Set(orders.map(({ key }) => key));
  const ours = charges.filter(({ order }) => keys.has(order));
  const unbooked = ours.filter(({ id }) => !booked.has(id)).length;
  const uncharged = booked.size - (ours.length - unbooked);
  return expect(
    "reconciled",
    "each charge is one transaction of the shop's books, and each transaction one charge",
    ours.length > 0 && unbooked === 0 && uncharged === 0,
    `${ours.length} charges, ${booked.size} transactions; ${unbooked} not booked, ${uncharged} not charged`,
  );
};

/** Not unknown: it is only once every order since the trouble was looked at. */
export const productionReconciled = ({ reconciledAtMs, mendedAtMs }: Seen): Expectation => {
  const tookMs = since(mendedAtMs, reconciledAtMs);
  return expect(
    "books-held",
    "production itself holds its books against both providers once it is over, and Firebreak hears that they agree",
    tookMs !== null && tookMs > 0,
    tookMs === null ? "it did not" : `${seconds(tookMs)} after the providers worked again`,
  );
};

const firstCharges = ({ visits, charges, times }: Seen): Expectation => {
  // A policy takes a moment to arrive.
  const fromMs = (times.releasedAtMs ?? Infinity) + 1_500;
  const after = purchasesIn(visits).filter((made) => isTaken(made) && made.atMs >= fromMs);
  const byFirst = after.filter(({ key }) => providersOf(charges, key).join() === FIRST);
  return expect(
    "back",
    "with the switch taken back, the first provider charges all",
    after.length > 0 && byFirst.length === after.length,
    `${byFirst.length} of ${after.length}`,
  );
};

/** What became of orders, by when they were made. */
export const orderTable = ({
  spans,
  visits,
  orders,
  charges,
}: Pick<Seen, "spans" | "visits" | "orders" | "charges">): Table => {
  const paid = new Set(orders.filter(({ status }) => status === "succeeded").map(({ key }) => key));
  return {
    head: ["orders", "count", "paid at once", "pending", "by the second", "lost", "doubled"],
    rows: Object.entries(spans).map(([phase, span]) => {
      const made = within(purchasesIn(visits), span).filter(isTaken);
      const count = (holds: (purchase: Purchase) => boolean) => String(made.filter(holds).length);
      return [
        phase,
        String(made.length),
        count(({ status }) => status === PAID),
        count(({ status }) => status === TAKEN),
        count(({ key }) => providersOf(charges, key).includes("square-api")),
        count(({ key }) => key === null || !paid.has(key)),
        count(({ key }) => providersOf(charges, key).length > 1),
      ];
    }),
  };
};

const within = (made: readonly Purchase[], span: Span | null): readonly Purchase[] =>
  span === null ? [] : made.filter(({ atMs }) => atMs >= span.fromMs && atMs < span.untilMs);
