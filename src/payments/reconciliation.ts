/**
 * Reconciliation as a job of production's: after payments had to wait, the books since then are held against both providers, a few
 * orders at a look, by one isolate at a time, until all agree. What was found is in Redis, where Firebreak reads it.
 */
import { list, nullable, object, oneOf, text, truth, whole, type Read } from "../shared/shape.ts";
import type { PaymentProvider } from "./provider.ts";
import { AT_ONCE, reconcile, verdictOn, type BookedOrder, type Reconciled } from "./reconcile.ts";
import type { RetryQueue } from "./retry-queue.ts";

/** Orders that one look asks both providers about. */
export const LOOKED_AT_MAX = 50;
export const LOOK_EVERY_MS = 1_000;
/** Once all were looked at, and some did not agree. */
export const AGAIN_AFTER_MS = 10_000;
/** In this time a look asks; what it has not asked about by then is the next one's. With the last call it ends before a Worker is cut off. */
export const LOOK_MS_MAX = 8_000;
/** How long one isolate has for a look; then it is another's. */
export const LOOK_LEASE_MS = 30_000;
export type LookTimes = {
  readonly leaseMs: number;
  readonly everyMs: number;
  readonly againAfterMs: number;
};
export const LOOK_TIMES: LookTimes = {
  leaseMs: LOOK_LEASE_MS,
  everyMs: LOOK_EVERY_MS,
  againAfterMs: AGAIN_AFTER_MS,
};
/** Orders that a report names; the rest is counted. */
export const NAMED_MAX = 20;

/** Orders of production's books made since then, oldest first, after the one with that key; an order's place never changes. */
export type Books = (asked: {
  readonly sinceMs: number;
  readonly after: string | null;
  readonly max: number;
}) => Promise<readonly BookedOrder[]>;

const problem = object({
  key: text(120, 1),
  verdict: oneOf(["unmatched", "double", "missing"]),
});

/** One pass over the books. */
export const reconciliation = object({
  /** By Redis's clock. */
  startedAtMs: whole(0),
  /** The last order that was looked at; null before the first. */
  after: nullable(text(120)),
  isComplete: truth,
  agreeCount: whole(0),
  unmatchedCount: whole(0),
  doubleCount: whole(0),
  missingCount: whole(0),
  /** Some provider did not say. */
  unknownCount: whole(0),
  /** Not charged for good yet; they are looked at in the next pass. */
  underWayCount: whole(0),
  problems: list(problem, NAMED_MAX),
});
export type Reconciliation = Read<typeof reconciliation>;

export const newReconciliation = (startedAtMs: number): Reconciliation => ({
  startedAtMs,
  after: null,
  isComplete: false,
  agreeCount: 0,
  unmatchedCount: 0,
  doubleCount: 0,
  missingCount: 0,
  unknownCount: 0,
  underWayCount: 0,
  problems: [],
});

export const problemCount = (of: Reconciliation): number =>
  of.unmatchedCount + of.doubleCount + of.missingCount;

/** Nothing is left to look at again. */
export const isSettled = (of: Reconciliation): boolean =>
  of.isComplete && of.unknownCount + of.underWayCount + problemCount(of) === 0;

/** `"53 orders: 2 unmatched, 1 missing (order-4 unmatched, …)"`. */
export function reconciliationText(of: Reconciliation): string {
  const counts = {
    unmatched: of.unmatchedCount,
    double: of.doubleCount,
    missing: of.missingCount,
    "not known": of.unknownCount,
    "not charged yet": of.underWayCount,
  };
  const all = of.agreeCount + Object.values(counts).reduce((sum, count) => sum + count, 0);
  const odd = Object.entries(counts).filter(([, count]) => count > 0);
  const named = of.problems.map(({ key, verdict }) => `${key} ${verdict}`).join(", ");
  return `${all} orders: ${odd.map(([what, count]) => `${count} ${what}`).join(", ") || "all agree"}${named === "" ? "" : ` (${named})`}`;
}

/** With what one more look found. Pure. */
export function withLook(
  before: Reconciliation,
  found: readonly Reconciled[],
  underWay: ReadonlySet<string>,
  isLast: boolean,
): Reconciliation {
  const settled = found.filter(({ key }) => !underWay.has(key));
  const count = (verdict: Reconciled["verdict"]): number =>
    settled.filter((one) => one.verdict === verdict).length;
  const named = settled.flatMap(({ key, verdict }) =>
    verdict === "agrees" || verdict === "unknown" ? [] : [{ key, verdict }],
  );
  return {
    startedAtMs: before.startedAtMs,
    after: found.at(-1)?.key ?? before.after,
    isComplete: isLast,
    agreeCount: before.agreeCount + count("agrees"),
    unmatchedCount: before.unmatchedCount + count("unmatched"),
    doubleCount: before.doubleCount + count("double"),
    missingCount: before.missingCount + count("missing"),
    unknownCount: before.unknownCount + count("unknown"),
    underWayCount: before.underWayCount + found.length - settled.length,
    problems: [...before.problems, ...named].slice(0, NAMED_MAX),
  };
}

/** One look, if it is anybody's turn. Whoever dies in it has changed nothing; whoever fails in it gives the turn back. */
export async function lookOnce(deps: LookDeps, token: string): Promise<void> {
  const { queue, times = LOOK_TIMES } = deps;
  const turn = await queue.takeLook(token, times);
  if (turn === null) return;
  const found = await look(deps, turn).catch(() => null);
  await queue.endLook(token, found ?? turn.before);
}

async function look(
  { queue, books, providers, deadlineMs }: LookDeps,
  { sinceMs, before }: { readonly sinceMs: number; readonly before: Reconciliation },
): Promise<Reconciliation | null> {
  const untilMs = Date.now() + LOOK_MS_MAX;
  const asked = { sinceMs, after: before.after, max: LOOKED_AT_MAX };
  const orders = (await books(asked)).slice(0, LOOKED_AT_MAX);
  const found: Reconciled[] = [];
  while (found.length < orders.length && Date.now() < untilMs) {
    const some = orders.slice(found.length, found.length + AT_ONCE);
    found.push(...(await reconcile(providers, some, deadlineMs)));
  }
  const doubted = found.filter(({ verdict }) => verdict !== "agrees").map(({ key }) => key);
  // In this order: what is not under way any more is in the books by now.
  const underWay = await queue.underWay(doubted);
  if (underWay === null) return null;
  const booked = new Map(
    (doubted.length === 0 ? [] : await books(asked)).map((one) => [one.payment.key, one]),
  );
  const again = found.map((one) => inLightOf(one, booked.get(one.key)));
  const isLast = orders.length < LOOKED_AT_MAX && found.length === orders.length;
  return withLook(before, again, underWay, isLast);
}

export type LookDeps = {
  readonly queue: RetryQueue;
  readonly books: Books;
  readonly providers: readonly PaymentProvider[];
  readonly deadlineMs: number;
  readonly times?: LookTimes;
};

/** What the providers said, against the books of now. */
function inLightOf(found: Reconciled, order: BookedOrder | undefined): Reconciled {
  if (order === undefined) return found;
  const charged = found.charges.map(({ reference }) => reference);
  return { ...found, verdict: verdictOn(charged, order.references, found.silent.length > 0) };
}
