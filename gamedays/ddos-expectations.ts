/** What the flood's gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  pagerIsTold,
  postmortemIsWhole,
  publicIsTold,
} from "./expectations.ts";
import type { JournalRow } from "./firebreak.ts";
import type { Shot } from "./flood.ts";
import type { Expectation, Times } from "./gameday.ts";
import type { Aftermath } from "./incident.ts";
import type { Visit } from "./measure.ts";
import type { PagerState } from "./pager.ts";
import type { Scenario } from "./scenario.ts";
import { seconds, since } from "./time.ts";

export const SOURCE = "203.0.113.66";
/** Isolates learn of a step one after the other. */
const LEARNING_MS = 3_000;
/** Of the flood, once they all have. */
const STOPPED_RATIO_MIN = 0.95;

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  faultAtMs: number | null;
  /** When the last request of the flood was sent. */
  overAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  shots: readonly Shot[];
  pager: PagerState;
  after: Aftermath | null;
  brokenOff: string | null;
};

export type Seen = Readonly<Log> & { readonly visits: readonly Visit[]; readonly times: Times };
type Limits = Scenario["expect"];

/** When the guard first stood in its way. */
export const stoppedAtMs = (shots: readonly Shot[]): number | null => {
  const stopped = shots.filter(({ outcome }) => outcome === "stopped");
  return stopped.length === 0 ? null : Math.min(...stopped.map(({ atMs }) => atMs));
};

export function judgeDdos(seen: Seen, limits: Limits): readonly Expectation[] {
  return [
    completed(seen),
    detectedInTime(seen, limits),
    stoppedInTime(seen, limits),
    floodIsStopped(seen),
    onlyTheSource(seen),
    visitorsUntouched(seen, limits),
    pagerIsTold(seen),
    publicIsTold(seen),
    leasesAreTakenBack(seen),
    postmortemIsWhole(seen),
    postmortemNamesTheSource(seen),
  ];
}

const stoppedInTime = ({ times }: Seen, limits: Limits): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "stopped-first",
    `first stopped within ${seconds(limits.enforced_within)} of the flood`,
    tookMs !== null && tookMs <= limits.enforced_within,
    seconds(tookMs),
  );
};

const floodIsStopped = ({ shots, overAtMs }: Seen): Expectation => {
  const fromMs = (stoppedAtMs(shots) ?? Infinity) + LEARNING_MS;
  const later = shots.filter(({ atMs }) => atMs >= fromMs && atMs < (overAtMs ?? Infinity));
  const reached = later.filter(({ outcome }) => outcome === "reached").length;
  return expect(
    "flood-stopped",
    `of the flood, next to nothing reaches production once guards know`,
    later.length > 0 && reached <= (1 - STOPPED_RATIO_MIN) * later.length,
    `${reached} of ${later.length} reached it`,
  );
};

/** Whom a step is about stands in its options, as lists. */
const selected = z.looseObject({ with: z.record(z.string(), z.unknown()) });

const onlyTheSource = ({ rows }: Seen): Expectation => {
  const named = rows
    .filter(({ type }) => type === "lease.selected" || type === "lease.widened")
    .flatMap(({ data }) =>
      Object.values(selected.safeParse(data).data?.with ?? {})
        .filter(Array.isArray)
        .flat(),
    )
    .map(String);
  return expect(
    "narrowest",
    "the one source is named, and nobody else",
    named.length > 0 && named.every((name) => name === SOURCE),
    named.join(", ") || "nobody",
  );
};

const visitorsUntouched = ({ visits }: Seen, limits: Limits): Expectation => {
  const touched = visits.filter(({ outcome }) => ["refused", "broken"].includes(outcome)).length;
  return expect(
    "known-clients",
    "known clients are not touched, but for one in a thousand",
    visits.length > 0 && touched <= visits.length * limits.refused_ratio_max,
    `${touched} of ${visits.length} requests`,
  );
};

const postmortemNamesTheSource = ({ after }: Seen): Expectation =>
  expect(
    "told",
    "the post-mortem says whom the step was about",
    after !== null && after.postmortem.includes(SOURCE),
    after === null ? "not read" : `${after.postmortem.length} characters`,
  );
