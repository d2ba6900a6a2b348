/** What must be true of the primary-down variant of the outage: the replica serves who reads, who writes is told to wait, and nothing is lost. Pure. */
import { z } from "zod";
import type { Expectation, Table } from "./gameday.ts";
import type { Visit } from "./measure.ts";
import type { Seen } from "./outage-expectations.ts";
import type { Scenario } from "./scenario.ts";
import type { Look } from "./two-databases.ts";
import { seconds, since } from "./time.ts";

export type FailedOver = Pick<Seen, "rows" | "visits" | "times" | "boundaries"> & {
  /** When the primary was started again; null when it never was. */
  readonly mendedAtMs: number | null;
  readonly looks: Looks;
};

/** Before the first visitor, just before the primary is started again, and after the last visitor. */
export type Looks = {
  readonly before: Look | null;
  readonly during: Look | null;
  readonly after: Look | null;
};

type Limits = Scenario["expect"];

/** Signing in is exempt from read-only, for nobody could read without it. */
export const isWrite = ({ errand }: Visit): boolean => errand === "buy";

export function judgeFailover(seen: FailedOver, limits: Limits): readonly Expectation[] {
  return [
    failedOver(seen),
    writesRefused(seen, limits),
    readAgain(seen, limits),
    readsServed(seen, limits),
    replicaRead(seen),
    takenBack(seen),
    nobodyPromoted(seen),
    purchasesKept(seen),
  ];
}

const proposed = z.looseObject({ actuator: z.string() });

const failedOver = ({ rows }: FailedOver): Expectation => {
  const leases = rows.filter(({ type }) => type === "lease.proposed");
  const actuators = leases.map(({ data }) => proposed.safeParse(data).data?.actuator);
  const count = (wanted: string): number => rows.filter(({ type }) => type === wanted).length;
  const [acts, helped] = [count("act.performed"), count("lease.effective")];
  const escalated = count("incident.escalated");
  return {
    id: "failed-over",
    says: "production fails over once, that is seen to help, and nothing else is done or asked for",
    ok: actuators.join() === "failover-to-replica" && acts === 0 && helped === 1 && escalated === 0,
    saw: `${actuators.join(", ") || "nothing applied"}; ${acts} acts, helped ${helped} times, escalated ${escalated} times`,
  };
};

/** From the first who was told to wait to the first who could buy again. */
const whileFailedOver = ({
  visits,
  boundaries: { enforcedAtMs, firstBackAtMs },
}: FailedOver): readonly Visit[] =>
  visits.filter(
    ({ atMs }) => atMs >= (enforcedAtMs ?? Infinity) && atMs < (firstBackAtMs ?? Infinity),
  );

const writesRefused = (seen: FailedOver, limits: Limits): Expectation => {
  const meanwhile = whileFailedOver(seen).filter(isWrite);
  const refused = meanwhile.filter(({ outcome }) => outcome === "refused").length;
  const tookMs = since(seen.times.faultAtMs, seen.boundaries.enforcedAtMs);
  return {
    id: "writes-refused",
    says: `within ${limits.enforced_within / 1_000} s of the fault the guard tells who writes to come back, every one`,
    ok:
      tookMs !== null &&
      tookMs <= limits.enforced_within &&
      refused > 0 &&
      refused === meanwhile.length,
    saw: `${seconds(tookMs)}, ${refused} of ${meanwhile.length} refused`,
  };
};

/** So many reads in a row that are served mean that reading works again. */
const AGAIN = 10;

const readAgain = ({ visits, times }: FailedOver, limits: Limits): Expectation => {
  const reads = visits
    .filter((visit) => !isWrite(visit) && visit.atMs >= (times.faultAtMs ?? Infinity))
    .toSorted((a, b) => a.atMs - b.atMs);
  const firstFailed = reads.findIndex(({ outcome }) => outcome === "failed");
  const again = reads.findIndex(
    (_, index) =>
      firstFailed !== -1 &&
      index > firstFailed &&
      index + AGAIN <= reads.length &&
      reads.slice(index, index + AGAIN).every(({ outcome }) => outcome === "served"),
  );
  const tookMs = since(times.faultAtMs, reads[again]?.atMs ?? null);
  return {
    id: "read-again",
    says: `who reads is served again within ${limits.enforced_within / 1_000} s of the fault`,
    ok: tookMs !== null && tookMs <= limits.enforced_within,
    saw: firstFailed === -1 ? "no read failed" : seconds(tookMs),
  };
};

