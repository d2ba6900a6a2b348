/** Production breaks, really: Postgres stops and starts again, or a bad version is deployed. Declared in outage.yaml and bad-deployment.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Field, Gameday, Report } from "./gameday.ts";
import { judgeRollback } from "./bad-deployment.ts";
import { firebreakAt, type Firebreak, type JournalRow } from "./firebreak.ts";
import { boundariesOf, countPhases } from "./measure.ts";
import { releaseStages, timesIn } from "./journal.ts";
import { narrate } from "./narrate.ts";
import { judgeOutage, type Seen } from "./outage-expectations.ts";
import { overridden } from "./overrides.ts";
import { readPager, type PagerState } from "./pager.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { watchStatus, type StatusSample } from "./status-watch.ts";
import { deployStorefront, liveStorefront } from "./deploy-control.ts";
import { controlStore } from "./store-control.ts";
import { DidNotHappen, until } from "./until.ts";
import { startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "outage";
const POSTGRES_STOPS = "postgres-stops";
const BAD_DEPLOYMENT = "bad-deployment";
/** As `dev/stack.ts` calls it. */
const BROKEN = "broken";
/** Expectations of a maintenance page; where nothing but a rollback happens, they say nothing. */
const OF_MAINTENANCE: ReadonlySet<string> = new Set([
  "enforced",
  "informed",
  "staged",
  "sticky",
  "lease",
  "afterwards",
]);
/** All visits of this long must be refused before the mitigation counts as felt. */
const FELT_MS = 1_000;

/** What the gameday gathers while it goes; what never came stays empty. */
type Log = {
  faultAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  visitors: Visitors | null;
  statusSamples: readonly StatusSample[];
  pager: PagerState;
  after: Seen["after"];
  live: { readonly before: string | null; readonly after: string | null };
  brokenOff: string | null;
};

export const outage: Gameday = {
  name: "outage",
  variants: [POSTGRES_STOPS, BAD_DEPLOYMENT],
  async run(field) {
    const scenario = await readScenario(
      field.variant === BAD_DEPLOYMENT ? BAD_DEPLOYMENT : "outage",
    );
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      statusSamples: [],
      pager: { pages: [], refused: 0 },
      after: null,
      live: { before: null, after: null },
      brokenOff: null,
    };
    field.say(scenario.story);
    try {
      await play(scenario, field, log);
    } catch (error) {
      // Whatever the cause, what was seen until here is worth its report.
      log.brokenOff = reasonOf(field.signal.aborted ? field.signal.reason : error);
      field.say(`broken off: ${log.brokenOff}`);
    }
    return reportOf(scenario, field, log, startedAtMs);
  },
};

async function play(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const patience = { withinMs: parts.patience, signal };
  await using cleanup = new AsyncDisposableStack();

  const standing = await outageIncident(firebreak);
  if (standing !== null) {
    throw new DidNotHappen(`${standing} is still open; a gameday begins when all is well`);
  }
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  const status = cleanup.use(watchStatus(firebreak));
  log.statusSamples = status.samples;
  await until(
    "the status page is green",
    () => status.samples.at(-1)?.indicator === "none",
    patience,
  );
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  const visitors = cleanup.use(startVisitors(stack.guard, scenario.visitors));
  log.visitors = visitors;
  await sleep(parts.calm, undefined, { signal });

  const before = await liveStorefront(stack);
  log.live = { before, after: null };
  const isDeployment = field.variant === BAD_DEPLOYMENT;
  say(isDeployment ? "FAULT: deploying a broken version" : "FAULT: stopping Postgres");
  cleanup.defer(() => mend(field, before));
  log.faultAtMs = Date.now();
  await (isDeployment ? deployStorefront(stack, BROKEN) : controlStore(stack, "postgres", "stop"));

  const incident = await until("an incident opens", () => outageIncident(firebreak), patience);
  log.incident = incident;
  const following = follow(firebreak, incident, { field, log });
  // Awaited below; until then a broken line is no unhandled rejection.
  following.catch(() => {});
  await answerThePager(firebreak, incident, { field, log, scenario });
  await (isDeployment
    ? rolledBack(log, patience)
    : underMaintenance({ scenario, field, log }, visitors));
  await until("the incident resolves", () => hasRow(log, "incident.resolved"), patience);
  await following;
  await until(
    "the status page is green",
    () => status.samples.at(-1)?.indicator === "none",
    patience,
  );
  await sleep(parts.afterwards, undefined, { signal });

  log.live = { before, after: await liveStorefront(stack) };
  log.pager = await readPager(stack, log.faultAtMs);
  log.after = {
    policyEntries: await firebreak.policyEntries(),
    postmortem: await firebreak.postmortem(incident),
    kpis: await firebreak.kpis(),
  };
}

