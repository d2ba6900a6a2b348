/** What the flood's gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import type { Log } from "./ddos.ts";
import type { Shape } from "./ddos-shapes.ts";
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  postmortemIsWhole,
} from "./expectations.ts";
import { OUTCOMES, type Hit } from "./flood.ts";
import type { Expectation, Table, Times } from "./gameday.ts";
import type { Visit } from "./measure.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";
import { seconds, since } from "./time.ts";

/** Isolates learn of a step one after the other. */
export const LEARNING_MS = 3_000;
/** Of what is due at the rate of the flood: on a busy machine it is slower, and still many times what people send. */
const SENT_RATIO_MIN = 0.75;
/** Of the flood, once they all have. */
const STOPPED_RATIO_MIN = 0.95;
/** Of those who were never here. */
const CHALLENGED_RATIO_MAX = 0.05;
const THROUGH_RATIO_MIN = 0.95;

export type Seen = Omit<Log, "regulars" | "newcomers"> & {
  readonly shape: Pick<Shape, "named" | "shots" | "requestsPerSecond">;
  /** Of people who were here before the flood. */
  readonly visits: readonly Visit[];
  /** Of people who came all along, each for the first time. */
  readonly newVisits: readonly Visit[];
  readonly times: Times;
};
type Limits = Scenario["expect"];

/** When the guard first stood in its way. */
export const stoppedAtMs = (hits: readonly Hit[]): number | null => {
  const stopped = hits.filter(({ outcome }) => outcome === "stopped");
  return stopped.length === 0 ? null : Math.min(...stopped.map(({ atMs }) => atMs));
};