/** A machine that is busy with other things may cost production a read; the guard refuses none. */
const readsServed = (seen: FailedOver, limits: Limits): Expectation => {
  const reads = whileFailedOver(seen).filter((visit) => !isWrite(visit));
  const of = (wanted: Visit["outcome"]): number =>
    reads.filter(({ outcome }) => outcome === wanted).length;
  return {
    id: "reads",
    says: "while failed over everybody can read, and sign in to read",
    ok: of("served") > reads.length * limits.served_ratio_min && of("refused") === 0,
    saw: `${of("served")} of ${reads.length} served, ${of("refused")} refused, ${of("failed")} failed`,
  };
};

const replicaRead = (seen: FailedOver): Expectation => {
  const served = servedMeanwhile(seen);
  const reads = readsOfReplica(seen);
  return {
    id: "replica",
    says: "what was read meanwhile came from the replica, by its own statistics",
    ok: reads !== null && served > 0 && reads >= served,
    saw: `${reads ?? "unknown"} reads at the replica, ${served} of them visitors'`,
  };
};

/** Visitors' lists of pitches that were sent once writes were refused, and answered before the replica was asked. */
const servedMeanwhile = (seen: FailedOver): number =>
  whileFailedOver(seen).filter(
    ({ outcome, errand, atMs, tookMs }) =>
      outcome === "served" &&
      (errand === "browse" || errand === "read") &&
      atMs + tookMs < (seen.looks.during?.atMs ?? -Infinity),
  ).length;

const readsOfReplica = ({ looks: { before, during } }: FailedOver): number | null =>
  before === null || during === null ? null : during.replicaReads - before.replicaReads;

const reverting = z.looseObject({ because: z.string() });

const takenBack = ({ rows, times, mendedAtMs }: FailedOver): Expectation => {
  const because = rows
    .filter(({ type }) => type === "lease.reverting")
    .map(({ data }) => reverting.safeParse(data).data?.because ?? "unreadable");
  const tookMs = since(mendedAtMs, times.releasedAtMs);
  return {
    id: "taken-back",
    says: "once the primary has answered for a while, and not before, it is taken back",
    ok: because.join() === "recovered" && tookMs !== null && tookMs > 0,
    saw: `${because.join(", ") || "never"}, ${seconds(tookMs)} after the primary started`,
  };
};

const nobodyPromoted = ({ looks: { during, after } }: FailedOver): Expectation => ({
  id: "not-promoted",
  says: "the replica stays a replica and the primary the primary",
  ok:
    during?.replicaIsReplica === true &&
    after?.replicaIsReplica === true &&
    after.primary?.isReplica === false,
  saw: `during it the replica was ${roleOf(during?.replicaIsReplica)}, afterwards ${roleOf(after?.replicaIsReplica)}; the primary ${roleOf(after?.primary?.isReplica)}`,
});

const roleOf = (isReplica: boolean | undefined): string =>
  isReplica === undefined ? "not seen" : isReplica ? "a replica" : "a primary";

/** A purchase that failed may have been made all the same: its answer was lost with the primary. */
const purchasesKept = ({ visits, looks: { before, after } }: FailedOver): Expectation => {
  const bought = visits.filter(isWrite);
  const confirmed = bought.filter(({ outcome }) => outcome === "served").length;
  const unsure = bought.filter(({ outcome }) => outcome === "failed" || outcome === "lost").length;
  const made = madeBetween(before, after);
  const unmatched = after?.primary?.unmatched ?? null;
  return {
    id: "purchases",
    says: "every confirmed purchase is in the primary's books afterwards, once, and no refused one is",
    ok: made !== null && made >= confirmed && made <= confirmed + unsure && unmatched === 0,
    saw: `${made ?? "unknown"} made, ${confirmed} confirmed, ${unsure} without an answer, ${unmatched ?? "unknown"} without exactly one transaction`,
  };
};

const madeBetween = (before: Look | null, after: Look | null): number | null =>
  before?.primary == null || after?.primary == null
    ? null
    : after.primary.payments - before.primary.payments;

/** What this variant measures besides. */
export function failoverTable(seen: FailedOver): Table {
  const { times, mendedAtMs } = seen;
  const meanwhile = whileFailedOver(seen);
  const of = (isOne: (visit: Visit) => boolean): string => {
    const wanted = meanwhile.filter(isOne);
    return `${wanted.filter(({ outcome }) => outcome === "served").length} of ${wanted.length} served`;
  };
  return {
    head: ["failover", ""],
    rows: [
      ["detection delay", seconds(since(times.faultAtMs, times.detectedAtMs))],
      ["time to mitigate, from the fault", seconds(since(times.faultAtMs, times.mitigatedAtMs))],
      ["reads while failed over", of((visit) => !isWrite(visit))],
      ["collateral: purchases while failed over", of(isWrite)],
      ["reads at the replica, by its own statistics", String(readsOfReplica(seen) ?? "unknown")],
      ["taken back, after the primary started", seconds(since(mendedAtMs, times.releasedAtMs))],
      ["needed a person", "starting the primary again"],
    ],
  };
}
