/**
 * Several `Traffic` objects read as one. Each is asked, with a deadline; one that does not answer is counted, and then whatever
 * the others say is a part and not the whole: nothing may be concluded from it.
 */
import { withinDeadline } from "../platform/deadline.ts";
import { MERGED_NAMES_MAX, MergedTalkers } from "../sketches/merged-talkers.ts";
import { mergeConduct } from "./conduct-memory.ts";
import { REPORT_KINDS, type ReportKind } from "./report-kinds.ts";
import { mergeSignIns } from "./sign-in-figures.ts";
import { emptyTally, mergeInto, type Tally } from "./tally.ts";
import { TouchedTally } from "./touched.ts";
import { SectionTally } from "./section-tally.ts";
import { DistinctTally } from "./distinct-tally.ts";
import type {
  ConductWindow,
  LoggedWindow,
  ReportsWindow,
  SignInsWindow,
  TalkersWindow,
  TouchedWindow,
  TrafficApi,
  TrafficWindow,
} from "./traffic-api.ts";

export const SHARD_DEADLINE_MS = 1_000;

/** What is known of all shards together. */
export type OfAllShards<Window> = Window & {
  /** How many did not answer. */
  readonly silentShards: number;
};

export type TrafficReader = {
  window(seconds: number, untilSecond: number): Promise<OfAllShards<TrafficWindow>>;
  talkers(seconds: number, untilSecond: number): Promise<OfAllShards<TalkersWindow>>;
  touched(): Promise<OfAllShards<TouchedWindow>>;
  logged(sinceMs: number): Promise<OfAllShards<LoggedWindow>>;
  reports(seconds: number, nowSecond: number): Promise<OfAllShards<ReportsWindow>>;
  signIns(nowSecond: number): Promise<OfAllShards<SignInsWindow>>;
  /** Within the last minute. */
  conduct(nowSecond: number): Promise<OfAllShards<ConductWindow>>;
};

type Shard = Omit<TrafficApi, "flush" | "report">;

/** `shards` are called for each use: stubs belong to the request that made them. */
export const readShards = (shards: readonly (() => Shard)[]): TrafficReader => ({
  async window(seconds, untilSecond) {
    const { answers, silentShards } = await askAll(shards, (shard) =>
      shard.window(seconds, untilSecond),
    );
    const { fromSecond, ...window } = mergeWindows(answers, untilSecond);
    return { ...window, fromSecond: Math.max(fromSecond, untilSecond - seconds), silentShards };
  },

  async talkers(seconds, untilSecond) {
    const { answers, silentShards } = await askAll(shards, (shard) =>
      shard.talkers(seconds, untilSecond),
    );
    return { ...mergeTalkers(answers, untilSecond), silentShards };
  },

  async touched() {
    const { answers, silentShards } = await askAll(shards, (shard) => shard.touched());
    return { ...mergeTouched(answers), silentShards };
  },

  async logged(sinceMs) {
    const { answers, silentShards } = await askAll(shards, (shard) => shard.logged(sinceMs));
    return {
      requests: answers.flatMap(({ requests }) => requests).toSorted((a, b) => a.atMs - b.atMs),
      leftOut: answers.reduce((sum, { leftOut }) => sum + leftOut, 0),
      silentShards,
    };
  },

  async reports(seconds, nowSecond) {
    const { answers, silentShards } = await askAll(shards, (shard) =>
      shard.reports(seconds, nowSecond),
    );
    const { fromSecond, ...window } = mergeReports(answers);
    return { ...window, fromSecond: Math.max(fromSecond, nowSecond - seconds), silentShards };
  },

  async signIns(nowSecond) {
    const { answers, silentShards } = await askAll(shards, (shard) => shard.signIns(nowSecond));
    return { ...mergeSignIns(answers), silentShards };
  },

  async conduct(nowSecond) {
    const { answers, silentShards } = await askAll(shards, (shard) => shard.conduct(nowSecond));
    return { ...mergeConduct(answers), silentShards };
  },
});

