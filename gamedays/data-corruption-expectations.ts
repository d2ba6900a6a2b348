/** What the data-corruption gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import type { Delivery } from "./deliveries.ts";
import { expect } from "./expectations.ts";
import type { Expectation, Table } from "./gameday.ts";
import { judgeOutage, type Seen as SeenOfOutage } from "./outage-expectations.ts";
import type { Scenario } from "./scenario.ts";
import type { Books } from "./shop-data.ts";
import { seconds, since } from "./time.ts";

export type Seen = SeenOfOutage & {
  /** What the site took from the payment provider, in that order, and how often it asked for another try. */
  readonly taken: readonly Delivery[];
  readonly retried: number;
  readonly data: {
    readonly digestBefore: string;
    readonly digestAfter: string;
    /** Read once all was over. */
    readonly books: Books | null;
  } | null;
  /** What the recovery script counted, as it was committed. */
  readonly counted: string | null;
  /** What who would restore in place alone was answered. */
  readonly alone: string | null;
};

/** What holds of every gameday. */
const COMMON: ReadonlySet<string> = new Set([
  "completed",
  "detected",
  "calm",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "acknowledged",
  "unbroken",
  "afterwards",
  "policy",
  "status-honest",
  "public",
  "post-mortem",
  "kpis",
]);

export function judgeCorruption(seen: Seen, limits: Scenario["expect"]): readonly Expectation[] {
  return [
    ...judgeOutage(seen, limits).filter(({ id }) => COMMON.has(id)),
    twoKinds(seen),
    writesPaused(seen, limits),
    readsServed(seen),
    untilAPerson(seen),
    scopeKnown(seen),
    branchesKept(seen),
    wayBack(seen),
    neverAlone(seen),
    scriptRan(seen),
    rowsBack(seen),
    checklistTicked(seen),
    deliveriesKept(seen),
    deliveriesOnce(seen),
    purchasesOnce(seen),
  ];
}

const ruleFired = z.looseObject({
  rule: z.string(),
  to: z.looseObject({ status: z.literal("firing") }),
});
const opened = z.looseObject({
  rules: z.record(z.string(), z.looseObject({ status: z.string() })),
});

/** At the opening, or afterwards. */
function firedBy(seen: Seen, beforeMs: number): readonly string[] {
  const fired = seen.rows
    .filter(({ at }) => Date.parse(at) <= beforeMs)
    .flatMap(({ type, data }) => {
      if (type === "incident.opened") {
        const rules = opened.safeParse(data).data?.rules ?? {};
        return Object.keys(rules).filter((id) => rules[id]?.status === "firing");
      }
      const rule = type === "rule.changed" ? ruleFired.safeParse(data).data?.rule : undefined;
      return rule === undefined ? [] : [rule];
    });
  return [...new Set(fired)];
}

const twoKinds = (seen: Seen): Expectation => {
  const fired = firedBy(seen, seen.times.mitigatedAtMs ?? 0);
  const wanted = ["checks-failing", "constraints-not-valid"];
  return expect(
    "evidence",
    "writes are paused on two kinds of evidence: the rows, and the catalogue",
    wanted.every((rule) => fired.includes(rule)),
    fired.join(", ") || "nothing fired before",
  );
};

const writesPaused = ({ times }: Seen, limits: Scenario["expect"]): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "enforced",
    `nobody can write within ${limits.enforced_within / 1_000} s of the fault`,
    tookMs !== null && tookMs <= limits.enforced_within,
    seconds(tookMs),
  );
};

/** Visits of the pause, by what was wanted. */
const paused = ({ visits, boundaries: { enforcedAtMs, firstBackAtMs } }: Seen) =>
  visits.filter(
    ({ atMs }) =>
      enforcedAtMs !== null && atMs >= enforcedAtMs && atMs < (firstBackAtMs ?? Infinity),
  );

