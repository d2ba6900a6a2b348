/** What the security gameday promises, each judged on what was seen. Pure. */
import { z } from "zod";
import type { Loot, Try } from "./credential-stuffing.ts";
import {
  completed,
  detectedInTime,
  expect,
  leasesAreTakenBack,
  postmortemIsWhole,
} from "./expectations.ts";
import type { JournalRow } from "./firebreak.ts";
import type { Expectation, Table, Times } from "./gameday.ts";
import { countOf, type Aftermath } from "./incident.ts";
import type { Visit } from "./measure.ts";
import type { Arrival } from "./members.ts";
import type { Heard } from "./heard.ts";
import type { Scenario } from "./scenario.ts";
import { everybodyIsTold } from "./told-expectations.ts";
import { seconds, since } from "./time.ts";

/** Fewer are no botnet. */
const ADDRESSES_MIN = 1_000;
/** So many of what is tried in `FELT_MS` must be stopped before the attack counts as stopped. */
const STOPPED_RATIO_MIN = 0.95;
const FELT_MS = 2_000;
const REACHED_RATIO_MAX = 0.01;
const CHALLENGED_RATIO_MAX = 0.05;
const MET_RATIO_MIN = 0.95;
/** What the pager must have heard of besides the opening and the end. */
const MESSAGES = ["acknowledged", "severity_raised", "approval", "released"];
/** What the incident must know of production's own records. */
const EVIDENCE = ["audit-sign-ins", "audit-accesses", "sign-in-offenders", "password-reset"];
/** What stays after the end: until no session can be as old any more. */
const STAYS = "sessions-revoked";

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  faultAtMs: number | null;
  /** The last attempt is sent. */
  overAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  tries: readonly Try[];
  loot: readonly Loot[];
  arrivals: readonly Arrival[];
  thieves: {
    /** Stolen sessions that production took before everybody was signed out. */
    readonly wereIn: number;
    readonly approvedAtMs: number;
    /** The first moment at which it took none of them. */
    readonly outAtMs: number;
  } | null;
  /** Sessions that Redis still kept when a person agreed to remove them all. */
  flushed: number | null;
  /** Who must choose a new password since the on-call ran what the evidence prepared. */
  reset: readonly number[] | null;
  heard: Heard | null;
  /** What the on-call told the public, and whether the status page said so. */
  told: { readonly words: string; readonly isPublic: boolean } | null;
  after: Aftermath | null;
  brokenOff: string | null;
};

export type Seen = Readonly<Log> & { readonly visits: readonly Visit[]; readonly times: Times };
type Limits = Scenario["expect"];

const isStopped = ({ answer }: Try): boolean => answer === "challenged" || answer === "blocked";
const hasReached = ({ answer }: Try): boolean =>
  answer === "opened" || answer === "denied" || answer === "failed";

/** From when on next to nothing of the attack reaches production. */
export function stoppedAtMs(tries: readonly Try[]): number | null {
  const sent = tries.toSorted((a, b) => a.atMs - b.atMs);
  const found = sent.find(({ atMs }) => {
    const next = sent.filter((one) => one.atMs >= atMs && one.atMs < atMs + FELT_MS);
    return next.filter(isStopped).length >= STOPPED_RATIO_MIN * next.length;
  });
  return found?.atMs ?? null;
}

export function judgeSecurity(seen: Seen, limits: Limits): readonly Expectation[] {
  const { after } = seen;
  const undone = {
    ...seen,
    rows: [...seen.rows],
    after: after && { policyEntries: after.policyEntries.filter(({ kind }) => kind !== STAYS) },
  };
  return [
    completed(seen),
    attackWasReal(seen),
    detectedInTime(seen, limits),
    stoppedInTime(seen, limits),
    attackIsStopped(seen),
    machinesAreBlocked(seen),
    thievesAreOut(seen),
    sessionsAreFlushed(seen),
    passwordsAreReset(seen),
    calmIsUntouched(seen),
    knownClients(seen, limits),
    newcomersNeverBlocked(seen),
    fewNewcomersChallenged(seen),
    challengedGetThrough(seen),
    ...everybodyIsTold(seen, limits.told),
    peopleHeard(seen),
    wordsAreRead(seen),
    evidenceIsThere(seen),
    nobodyIsNamed(seen),
    suspiciousIsLogged(seen),
    leasesAreTakenBack(undone),
    postmortemIsWhole(seen),
  ];
}

