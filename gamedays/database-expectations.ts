/** What the database gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import type { Read } from "./control-reads.ts";
import type { Log } from "./database.ts";
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  postmortemIsWhole,
} from "./expectations.ts";
import type { Expectation, Table, Times } from "./gameday.ts";
import type { Fate, Part } from "./lock-queue.ts";
import type { Visit } from "./measure.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";
import { seconds, since } from "./time.ts";

/** What the playbook asks of production, by the kind of its policy entry. */
export const KINDS = ["pool-size", "query-cache", "replica-reads", "statement-timeout"] as const;

type Span = { readonly fromMs: number; readonly untilMs: number };

/** As visitors' reads felt it; null when it never came. */
export type Spans = {
  readonly calm: Span | null;
  /** Reads wait in the queue. */
  readonly unrelieved: Span | null;
  /** They do not, although the queue still stands. */
  readonly relieved: Span | null;
  /** The queue is gone, and everything is taken back. */
  readonly mended: Span | null;
};

export type Seen = Omit<Log, "visitors" | "control"> & {
  readonly visits: readonly Visit[];
  readonly control: readonly Read[];
  readonly times: Times;
  readonly spans: Spans;
};

/** The visits that only read. */
export const visitorReads = (visits: readonly Visit[]): readonly Read[] =>
  visits
    .filter(({ errand }) => errand === "browse" || errand === "read")
    .map(({ atMs, tookMs, outcome }) => ({ atMs, tookMs, served: outcome === "served" }))
    .toSorted((a, b) => a.atMs - b.atMs);

/** Relief begins with the first read after the last one before the act that was not served. */
export function spansOf(
  { faultAtMs, rows }: Pick<Log, "faultAtMs" | "rows">,
  reads: readonly Read[],
): Spans {
  const none = { unrelieved: null, relieved: null, mended: null };
  if (faultAtMs === null) return { calm: { fromMs: -Infinity, untilMs: Infinity }, ...none };
  const calm = { fromMs: -Infinity, untilMs: faultAtMs };
  const performed = rows.find(({ type }) => type === "act.performed");
  const endedAtMs = performed === undefined ? Infinity : Date.parse(performed.at);
  const waiting = reads.filter(({ atMs }) => atMs >= faultAtMs && atMs < endedAtMs);
  const lastUnserved = waiting.findLastIndex(({ served }) => !served);
  const relievedAtMs = waiting[lastUnserved + 1]?.atMs ?? null;
  if (lastUnserved === -1 || relievedAtMs === null) return { calm, ...none };
  return {
    calm,
    unrelieved: { fromMs: faultAtMs, untilMs: relievedAtMs },
    relieved: { fromMs: relievedAtMs, untilMs: endedAtMs },
    mended: endedAtMs === Infinity ? null : { fromMs: endedAtMs, untilMs: Infinity },
  };
}

export function judgeDatabase(seen: Seen, limits: Scenario["expect"]): readonly Expectation[] {
  return [
    completed(seen),
    detectedInTime(seen, limits),
    ...everybodyIsTold(seen, limits.told),
    productionSaidSo(seen),
    cpuIsMeasured(seen),
    relievedInTime(seen, limits),
    readsAreQuick(seen, limits),
    readsWouldWait(seen),
    replicaServed(seen),
    allInForce(seen),
    nothingElse(seen),
    onlyTheRightOnes(seen),
    sparedAreThere(seen),
    guardLeftAlone(seen, limits),
    leasesAreTakenBack(seen),
    servedAfterwards(seen, limits),
    postmortemIsWhole(seen),
  ];
}

const opened = z.looseObject({
  readings: z.array(z.looseObject({ signal: z.string(), value: z.unknown() })),
});
const changed = z.looseObject({ rule: z.string(), to: z.looseObject({ status: z.string() }) });