async function askAll<T>(
  shards: readonly (() => Shard)[],
  ask: (shard: Shard) => Promise<T>,
): Promise<{ readonly answers: readonly T[]; readonly silentShards: number }> {
  const asked = shards.map(async (shard) => {
    try {
      const answer = await withinDeadline(SHARD_DEADLINE_MS, async () => ask(shard()));
      return answer.ok ? [answer.value] : [];
    } catch {
      return []; // It is counted as silent.
    }
  });
  const answers = (await Promise.all(asked)).flat();
  return { answers, silentShards: shards.length - answers.length };
}

/** Covers only what all of them cover. */
function mergeWindows(windows: readonly TrafficWindow[], untilSecond: number): TrafficWindow {
  const fromSecond = Math.max(0, ...windows.map((window) => window.fromSecond));
  const seconds = new Map<number, Tally>();
  for (const one of windows.flatMap((window) => window.seconds)) {
    if (one.second <= fromSecond) continue;
    const tally = seconds.get(one.second) ?? emptyTally(one.second);
    seconds.set(one.second, tally);
    mergeInto(tally, one);
  }
  return {
    fromSecond,
    untilSecond,
    seconds: [...seconds.values()].toSorted((a, b) => a.second - b.second),
    lastFlushAtMs: latestOf(windows.map(({ lastFlushAtMs }) => lastFlushAtMs)),
    lostFlushes: windows.reduce((sum, { lostFlushes }) => sum + lostFlushes, 0),
  };
}

function mergeTalkers(windows: readonly TalkersWindow[], untilSecond: number): TalkersWindow {
  const merged = new MergedTalkers();
  const [allUrls, allHarmed] = [new DistinctTally(), new DistinctTally()];
  const allSections = new SectionTally();
  for (const { dimensions, urls, sections, harmed } of windows) {
    merged.add(dimensions);
    if (urls !== undefined) allUrls.add(urls);
    if (sections !== undefined) allSections.add(sections);
    if (harmed !== undefined) allHarmed.add(harmed);
  }
  const untilSeconds = windows.map((window) => window.untilSecond);
  return {
    fromSecond: Math.max(0, ...windows.map((window) => window.fromSecond)),
    untilSecond: untilSeconds.length === 0 ? untilSecond : Math.min(...untilSeconds),
    missingReports: windows.reduce((sum, { missingReports }) => sum + missingReports, 0),
    dimensions: merged.cuts(MERGED_NAMES_MAX),
    urls: allUrls.cut(),
    sections: allSections.cut(),
    harmed: windows.some(({ harmed }) => harmed === undefined) ? undefined : allHarmed.cut(),
  };
}

function mergeTouched(windows: readonly TouchedWindow[]): TouchedWindow {
  const merged = new TouchedTally();
  for (const { entries } of windows) merged.add(entries);
  return {
    sinceSecond: Math.max(0, ...windows.map(({ sinceSecond }) => sinceSecond)),
    missingReports: windows.reduce((sum, { missingReports }) => sum + missingReports, 0),
    heardUntilMs: latestOf(windows.map(({ heardUntilMs }) => heardUntilMs)),
    entries: merged.reports(),
  };
}

function mergeReports(windows: readonly ReportsWindow[]): ReportsWindow {
  const counts: Partial<Record<ReportKind, number>> = {};
  for (const kind of REPORT_KINDS) {
    const count = windows.reduce((sum, window) => sum + (window.counts[kind] ?? 0), 0);
    if (count > 0) counts[kind] = count;
  }
  return {
    fromSecond: Math.max(0, ...windows.map((window) => window.fromSecond)),
    counts,
    lastFlushAtMs: latestOf(windows.map(({ lastFlushAtMs }) => lastFlushAtMs)),
    lostFlushes: windows.reduce((sum, { lostFlushes }) => sum + lostFlushes, 0),
  };
}

function latestOf(moments: readonly (number | null)[]): number | null {
  const known = moments.flatMap((ms) => ms ?? []);
  return known.length === 0 ? null : Math.max(...known);
}