export function judgeDdos(seen: Seen, limits: Limits): readonly Expectation[] {
  return [
    completed(seen),
    detectedInTime(seen, limits),
    stoppedInTime(seen, limits),
    allWasSent(seen),
    floodIsStopped(seen),
    onlyTheFlood(seen),
    knownClientsUntouched(seen, limits),
    ...newcomersAreSpared(seen),
    ...lookalikesGetThrough(seen),
    ...everybodyIsTold(seen, limits.told),
    leasesAreTakenBack(seen),
    postmortemIsWhole(seen),
    postmortemSaysWho(seen),
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

/** A flood that this machine did not send is easily stopped. */
const allWasSent = ({ hits, shape, faultAtMs, overAtMs }: Seen): Expectation => {
  const sent = hits.filter(({ outcome }) => outcome !== "unsent").length;
  const spanMs = since(faultAtMs, overAtMs);
  const due = shape.shots ?? (shape.requestsPerSecond * (spanMs ?? Infinity)) / 1_000;
  return expect(
    "flood",
    "the flood was sent, and nearly as fast as it should be",
    sent >= SENT_RATIO_MIN * due,
    `${sent} requests in ${seconds(spanMs)}`,
  );
};

const floodIsStopped = ({ hits, overAtMs }: Seen): Expectation => {
  const fromMs = (stoppedAtMs(hits) ?? Infinity) + LEARNING_MS;
  const later = hits.filter(
    ({ atMs, outcome }) => outcome !== "unsent" && atMs >= fromMs && atMs < (overAtMs ?? Infinity),
  );
  const stopped = later.filter(({ outcome }) => outcome === "stopped").length;
  return expect(
    "flood-stopped",
    "next to all of the flood is stopped once guards know",
    later.length > 0 && stopped >= STOPPED_RATIO_MIN * later.length,
    `${stopped} of ${later.length}`,
  );
};

/** Whom a step is about stands in its options, as lists. */
const selected = z.looseObject({ with: z.record(z.string(), z.unknown()) });

const namedIn = ({ rows }: Pick<Seen, "rows">): readonly string[] => [
  ...new Set(
    rows
      .filter(({ type }) => type === "lease.selected" || type === "lease.widened")
      .flatMap(({ data }) =>
        Object.values(selected.safeParse(data).data?.with ?? {})
          .filter(Array.isArray)
          .flat(),
      )
      .map(String),
  ),
];

const onlyTheFlood = (seen: Seen): Expectation => {
  const named = namedIn(seen);
  return expect(
    "narrowest",
    `the steps are about ${seen.shape.named}, and nobody else`,
    named.length > 0 && named.every((name) => name === seen.shape.named),
    named.join(", ") || "nobody",
  );
};

const isTurnedAway = ({ outcome }: Visit): boolean => ["refused", "broken"].includes(outcome);

const knownClientsUntouched = ({ visits }: Seen, limits: Limits): Expectation => {
  const refused = visits.filter(isTurnedAway).length;
  const challenged = visits.filter(({ wasChallenged }) => wasChallenged === true).length;
  return expect(
    "known-clients",
    "known clients get what they ask for, but for one request in a thousand",
    visits.length > 0 && refused <= visits.length * limits.refused_ratio_max,
    `${refused} of ${visits.length} refused, ${challenged} challenged first`,
  );
};

type Newcomer = {
  readonly isBlocked: boolean;
  readonly wasChallenged: boolean;
  readonly isThrough: boolean;
};

/** Those who came for the first time while the flood went on. */
export function newcomersIn({
  newVisits,
  faultAtMs,
  overAtMs,
}: Pick<Seen, "newVisits" | "faultAtMs" | "overAtMs">): readonly Newcomer[] {
  return [...Map.groupBy(newVisits, ({ visitor }) => visitor).values()]
    .filter((own) => {
      const firstAtMs = Math.min(...own.map(({ atMs }) => atMs));
      return firstAtMs >= (faultAtMs ?? Infinity) && firstAtMs < (overAtMs ?? Infinity);
    })
    .map((own) => {
      const challenged = own.filter(({ wasChallenged }) => wasChallenged === true);
      return {
        isBlocked: own.some((visit) => isTurnedAway(visit) && visit.wasChallenged !== true),
        wasChallenged: challenged.length > 0,
        isThrough: challenged.every(({ outcome }) => outcome === "served"),
      };
    });
}

function newcomersAreSpared(seen: Seen): readonly Expectation[] {
  const all = newcomersIn(seen);
  const blocked = all.filter(({ isBlocked }) => isBlocked).length;
  const challenged = all.filter(({ wasChallenged }) => wasChallenged);
  const through = challenged.filter(({ isThrough }) => isThrough).length;
  return [
    expect(
      "newcomers-blocked",
      "nobody who comes for the first time is blocked",
      all.length > 0 && blocked === 0,
      `${blocked} of ${all.length}`,
    ),
    expect(
      "newcomers-challenged",
      "next to none of them is challenged",
      all.length > 0 && challenged.length <= CHALLENGED_RATIO_MAX * all.length,
      `${challenged.length} of ${all.length}`,
    ),
    expect(
      "newcomers-through",
      "those who are get through",
      through >= THROUGH_RATIO_MIN * challenged.length,
      `${through} of ${challenged.length}`,
    ),
  ];
}

/** Where none came, nothing is promised of them. */
function lookalikesGetThrough({ lookalikes }: Pick<Seen, "lookalikes">): readonly Expectation[] {
  if (lookalikes === null) return [];
  const challenged = lookalikes.filter(({ wasChallenged }) => wasChallenged);
  const through = challenged.filter(({ isThrough }) => isThrough).length;
  const slowestMs = Math.max(0, ...challenged.map(({ tookMs }) => tookMs));
  return [
    expect(
      "lookalikes-through",
      "people with real browsers who look like the attackers are challenged, and get through",
      challenged.length === lookalikes.length && through >= THROUGH_RATIO_MIN * challenged.length,
      `${challenged.length} of ${lookalikes.length} challenged, ${through} through, the slowest after ${seconds(slowestMs)}`,
    ),
  ];
}

const postmortemSaysWho = ({ after, shape }: Seen): Expectation =>
  expect(
    "told",
    "the post-mortem says whom the steps were about",
    // In Markdown, where some characters are escaped.
    after?.postmortem.replaceAll("\\", "").includes(shape.named) ?? false,
    after === null ? "not read" : `${after.postmortem.length} characters`,
  );

/** The flood, as it ended. */
export function floodTable({ hits }: Pick<Seen, "hits">): Table {
  const fromMs = stoppedAtMs(hits) ?? Infinity;
  const row = (span: string, inside: readonly Hit[]) => [
    span,
    ...OUTCOMES.map((outcome) => `${inside.filter((hit) => hit.outcome === outcome).length}`),
  ];
  return {
    head: ["flood", ...OUTCOMES],
    rows: [
      row(
        "before the first was stopped",
        hits.filter(({ atMs }) => atMs < fromMs),
      ),
      row(
        "from then on",
        hits.filter(({ atMs }) => atMs >= fromMs),
      ),
    ],
  };
}

/** Everybody else, while it went on: how many people, and how many were asked or turned away. */
export function peopleTable(seen: Seen): Table {
  const { visits, faultAtMs, overAtMs } = seen;
  const during = visits.filter(
    ({ atMs }) => atMs >= (faultAtMs ?? Infinity) && atMs < (overAtMs ?? Infinity),
  );
  const known = [...Map.groupBy(during, ({ visitor }) => visitor).values()];
  const count = (of: (own: readonly Visit[]) => boolean) => `${known.filter(of).length}`;
  const newcomers = newcomersIn(seen);
  const countNew = (of: (one: Newcomer) => boolean) => `${newcomers.filter(of).length}`;
  return {
    head: ["people during the flood", "all", "challenged", "of them through", "turned away"],
    rows: [
      [
        "known",
        `${known.length}`,
        count((own) => own.some(({ wasChallenged }) => wasChallenged === true)),
        count(
          (own) =>
            own.some(({ wasChallenged }) => wasChallenged === true) && !own.some(isTurnedAway),
        ),
        count((own) => own.some(isTurnedAway)),
      ],
      [
        "never seen before",
        `${newcomers.length}`,
        countNew(({ wasChallenged }) => wasChallenged),
        countNew(({ wasChallenged, isThrough }) => wasChallenged && isThrough),
        countNew(({ isBlocked, isThrough }) => isBlocked || !isThrough),
      ],
    ],
  };
}

const ofLease = z.looseObject({ leaseId: z.string() });
const proposed = z.looseObject({ leaseId: z.string(), actuator: z.string() });
const says = z.looseObject({ says: z.string() });

/** What was done about it, and when it was undone, from the first request of the flood. */
export function stepsTable({ rows, times }: Pick<Seen, "rows" | "times">): Table {
  const leases = rows.flatMap((row) => {
    const read = row.type === "lease.proposed" ? proposed.safeParse(row.data).data : undefined;
    return read === undefined ? [] : [read];
  });
  return {
    head: ["step", "about", "in force", "taken back"],
    rows: leases.map(({ leaseId, actuator }) => {
      const of = (type: string) =>
        rows.findLast(
          (row) => row.type === type && ofLease.safeParse(row.data).data?.leaseId === leaseId,
        );
      const at = (type: string): string => {
        const row = of(type);
        return seconds(row === undefined ? null : since(times.faultAtMs, Date.parse(row.at)));
      };
      const about = says.safeParse(of("lease.selected")?.data).data?.says.split(": ")[0];
      return [actuator, about ?? "nobody", at("lease.applied"), at("lease.reverted")];
    }),
  };
}
