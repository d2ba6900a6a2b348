/** What the outage gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import type { JournalRow } from "./firebreak.ts";
import { completed, detectedInTime, expect, postmortemIsWhole } from "./expectations.ts";
import type { Expectation, Times } from "./gameday.ts";
import { releaseStages } from "./journal.ts";
import type { Outcome } from "./answer.ts";
import { flickering, visitorsWho, wasBefore, type Boundaries, type Visit } from "./measure.ts";
import type { Aftermath } from "./incident.ts";
import type { Heard } from "./heard.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";
import type { StatusSample } from "./status-watch.ts";
import { seconds, since } from "./time.ts";

type Figure = { readonly meanMs: number | null };

export type Seen = {
  readonly incident: string | null;
  readonly rows: readonly JournalRow[];
  readonly visits: readonly Visit[];
  readonly times: Times;
  readonly boundaries: Boundaries;
  readonly statusSamples: readonly StatusSample[];
  readonly heard: Heard | null;
  /** Read once all was over; null when it never was. */
  readonly after:
    | (Aftermath & {
        readonly kpis: {
          readonly incidents: number;
          readonly timeToDetect: Figure;
          readonly timeToAcknowledge: Figure;
          readonly timeToResolve: Figure;
        };
      })
    | null;
  /** Why the gameday ended early, or null. */
  readonly brokenOff: string | null;
};

type Limits = Scenario["expect"];

export function judgeOutage(seen: Seen, limits: Limits): readonly Expectation[] {
  return [
    completed(seen),
    detectedInTime(seen, limits),
    enforcedInTime(seen, limits),
    calmIsUntouched(seen, limits),
    ...everybodyIsTold(seen, limits.told),
    acknowledged(seen),
    informed(seen),
    nothingBroken(seen),
    releasedInStages(seen),
    nobodyFlickers(seen),
    leaseIsKept(seen),
    servedAfterwards(seen, limits),
    policyIsEmpty(seen),
    statusShowedIt(seen),
    statusNeverGreen(seen, limits),
    postmortemIsWhole(seen),
    kpisAnswer(seen),
    alertsAreOneIncident(seen),
    checklistTicked(seen),
  ];
}

const enforcedInTime = ({ times }: Seen, limits: Limits): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "enforced",
    `visitors see only the guard's answer within ${seconds(limits.enforced_within)} of the fault`,
    isWithin(tookMs, limits.enforced_within),
    seconds(tookMs),
  );
};

const calmIsUntouched = ({ visits, times }: Seen, limits: Limits): Expectation => {
  const before = visits.filter((visit) => wasBefore(visit, times.faultAtMs));
  return expect(
    "calm",
    "before the fault the guard makes no error and refuses nobody",
    isLeftAlone(before, limits),
    endsOf(before),
  );
};

const acknowledged = ({ times }: Seen): Expectation => {
  const { detectedAtMs, acknowledgedAtMs } = times;
  const isAnswered = detectedAtMs !== null && acknowledgedAtMs !== null;
  return expect(
    "acknowledged",
    "the on-call's acknowledgement is in the journal",
    isAnswered && acknowledgedAtMs >= detectedAtMs,
    isAnswered ? `after ${seconds(acknowledgedAtMs - detectedAtMs)}` : "never",
  );
};

const informed = ({ visits }: Seen): Expectation => {
  const refused = visits.filter(({ outcome }) => outcome === "refused");
  const pages = refused.filter(({ errand }) => errand === "browse").length;
  const programs = refused.length - pages;
  return expect(
    "informed",
    "browsers get a page, programs a problem, both with Retry-After",
    pages > 0 && programs > 0 && visits.every(({ outcome }) => outcome !== "broken"),
    `${pages} pages, ${programs} problems`,
  );
};

const nothingBroken = ({ visits }: Seen): Expectation => {
  const broken = countOf(visits, "broken", "lost");
  return expect(
    "unbroken",
    "no request fails because of the guard",
    visits.length > 0 && broken === 0,
    `${broken} of ${visits.length}`,
  );
};

const STAGES = [0.5, 0.2];

const releasedInStages = ({ rows, visits }: Seen): Expectation => {
  const stages = releaseStages(rows);
  const [first, second] = stages;
  const during: readonly [number, number] = [first?.atMs ?? 0, second?.atMs ?? 0];
  const back = visitorsWho(visits, "served", during).size;
  const waiting = visitorsWho(visits, "refused", during).size;
  return expect(
    "staged",
    "visitors come back in stages, first some and then more",
    stages.map(({ share }) => share).join() === STAGES.join() && back > 0 && waiting > 0,
    `shares ${stages.map(({ share }) => share).join(", ") || "none"}; in the first stage ${back} visitors back`,
  );
};

const nobodyFlickers = ({ visits, boundaries }: Seen): Expectation => {
  const flickered =
    boundaries.enforcedAtMs === null ? null : flickering(visits, boundaries.enforcedAtMs);
  return expect(
    "sticky",
    "who is back stays back",
    flickered?.length === 0,
    flickered === null ? "never enforced" : `${flickered.length} visitors flickered`,
  );
};

/** A lease runs out only when nobody looks after it any more; here somebody does. */
const leaseIsKept = ({ rows }: Seen): Expectation => {
  const count = (type: string): number => rows.filter((row) => row.type === type).length;
  const [renewed, expired] = [count("lease.extended"), count("lease.expired")];
  return expect(
    "lease",
    "the lease is renewed while it is needed, and taken back before it runs out",
    renewed > 0 && expired === 0 && count("lease.reverted") > 0,
    `renewed ${renewed} times, ran out ${expired} times`,
  );
};

