/** What the payments gameday promises where both providers fail. Pure. */
import { z } from "zod";
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  postmortemIsWhole,
} from "./expectations.ts";
import type { Expectation } from "./gameday.ts";
import { asked } from "./payments-both.ts";
import {
  booksAgree,
  noneDoubled,
  noneLost,
  noneRefused,
  productionReconciled,
  type Seen,
} from "./payments-expectations.ts";
import { isTaken, purchasesIn, TAKEN, type Purchase } from "./purchases.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";

/** `drainPerSecond` of the SDK, by all isolates together. */
const DRAIN_PER_SECOND = 5;
const WINDOW_MS = 2_000;

export function judgeBoth(
  seen: Seen,
  { expect: limits, overrides }: Pick<Scenario, "expect" | "overrides">,
): readonly Expectation[] {
  const countMax = z.int().parse(overrides["payments"]?.["bypass_count_max"]);
  return [
    completed(seen),
    detectedInTime(seen, limits),
    switchDidNotHelp(seen),
    aPersonAgreed(seen),
    deferredWithin(seen, countMax),
    beyondIsAnswered(seen),
    noneRefused(seen),
    noneLost(seen),
    noneDoubled(seen),
    deferredAreCharged(seen),
    drainIsBounded(seen),
    booksAgree(seen),
    productionReconciled(seen),
    firstCharges(seen),
    ...everybodyIsTold(seen, limits.told),
    leasesAreTakenBack(seen),
    postmortemIsWhole(seen),
  ];
}

const deferredIn = ({ visits }: Seen): readonly Purchase[] =>
  purchasesIn(visits).filter(({ status, word }) => status === TAKEN && word === "deferred");

const switchDidNotHelp = ({ rows }: Seen): Expectation => {
  const times = rows.filter(({ type }) => type === "lease.ineffective").length;
  return expect(
    "second-fails",
    "Firebreak sees that the second provider does not help, and leaves it",
    times > 0,
    `${times} times`,
  );
};

/** Not before: who orders unpaid may never pay. */
const aPersonAgreed = (seen: Seen): Expectation => {
  const lease = asked(seen);
  const row = seen.rows.find(
    ({ type, data }) =>
      type === "lease.approved" && leaseOf.safeParse(data).data?.leaseId === lease,
  );
  const agreedAtMs = row === undefined ? Infinity : Date.parse(row.at);
  const before = deferredIn(seen).filter(({ atMs }) => atMs < agreedAtMs - CLOCK_MS).length;
  return expect(
    "agreed",
    "no order is taken unpaid before a person agreed to it",
    row !== undefined && before === 0,
    row === undefined ? "nobody did" : `${before} were`,
  );
};
const leaseOf = z.looseObject({ leaseId: z.string() });
/** A request that was sent before is answered by what is in force when it arrives. */
const CLOCK_MS = 1_500;

const deferredWithin = (seen: Seen, countMax: number): Expectation => {
  // None is charged before the providers work again, so all of them owe at once.
  const count = deferredIn(seen).filter(({ atMs }) => atMs < (seen.mendedAtMs ?? Infinity)).length;
  return expect(
    "within-bound",
    `${countMax} orders are taken unpaid, and no more`,
    count === countMax,
    `${count}`,
  );
};

/** The customer hears that it is not known whether they paid, which is another word; the last may meet providers that work again. */
const beyondIsAnswered = (seen: Seen): Expectation => {
  const untilMs = seen.mendedAtMs ?? Infinity;
  const firstMs = deferredIn(seen)[0]?.atMs ?? Infinity;
  const beyond = purchasesIn(seen.visits).filter(
    ({ atMs, word }) => atMs > firstMs && atMs < untilMs && word !== "deferred",
  );
  const count = (word: string): number => beyond.filter((one) => one.word === word).length;
  const [pending, paid] = [count("pending"), count("succeeded")];
  return expect(
    "beyond-bound",
    "who orders beyond that is told that the payment is pending, or that it is paid, and nothing else",
    pending > 0 && pending + paid === beyond.length,
    `${pending} pending, ${paid} paid, of ${beyond.length}`,
  );
};

const deferredAreCharged = (seen: Seen): Expectation => {
  const deferred = deferredIn(seen);
  const once = deferred.filter(
    ({ key }) => seen.charges.filter(({ order }) => order === key).length === 1,
  );
  const early = deferred.filter(
    ({ key }) => (seen.chargedAtMs.get(key ?? "") ?? Infinity) < (seen.mendedAtMs ?? Infinity),
  ).length;
  return expect(
    "deferred-charged",
    "each order that was taken unpaid is charged once, after the providers work again",
    deferred.length > 0 && once.length === deferred.length && early === 0,
    `${once.length} of ${deferred.length} once, ${early} before`,
  );
};

/** Whoever has just come back is not run over. */
const drainIsBounded = (seen: Seen): Expectation => {
  const waited = purchasesIn(seen.visits).filter(
    ({ status, atMs }) => status === TAKEN && atMs >= (seen.faultAtMs ?? Infinity),
  );
  const atMs = waited
    .flatMap(({ key }) => seen.chargedAtMs.get(key ?? "") ?? [])
    .toSorted((a, b) => a - b);
  const most = Math.max(
    0,
    ...atMs.map((from) => atMs.filter((at) => at >= from && at < from + WINDOW_MS).length),
  );
  const max = (DRAIN_PER_SECOND * WINDOW_MS) / 1_000 + 1;
  return expect(
    "drain-bounded",
    `of what waited at most ${max} are charged within ${WINDOW_MS / 1_000} s`,
    atMs.length > 0 && most <= max,
    `${most} at most, of ${atMs.length}`,
  );
};

const firstCharges = ({ visits, times }: Seen): Expectation => {
  const fromMs = (times.releasedAtMs ?? Infinity) + 1_500;
  const after = purchasesIn(visits).filter((made) => isTaken(made) && made.atMs >= fromMs);
  const paid = after.filter(({ word }) => word === "succeeded").length;
  return expect(
    "back",
    "with all taken back, orders are paid at once",
    after.length > 0 && paid === after.length,
    `${paid} of ${after.length}`,
  );
};