/** By its own reports, through the SDK; the rule fires before or after the incident opens. */
const productionSaidSo = ({ rows }: Seen): Expectation => {
  const said = rows.flatMap(({ type, data }) => {
    if (type === "incident.opened") {
      const readings = opened.safeParse(data).data?.readings ?? [];
      const reported = readings.find(({ signal }) => signal === "sdk.query_timed_out_count");
      return typeof reported?.value === "number" && reported.value > 0
        ? [`${reported.value} timeouts when it opened`]
        : [];
    }
    if (type !== "rule.changed") return [];
    const { rule, to } = changed.safeParse(data).data ?? {};
    return rule === "queries-time-out" && to?.status === "firing" ? ["the rule fired later"] : [];
  });
  return expect(
    "reported",
    "production itself reports that its queries time out",
    said.length > 0,
    said[0] ?? "it did not",
  );
};

/** One each five seconds, and the day takes longer than that before anybody looks. */
const CPU_SAMPLES_MIN = 3;

/** By the jobs beside the servers, at their own processes; how high it was says nothing of a queue of locks, but who serves uses some. */
const cpuIsMeasured = ({ inForce }: Seen): Expectation => {
  const read = Object.entries(inForce?.cpuRatios ?? {}).map(([signal, samples]) => {
    const known = samples.filter((value) => value !== null);
    const inRange = known.filter((value) => value > 0 && value <= 1);
    return {
      ok:
        typeof samples.at(-1) === "number" &&
        inRange.length === known.length &&
        new Set(known).size >= CPU_SAMPLES_MIN,
      saw: `${signal} ${percentOf(Math.min(...known))} to ${percentOf(Math.max(...known))}, ${new Set(known).size} values in ${samples.length} looks`,
    };
  });
  return expect(
    "cpu",
    "jobs beside the database and the Workers say how busy their processes keep the machine",
    read.length > 0 && read.every(({ ok }) => ok),
    read.map(({ saw }) => saw).join("; ") || "not read",
  );
};

const percentOf = (ratio: number): string =>
  Number.isFinite(ratio) ? `${Math.round(ratio * 100)} %` : "unknown";

const relievedInTime = ({ times }: Seen, limits: Scenario["expect"]): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "relieved",
    `no visitor's read fails any more ${seconds(limits.enforced_within)} after the fault, with the queue still there`,
    tookMs !== null && tookMs <= limits.enforced_within,
    seconds(tookMs),
  );
};

const readsAreQuick = ({ visits, spans }: Seen, limits: Scenario["expect"]): Expectation => {
  const inside = within(visitorReads(visits), spans.relieved);
  const p95Ms = percentile(inside, 0.95);
  return expect(
    "reads",
    `while relieved, 95 % of visitors' reads take at most ${limits.reads_within ?? 0} ms`,
    p95Ms !== null && p95Ms <= (limits.reads_within ?? 0) && inside.every(({ served }) => served),
    `${p95Ms ?? "none"} ms, ${inside.length} reads`,
  );
};

/** The same query at the primary, all along: what visitors would have met. */
const readsWouldWait = ({ control, spans, rows }: Seen): Expectation => {
  const { relieved } = spans;
  const performing = rows.find(({ type }) => type === "act.performing");
  const endsMs = performing === undefined ? Infinity : Date.parse(performing.at);
  // Who still waits when the queue is being ended says nothing: on a busy machine the database's own deadline comes later.
  const inside = within(control, relieved).filter(({ atMs, tookMs }) => atMs + tookMs < endsMs);
  const served = inside.filter((read) => read.served).length;
  return expect(
    "as-if",
    "the same read at the primary fails all that time, so nothing else relieved them",
    inside.length > 0 && served === 0,
    `${served} of ${inside.length} served`,
  );
};

const replicaServed = ({ replicaScans }: Seen): Expectation => {
  const count = replicaScans === null ? 0 : replicaScans.after - replicaScans.before;
  return expect(
    "replica",
    "the replica's own statistics say that it was read",
    count > 0,
    `${count} scans`,
  );
};