const attackWasReal = ({ tries, loot }: Seen): Expectation => {
  const addresses = new Set(tries.map(({ address }) => address)).size;
  return expect(
    "attack",
    `the attack comes from more than ${ADDRESSES_MIN} addresses, and opens accounts`,
    addresses > ADDRESSES_MIN && loot.length > 0,
    `${tries.length} attempts from ${addresses} addresses, ${loot.length} accounts opened`,
  );
};

const stoppedInTime = ({ times }: Seen, limits: Limits): Expectation => {
  const tookMs = since(times.faultAtMs, times.enforcedAtMs);
  return expect(
    "stopped",
    `next to no attempt reaches production ${seconds(limits.enforced_within)} after the first`,
    tookMs !== null && tookMs <= limits.enforced_within,
    seconds(tookMs),
  );
};

const attackIsStopped = ({ tries, times, overAtMs }: Seen): Expectation => {
  const later = tries.filter(
    ({ atMs }) => atMs >= (times.enforcedAtMs ?? Infinity) && atMs < (overAtMs ?? Infinity),
  );
  const [stopped, reached] = [later.filter(isStopped).length, later.filter(hasReached).length];
  return expect(
    "attack-stopped",
    "from then on it stays so, to the end of the attack",
    stopped > 0 && reached <= REACHED_RATIO_MAX * (stopped + reached),
    `${percent(stopped, stopped + reached)} stopped: ${reached} of ${stopped + reached} reached production`,
  );
};

const machinesAreBlocked = ({ tries }: Seen): Expectation => {
  const blocked = tries.filter(({ answer }) => answer === "blocked");
  const once = blocked.filter(({ from }) => from === "once").length;
  const machines = new Set(blocked.map(({ address }) => address)).size;
  return expect(
    "blocked",
    "who tries many accounts is blocked, by address, and nobody who tried once",
    blocked.length > 0 && once === 0,
    `${machines} machines, ${once} others`,
  );
};

const thievesAreOut = ({ thieves, loot }: Seen): Expectation =>
  expect(
    "thieves-out",
    "stolen sessions work until a person agrees to end them, and not after that",
    thieves !== null && loot.length > 0 && thieves.wereIn > 0,
    thieves === null
      ? "never"
      : `${thieves.wereIn} were in, all out ${seconds(thieves.outAtMs - thieves.approvedAtMs)} after the word`,
  );

const sessionsAreFlushed = ({ flushed }: Seen): Expectation =>
  expect(
    "flushed",
    "what is left of sessions in Redis is removed once a person agrees",
    flushed !== null && flushed > 0,
    flushed === null ? "never" : `${flushed} sessions`,
  );

const passwordsAreReset = ({ reset, loot }: Seen): Expectation => {
  const opened = new Set(loot.map(({ member }) => member));
  const others = reset?.filter((member) => !opened.has(member)).length ?? 0;
  return expect(
    "passwords",
    "the prepared statement makes those choose a new password whose accounts were opened, and nobody else",
    reset !== null && reset.length > 0 && others === 0,
    reset === null
      ? "not run"
      : `${reset.length - others} of ${opened.size} opened accounts, ${others} others`,
  );
};

const touches = ({ outcome }: Visit): boolean => outcome === "refused" || outcome === "broken";
const isRefused = ({ answer }: Arrival): boolean => answer === "blocked" || answer === "challenged";

const calmIsUntouched = ({ visits, arrivals, times }: Seen): Expectation => {
  const isCalm = ({ atMs }: { readonly atMs: number }): boolean =>
    atMs < (times.faultAtMs ?? Infinity);
  const touched =
    visits.filter(isCalm).filter(touches).length +
    arrivals.filter(isCalm).filter((one) => isRefused(one) || one.wasChallenged).length;
  return expect(
    "calm",
    "before the attack the guard touches nobody",
    visits.some(isCalm) && touched === 0,
    `${touched} touched`,
  );
};

const knownClients = ({ visits, arrivals }: Seen, limits: Limits): Expectation => {
  const office = arrivals.filter(({ who }) => who === "office");
  const refused = visits.filter(touches).length + office.filter(isRefused).length;
  const all = visits.length + office.length;
  const challenged =
    visits.filter(({ wasChallenged }) => wasChallenged === true).length +
    office.filter(({ wasChallenged }) => wasChallenged).length;
  return expect(
    "known-clients",
    `known clients, an office behind one address among them, are not refused, but for ${percent(limits.refused_ratio_max, 1)}`,
    all > 0 && refused <= limits.refused_ratio_max * all,
    `${refused} of ${all} requests refused; ${challenged} met a challenge`,
  );
};