/** Whatever became of it, the stack is left as it was found. */
const mend = ({ stack, variant }: Field, version: string): Promise<void> =>
  variant === BAD_DEPLOYMENT
    ? deployStorefront(stack, version)
    : controlStore(stack, "postgres", "start");

type Patience = Parameters<typeof until>[2];

async function underMaintenance(
  { scenario, field, log }: Scene & { readonly scenario: Scenario },
  visitors: Visitors,
): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const patience = { withinMs: parts.patience, signal };
  await until("visitors see only the maintenance page", () => isFelt(visitors), patience);
  say("every visitor is told");
  await until("the guards report it", () => hasRow(log, "lease.effective"), patience);
  await sleep(parts.hold, undefined, { signal });

  say("MENDED: starting Postgres");
  await controlStore(stack, "postgres", "start");
  await until("recovery is seen", () => hasRow(log, "incident.recovery_seen"), patience);
  await until("the lease is taken back", () => hasRow(log, "lease.reverted"), patience);
}

/** Nobody mends anything. */
async function rolledBack(log: Log, patience: Patience): Promise<void> {
  await until("production is rolled back", () => hasRow(log, "act.performed"), patience);
  await until("it is seen to have helped", () => hasRow(log, "act.effective"), patience);
}

async function outageIncident(firebreak: Firebreak): Promise<string | null> {
  const open = await firebreak.openIncidents();
  return open.find(({ playbook }) => playbook === PLAYBOOK)?.id ?? null;
}

type Scene = { readonly field: Field; readonly log: Log };

/** Collects the journal and tells it, to the resolution. */
async function follow(
  firebreak: Firebreak,
  incident: string,
  { field, log }: Scene,
): Promise<void> {
  for await (const row of firebreak.journal(incident, field.signal)) {
    if (Date.parse(row.at) < (log.faultAtMs ?? 0)) continue;
    log.rows.push(row);
    const sentence = narrate(row);
    if (sentence !== null) field.say(sentence);
  }
}

/** The on-call hears the pager, says so, and takes the lead. */
async function answerThePager(
  firebreak: Firebreak,
  incident: string,
  { field, log, scenario }: Scene & { readonly scenario: Scenario },
): Promise<void> {
  const { stack, signal, say } = field;
  const page = await until(
    "the on-call is paged",
    async () => {
      log.pager = await readPager(stack, log.faultAtMs ?? 0);
      return log.pager.pages.find(({ payload }) => payload.data.incident === incident) ?? null;
    },
    { withinMs: scenario.parts.patience, signal },
  );
  say(`the on-call's pager: ${page.payload.data.subject}`);
  await firebreak.command(incident, "acknowledge");
  await firebreak.command(incident, "lead");
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function isFelt(visitors: Visitors): boolean {
  const lately = visitors.lately(FELT_MS);
  return lately.length > 0 && lately.every(({ outcome }) => outcome === "refused");
}

const hasRow = ({ rows }: Log, type: string): boolean => rows.some((row) => row.type === type);

function judge(seen: Seen & Pick<Log, "live">, { expect }: Scenario, variant: string) {
  const all = judgeOutage(seen, expect);
  if (variant !== BAD_DEPLOYMENT) return all;
  const { before, after } = seen.live;
  return [
    ...all.filter(({ id }) => !OF_MAINTENANCE.has(id)),
    ...judgeRollback({ ...seen, liveBefore: before, liveAfter: after }, expect),
  ];
}

function reportOf(scenario: Scenario, field: Field, log: Log, startedAtMs: number): Report {
  const visits = log.visitors?.visits ?? [];
  const boundaries = boundariesOf(visits, {
    faultAtMs: log.faultAtMs,
    releaseAtMs: releaseStages(log.rows)[0]?.atMs ?? null,
  });
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: boundaries.enforcedAtMs,
  };
  const expectations = judge({ ...log, visits, times, boundaries }, scenario, field.variant);
  const since = (fromMs: number | null, toMs: number | null): number | null =>
    fromMs === null || toMs === null ? null : toMs - fromMs;
  return {
    gameday: outage.name,
    variant: field.variant,
    deployment: field.deployment,
    ok: expectations.every(({ ok }) => ok),
    startedAtMs,
    tookMs: Date.now() - startedAtMs,
    incident: log.incident,
    times,
    durations: {
      timeToDetectMs: since(times.onsetAtMs, times.detectedAtMs),
      timeToAcknowledgeMs: since(times.detectedAtMs, times.acknowledgedAtMs),
      timeToMitigateMs: since(times.onsetAtMs, times.mitigatedAtMs),
      timeToEnforceMs: since(times.faultAtMs, times.enforcedAtMs),
      timeToResolveMs: since(times.onsetAtMs, times.resolvedAtMs),
    },
    phases: countPhases(visits, boundaries),
    tables: [],
    expectations,
    postmortem: log.after?.postmortem ?? null,
  };
}