const readsServed = (seen: Seen): Expectation => {
  const reads = paused(seen).filter(({ errand }) => errand !== "buy");
  const refused = reads.filter(({ outcome }) => outcome === "refused").length;
  return expect(
    "reads",
    "while writes are paused everybody can read, and sign in to read",
    reads.length > 0 && refused === 0,
    `${refused} of ${reads.length} refused`,
  );
};

const reverting = z.looseObject({ because: z.string() });

const untilAPerson = ({ rows }: Seen): Expectation => {
  const ends = rows.filter(({ type }) => type === "lease.reverting");
  const because = ends.map(({ data }) => reverting.safeParse(data).data?.because ?? "unreadable");
  return expect(
    "held",
    "writes stay paused until a person lets them back",
    because.join() === "person",
    because.join(", ") || "never let back",
  );
};

const evidence = z.looseObject({ collector: z.string(), summary: z.string() });

const scopeKnown = ({ rows }: Seen): Expectation => {
  const found = rows
    .filter(({ type }) => type === "evidence.collected")
    .map(({ data }) => evidence.safeParse(data).data)
    .find((one) => one?.collector === "integrity-scope");
  return expect(
    "scope",
    "how far the damage reaches is in the journal",
    found !== undefined && found.summary.includes("broken rows in pitches"),
    found?.summary ?? "no evidence",
  );
};

const done = z.looseObject({
  says: z.string(),
  receipt: z.looseObject({ branchId: z.string(), name: z.string() }),
});

const branchesKept = ({ rows }: Seen): Expectation => {
  const kept = rows
    .filter(({ type }) => type === "act.performed")
    .flatMap(({ data }) => done.safeParse(data).data?.receipt ?? []);
  const isPast = kept.filter(({ name }) => name.endsWith("Z")).length;
  return expect(
    "branches",
    "the data of now and of the last clean moment are kept, each as a branch",
    kept.length === 2 && isPast === 1,
    kept.map(({ name }) => name).join(", ") || "nothing kept",
  );
};

const plan = z.looseObject({
  collector: z.literal("recovery-plan"),
  summary: z.string(),
  facts: z.looseObject({
    verified: z.array(z.looseObject({ brokenRows: z.number().nullable() })),
    tables: z.array(z.looseObject({ table: z.string(), missing: z.number() })),
    plan: z.looseObject({ way: z.string() }),
  }),
});

const wayBack = ({ rows }: Seen): Expectation => {
  const found = rows.flatMap(({ data }) => plan.safeParse(data).data ?? [])[0];
  const missing = found?.facts.tables.find(({ table }) => table === "users")?.missing;
  const isVerified = found?.facts.verified.every(({ brokenRows }) => (brokenRows ?? 0) === 0);
  return expect(
    "plan",
    "every check was run on that branch, live was compared with it, and the way back has its reason",
    isVerified === true && missing === AUTHORS && found?.facts.plan.way === "recover-rows",
    found?.summary ?? "no plan",
  );
};

const restore = z.looseObject({ actId: z.string(), actuator: z.literal("restore-in-place") });
const begun = z.looseObject({ actId: z.string() });

const neverAlone = ({ rows, alone }: Seen): Expectation => {
  const asked = rows.flatMap(({ data }) => restore.safeParse(data).data?.actId ?? []);
  const performing = rows
    .filter(({ type }) => type === "act.performing")
    .flatMap(({ data }) => begun.safeParse(data).data?.actId ?? []);
  return expect(
    "two-people",
    "nobody restores production in place alone",
    asked.length === 1 &&
      !performing.some((id) => asked.includes(id)) &&
      alone?.includes("same_person") === true,
    alone ?? "never tried",
  );
};

/** The authors that `shop-data.ts` brings, and deletes. */
const AUTHORS = 40;
const RECOVERED = `public.users=${AUTHORS}`;

const scriptRan = ({ counted }: Seen): Expectation =>
  expect(
    "script",
    "the script that Firebreak attached brings the rows back from the branch of the last clean moment",
    counted === RECOVERED,
    counted ?? "never run",
  );