const allInForce = ({ inForce }: Seen): Expectation => {
  const kinds = [...new Set(inForce?.kinds)].toSorted();
  return expect(
    "in-force",
    "reads elsewhere, larger pools, the query cache and the time limit are in force together",
    kinds.join() === KINDS.join(),
    kinds.join(", ") || "nothing",
  );
};

const nothingElse = ({ inForce }: Seen): Expectation =>
  expect(
    "one-incident",
    "it is one incident, of the database, and no outage beside it",
    inForce?.playbooks.join() === "database",
    inForce?.playbooks.join(", ") ?? "not read",
  );

const statesOf = (fates: readonly Fate[], part: Part): readonly string[] =>
  fates.filter((fate) => fate.part === part).map(({ state }) => state);

const onlyTheRightOnes = ({ fates, rows }: Seen): Expectation => {
  const performed = rows.filter(({ type }) => type === "act.performed").length;
  const [report, analytics] = [statesOf(fates, "report"), statesOf(fates, "analytics")];
  const isRight = [...report, ...analytics].every((state) => state === "ended");
  return expect(
    "ended",
    "once a person agreed, the transaction that did nothing and the longest queries are ended, once",
    performed === 1 && report.length > 0 && isRight,
    `report ${report.join() || "none"}; analytics ${analytics.join(", ")}; done ${performed} times`,
  );
};

const sparedAreThere = ({ fates }: Seen): Expectation => {
  const backup = statesOf(fates, "backup").join();
  const migration = statesOf(fates, "migration").join();
  const idle = statesOf(fates, "idle");
  const open = idle.filter((state) => state === "open");
  const areIdleLeft = idle.length > 0 && open.length === idle.length;
  return expect(
    "spared",
    "the backup still runs, the migration came to its own end, and idle connections are left alone",
    backup === "open" && migration === "done" && areIdleLeft,
    `backup ${backup}; migration ${migration}; ${open.length} of ${idle.length} idle ones open`,
  );
};

const guardLeftAlone = ({ visits }: Seen, limits: Scenario["expect"]): Expectation => {
  const touched = visits.filter(({ outcome }) => ["refused", "broken", "lost"].includes(outcome));
  return expect(
    "unbroken",
    "the guard refuses nobody, and no request fails because of it",
    visits.length > 0 && touched.length <= visits.length * limits.refused_ratio_max,
    `${touched.length} of ${visits.length}`,
  );
};

const servedAfterwards = ({ visits, times }: Seen, limits: Scenario["expect"]): Expectation => {
  const after = visits.filter(({ atMs }) => atMs >= (times.releasedAtMs ?? Infinity));
  const served = after.filter(({ outcome }) => outcome === "served").length;
  return expect(
    "afterwards",
    "with everything taken back, production serves",
    after.length > 0 && served > after.length * limits.served_ratio_min,
    `${served} of ${after.length} served`,
  );
};

/** Reads before, during and after, and as if nothing had been done. */
export const readTable = (
  spans: Spans,
  visits: readonly Read[],
  control: readonly Read[],
): Table => ({
  head: ["reads", "count", "p50", "p95", "failed", "untouched p50", "untouched failed"],
  rows: Object.entries(spans).map(([phase, span]) => {
    const [own, other] = [within(visits, span), within(control, span)];
    return [
      phase,
      String(own.length),
      milliseconds(percentile(own, 0.5)),
      milliseconds(percentile(own, 0.95)),
      failedShare(own),
      milliseconds(percentile(other, 0.5)),
      failedShare(other),
    ];
  }),
});

const within = (reads: readonly Read[], span: Span | null): readonly Read[] =>
  span === null ? [] : reads.filter(({ atMs }) => atMs >= span.fromMs && atMs < span.untilMs);

/** Null when there is none. */
function percentile(reads: readonly Read[], share: number): number | null {
  const sorted = reads.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

const failedShare = (reads: readonly Read[]): string =>
  reads.length === 0
    ? ""
    : `${Math.round((100 * reads.filter(({ served }) => !served).length) / reads.length)} %`;

const milliseconds = (ms: number | null): string => (ms === null ? "" : `${Math.round(ms)} ms`);