const servedAfterwards = ({ visits, boundaries }: Seen, limits: Limits): Expectation => {
  const { allBackAtMs } = boundaries;
  const after = visits.filter(({ atMs }) => allBackAtMs !== null && atMs >= allBackAtMs);
  return expect(
    "afterwards",
    "once released, the guard refuses nobody and production serves",
    isLeftAlone(after, limits),
    endsOf(after),
  );
};

/** Production serves, and the guard stays out of it. A machine that is busy with other things may cost production a request. */
function isLeftAlone(visits: readonly Visit[], limits: Limits): boolean {
  const touched = countOf(visits, "refused", "broken", "lost");
  return (
    countOf(visits, "served") > visits.length * limits.served_ratio_min &&
    touched <= visits.length * limits.refused_ratio_max
  );
}

const endsOf = (visits: readonly Visit[]): string =>
  `${countOf(visits, "served")} of ${visits.length} served, ${countOf(visits, "refused")} refused, ${countOf(visits, "failed")} failed in production`;

const countOf = (visits: readonly Visit[], ...outcomes: readonly Outcome[]): number =>
  visits.filter(({ outcome }) => outcomes.includes(outcome)).length;

const policyIsEmpty = ({ after }: Seen): Expectation =>
  expect(
    "policy",
    "nothing is left in the policy",
    after !== null && after.policyEntries.length === 0,
    after === null
      ? "not read"
      : after.policyEntries.map(({ kind, id }) => `${kind} by ${id}`).join(", ") || "0 entries",
  );

const OUTAGE_INDICATOR = "critical";

const statusShowedIt = ({ statusSamples }: Seen): Expectation => {
  const shown = indicatorsIn(statusSamples);
  const showed = shown.lastIndexOf(OUTAGE_INDICATOR);
  return expect(
    "status",
    "the status page shows the outage and is green again after it",
    showed !== -1 && shown.lastIndexOf("none") > showed,
    shown.join(" → "),
  );
};

const statusNeverGreen = ({ statusSamples, times }: Seen, limits: Limits): Expectation => {
  const { detectedAtMs, resolvedAtMs } = times;
  const open = statusSamples.filter(
    ({ atMs }) =>
      detectedAtMs !== null &&
      atMs > detectedAtMs + limits.status_lag &&
      atMs < (resolvedAtMs ?? Infinity),
  );
  const wrong = open.filter(({ indicator }) => indicator === "none");
  const contradicting = statusSamples.filter(
    ({ indicator, components }) =>
      indicator === "unknown" && components.some((component) => component === "operational"),
  );
  return expect(
    "status-honest",
    "the status page is never green during the outage, nor while nobody knows",
    open.length > 0 && wrong.length === 0 && contradicting.length === 0,
    `${open.length} looks during the outage, ${wrong.length + contradicting.length} too green`,
  );
};

const kpisAnswer = ({ after }: Seen): Expectation => {
  const { kpis } = after ?? {};
  const means = [kpis?.timeToDetect, kpis?.timeToAcknowledge, kpis?.timeToResolve].map(
    (figure) => figure?.meanMs ?? null,
  );
  return expect(
    "kpis",
    "the KPIs know this incident",
    kpis !== undefined && kpis.incidents > 0 && means.every((meanMs) => meanMs !== null),
    `MTTD ${seconds(means[0])}, MTTA ${seconds(means[1])}, MTTR ${seconds(means[2])}`,
  );
};

const ALERTS_CLEARED = "Monitoring alerts cleared";

const alertsAreOneIncident = ({ rows, after }: Seen): Expectation => {
  const ticked = tickedIn(rows).includes(ALERTS_CLEARED);
  const open = after?.openIncidents ?? null;
  return expect(
    "one-incident",
    "what the site's monitoring says of it opens no incident of its own, and its end is noticed",
    ticked && open?.length === 0,
    `${ticked ? "cleared" : "never seen to clear"}; open: ${open === null ? "not read" : open.join(", ") || "none"}`,
  );
};

/** What an incident that is over shows by itself; the rest of the checklist is for people. */
const RECORDED = ["Status page updated", "Post-mortem scheduled"];

const checklistTicked = ({ rows }: Seen): Expectation => {
  const ticked = tickedIn(rows);
  return expect(
    "checklist",
    "the checklist knows by itself that the status page says so, and who owes the post-mortem until when",
    RECORDED.every((item) => ticked.includes(item)),
    ticked.join(", ") || "nothing",
  );
};

/** By whatever was seen, not by a person. */
const tickedIn = (rows: readonly JournalRow[]): readonly string[] =>
  rows.flatMap(({ type, actor, data }) =>
    type === "checklist.ticked" && actor.kind !== "person" ? [textOf(data)] : [],
  );
const textOf = (data: unknown): string => z.object({ text: z.string() }).parse(data).text;

/** What the page showed, without repetitions. */
const indicatorsIn = (samples: readonly StatusSample[]): readonly string[] =>
  samples
    .map(({ indicator }) => indicator)
    .filter((indicator, index, all) => indicator !== all[index - 1]);

const isWithin = (tookMs: number | null, limitMs: number): boolean =>
  tookMs !== null && tookMs <= limitMs;