const rowsBack = ({ data }: Seen): Expectation =>
  expect(
    "rows",
    "every row is back as it was, value for value",
    data !== null && data.digestAfter === data.digestBefore,
    data === null ? "not read" : `${data.digestBefore}; afterwards ${data.digestAfter}`,
  );

const tickedItem = z.looseObject({ text: z.string() });
const SEEN_ITEMS = [
  "Writes paused",
  "The scope of the damage known",
  "A snapshot of now kept before anything is repaired",
  "The last moment at which every check held kept",
  "A way back worked out beside production, before it touches it",
  "Rows recovered, and the checks clean",
  "Constraints back and validated",
  "Post-mortem scheduled",
];

const checklistTicked = ({ rows }: Seen): Expectation => {
  const ticked = rows
    .filter(({ type }) => type === "checklist.ticked")
    .map(({ data }) => tickedItem.safeParse(data).data?.text ?? "unreadable");
  return expect(
    "checklist",
    "what can be seen of the checklist is ticked, and the rest waits for people",
    SEEN_ITEMS.every((item) => ticked.includes(item)) && ticked.length === SEEN_ITEMS.length,
    ticked.join("; ") || "nothing",
  );
};

const kept = ({ data }: Seen): number =>
  data?.books?.events.filter(({ isReplay }) => isReplay).length ?? 0;

const deliveriesKept = (seen: Seen): Expectation =>
  expect(
    "kept",
    "what the payment provider delivers meanwhile is taken, and handed over afterwards",
    kept(seen) > 0 && seen.retried === 0,
    `${kept(seen)} of ${seen.taken.length} handed over later; ${seen.retried} had to be sent again`,
  );

const deliveriesOnce = ({ data, taken }: Seen): Expectation => {
  const books = data?.books ?? null;
  const applied = books?.events.map(({ event }) => event) ?? [];
  const wanted = taken.map(({ event }) => event);
  const isInOrder =
    applied.length === wanted.length && applied.every((one, n) => one === wanted[n]);
  const missing = taken.filter(({ charge }) => books?.succeeded.includes(charge) !== true).length;
  return expect(
    "ledger",
    "every delivery is applied once, in the order in which it came",
    wanted.length > 0 && isInOrder && missing === 0,
    `${applied.length} applied of ${wanted.length}, ${isInOrder ? "in order" : "NOT in order"}, ${missing} without effect`,
  );
};

/** A purchase whose answer did not arrive may be in the books or not. */
const purchasesOnce = ({ data, visits }: Seen): Expectation => {
  const { payments = -1, unmatched = -1 } = data?.books?.purchases ?? {};
  const bought = visits.filter(({ errand }) => errand === "buy");
  const of = (...outcomes: readonly string[]): number =>
    bought.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [sure, unsure] = [of("served"), of("failed", "lost", "broken")];
  return expect(
    "purchases",
    "every purchase that was confirmed is in the books once, and none that was refused",
    sure > 0 && unmatched === 0 && payments >= sure && payments <= sure + unsure,
    `${payments} in the books, ${sure} confirmed, ${of("refused")} refused, ${unsure} unanswered`,
  );
};

/** What the pause cost, and whom. */
export function pauseTable(seen: Seen): Table {
  const { times } = seen;
  const during = paused(seen);
  const of = (isBuy: boolean) => during.filter(({ errand }) => (errand === "buy") === isBuy);
  const refused = (isBuy: boolean): string => {
    const visits = of(isBuy);
    const many = visits.filter(({ outcome }) => outcome === "refused").length;
    return `${many} of ${visits.length} refused`;
  };
  return {
    head: ["while writes are paused", ""],
    rows: [
      ["no write passes, from the fault", seconds(since(times.faultAtMs, times.enforcedAtMs))],
      ["collateral: purchases", refused(true)],
      ["collateral: reads", refused(false)],
      ["deliveries kept and handed over", String(kept(seen))],
    ],
  };
}