const newcomersOf = ({ arrivals }: Pick<Seen, "arrivals">): readonly Arrival[] =>
  arrivals.filter(({ who }) => who === "newcomer");

const newcomersNeverBlocked = (seen: Seen): Expectation => {
  const newcomers = newcomersOf(seen);
  const blocked = newcomers.filter(({ answer }) => answer === "blocked").length;
  return expect(
    "newcomers-blocked",
    "clients never seen before are never blocked",
    newcomers.length > 0 && blocked === 0,
    `${blocked} of ${newcomers.length}`,
  );
};

const fewNewcomersChallenged = (seen: Seen): Expectation => {
  const newcomers = newcomersOf(seen).filter(({ atMs }) => atMs >= (seen.faultAtMs ?? Infinity));
  const challenged = newcomers.filter(({ wasChallenged }) => wasChallenged).length;
  return expect(
    "newcomers-challenged",
    `at most ${percent(CHALLENGED_RATIO_MAX, 1)} of them are challenged, who sign in`,
    newcomers.length > 0 && challenged <= CHALLENGED_RATIO_MAX * newcomers.length,
    `${challenged} of ${newcomers.length} since the attack began`,
  );
};

const challengedGetThrough = (seen: Seen): Expectation => {
  const challenged = newcomersOf(seen).filter(({ wasChallenged }) => wasChallenged);
  const through = challenged.filter(({ answer }) => answer === "opened").length;
  return expect(
    "newcomers-through",
    `${percent(MET_RATIO_MIN, 1)} of those get through`,
    challenged.length > 0 && through >= MET_RATIO_MIN * challenged.length,
    `${through} of ${challenged.length}`,
  );
};

const peopleHeard = ({ heard, incident }: Seen): Expectation => {
  const pages =
    heard?.pager.pages.filter(({ payload }) => payload.data.incident === incident) ?? [];
  const kinds = pages
    .flatMap(({ payload: { data } }) => [data.message, ...(data.bundled ?? [])])
    .map((message) => message.split(":")[0] ?? "");
  const missing = MESSAGES.filter((message) => !kinds.includes(message));
  return expect(
    "people",
    "the on-call hears that it got worse, what waits for a word, and what was let go",
    missing.length === 0,
    missing.length === 0 ? "all of it" : `not: ${missing.join(", ")}`,
  );
};

const wordsAreRead = ({ told }: Seen): Expectation =>
  expect(
    "words",
    "the public reads what the on-call says",
    told?.isPublic === true,
    told?.words ?? "nothing was said",
  );

const collected = z.looseObject({
  collector: z.string(),
  summary: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

/** What a collector found, the first time. */
export const evidenceOf = (rows: readonly JournalRow[], collector: string) =>
  rows
    .filter(({ type }) => type === "evidence.collected")
    .flatMap(({ data }) => collected.safeParse(data).data ?? [])
    .find((one) => one.collector === collector) ?? null;

const evidenceIsThere = ({ rows }: Seen): Expectation => {
  const missing = EVIDENCE.filter((collector) => evidenceOf(rows, collector) === null);
  return expect(
    "evidence",
    "the audit's queries were run, and their answers are in the incident",
    missing.length === 0,
    missing.length === 0
      ? (evidenceOf(rows, "audit-sign-ins")?.summary ?? "")
      : `not: ${missing.join(", ")}`,
  );
};

const LOGGED_WITHIN_MS = 10_000;
const logged = z.looseObject({ requests: z.array(z.unknown()).min(1) });
const beganLogging = z.looseObject({
  leaseId: z.string(),
  actuator: z.literal("security-logging"),
});
const ofLease = z.looseObject({ leaseId: z.string() });

const suspiciousIsLogged = ({ rows }: Seen): Expectation => {
  const id = rows.flatMap(({ data }) => beganLogging.safeParse(data).data?.leaseId ?? [])[0];
  const applied = rows.find(
    ({ type, data }) => type === "lease.applied" && ofLease.safeParse(data).data?.leaseId === id,
  );
  const told = rows.find(({ type, data }) => {
    const found = type === "evidence.collected" ? collected.safeParse(data).data : undefined;
    return found?.collector === "suspicious-requests" && logged.safeParse(found.facts).success;
  });
  const tookMs =
    applied === undefined || told === undefined
      ? null
      : Date.parse(told.at) - Date.parse(applied.at);
  return expect(
    "logged",
    `suspicious requests are in the evidence ${seconds(LOGGED_WITHIN_MS)} after guards were to write them down`,
    id !== undefined && tookMs !== null && tookMs <= LOGGED_WITHIN_MS,
    seconds(tookMs),
  );
};

/** Addresses stand together by network, and accounts are counted. */
const nobodyIsNamed = ({ rows, tries }: Seen): Expectation => {
  const told = JSON.stringify(EVIDENCE.map((collector) => evidenceOf(rows, collector)?.facts));
  const addresses = new Set(tries.map(({ address }) => `${address}"`));
  const named = [...addresses].filter((address) => told.includes(`"${address}`)).length;
  const accounts = told.match(/[\w-]+@(?:gameday|leaked|elsewhere)\.invalid/g)?.length ?? 0;
  return expect(
    "nobody-named",
    "that evidence names no account and no single address",
    told.includes("/24") && named + accounts === 0,
    `${accounts} accounts, ${named} addresses`,
  );
};

/** What was stopped, by who tried and when. */
export const attackTable = ({
  tries,
  times,
  overAtMs,
}: Pick<Seen, "tries" | "times" | "overAtMs">) => {
  const stoppedFromMs = times.enforcedAtMs ?? Infinity;
  const row = (span: string, from: Try["from"], isIn: (one: Try) => boolean): readonly string[] => {
    const inside = tries.filter((one) => one.from === from && isIn(one));
    const count = (...answers: readonly Try["answer"][]): string =>
      `${inside.filter(({ answer }) => answers.includes(answer)).length}`;
    return [
      `${from}, ${span}`,
      String(inside.length),
      count("opened"),
      count("denied", "failed"),
      count("challenged"),
      count("blocked"),
      count("lost"),
      percent(inside.filter(isStopped).length, inside.length),
    ];
  };
  return {
    head: ["attempts", "count", "opened", "denied", "challenged", "blocked", "lost", "stopped"],
    rows: (["machine", "once"] as const).flatMap((from) => [
      row("before", from, ({ atMs }) => atMs < stoppedFromMs),
      row("stopped", from, ({ atMs }) => atMs >= stoppedFromMs && atMs < (overAtMs ?? Infinity)),
    ]),
  } satisfies Table;
};

/** Whom it touched who meant no harm. */
export const peopleTable = ({ visits, arrivals }: Pick<Seen, "visits" | "arrivals">) => {
  const came = (name: string, inside: readonly Arrival[]): readonly string[] => [
    name,
    String(inside.length),
    `${inside.filter(({ wasChallenged }) => wasChallenged).length}`,
    `${inside.filter((one) => one.wasChallenged && !isRefused(one)).length}`,
    `${inside.filter(isRefused).length}`,
    `${inside.filter(({ answer }) => answer === "failed" || answer === "lost").length}`,
  ];
  const met = visits.filter(({ wasChallenged }) => wasChallenged === true);
  return {
    head: ["people", "requests", "challenged", "got through", "refused", "failed"],
    rows: [
      [
        "visitors",
        String(visits.length),
        String(met.length),
        `${met.filter((visit) => !touches(visit)).length}`,
        `${visits.filter(touches).length}`,
        `${visits.filter(({ outcome }) => outcome === "failed" || outcome === "lost").length}`,
      ],
      came(
        "office",
        arrivals.filter(({ who }) => who === "office"),
      ),
      came("newcomers", newcomersOf({ arrivals })),
    ],
  } satisfies Table;
};

/** What was done, and what became of it. */
export const stepTable = ({ rows, after }: Pick<Seen, "rows" | "after">) =>
  ({
    head: ["steps", "count"],
    rows: [
      ...[
        "lease.applied",
        "lease.reverted",
        "lease.expired",
        "lease.declined",
        "act.performed",
      ].map((type) => [type, String(countOf({ rows: [...rows] }, type))]),
      ["left in the policy", after?.policyEntries.map(({ kind }) => kind).join(", ") ?? "not read"],
    ],
  }) satisfies Table;

const percent = (part: number, whole: number): string =>
  whole === 0 ? "0 %" : `${Math.round((1_000 * part) / whole) / 10} %`;
