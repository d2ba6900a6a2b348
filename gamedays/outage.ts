/** Production breaks, really: its databases stop, or only the primary, or a bad version is deployed. Declared in outage.yaml, primary-down.yaml and bad-deployment.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Field, Gameday, Report } from "./gameday.ts";
import { boundariesOfRollback, judgeRollback } from "./bad-deployment.ts";
import { firebreakAt, type JournalRow } from "./firebreak.ts";
import { boundariesOf, countPhases } from "./measure.ts";
import {
  aftermathOf,
  answerThePager,
  follow,
  hasRow,
  openIncidentOf,
  reasonOf,
} from "./incident.ts";
import { releaseStages, timesIn } from "./journal.ts";
import { judgeOutage, type Seen } from "./outage-expectations.ts";
import { isVariant, VARIANTS, type Variant, type VariantName } from "./outage-variants.ts";
import { raiseAlert, type OutsideAlert } from "./outside-alert.ts";
import { overridden } from "./overrides.ts";
import { readHeard, type Heard } from "./heard.ts";
import { failoverTable, judgeFailover, type Looks } from "./primary-down.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { watchStatus, type StatusSample } from "./status-watch.ts";
import { liveStorefront } from "./deploy-control.ts";
import { lookAtDatabases, lookOnceBooked } from "./two-databases.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "outage";
/** Expectations of a maintenance page; where none is shown, they say nothing. */
const OF_MAINTENANCE: ReadonlySet<string> = new Set(["enforced", "informed", "staged", "sticky"]);
/** Of what the site's own monitoring tool said; where it said nothing, so do they. */
const OF_ALERTS: ReadonlySet<string> = new Set(["one-incident"]);
/** Of what outlasts the fault; where nothing is applied and nobody refused, they say nothing either. */
const OF_LEASES: ReadonlySet<string> = new Set(["lease", "afterwards"]);
/** All visits of this long must be refused before the mitigation counts as felt. */
const FELT_MS = 1_000;

/** What the gameday gathers while it goes; what never came stays empty. */
type Log = {
  faultAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  alert: OutsideAlert | null;
  visitors: Visitors | null;
  statusSamples: readonly StatusSample[];
  heard: Heard | null;
  after: Seen["after"];
  live: { readonly before: string | null; readonly after: string | null };
  mendedAtMs: number | null;
  looks: Looks;
  brokenOff: string | null;
};

export const outage: Gameday = {
  name: "outage",
  variants: ["everything-down", "primary-down", "bad-deployment"] satisfies [
    VariantName,
    ...VariantName[],
  ],
  async run(field) {
    const name = nameOf(field);
    const scenario = await readScenario(VARIANTS[name].declared);
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      incident: null,
      rows: [],
      alert: null,
      visitors: null,
      statusSamples: [],
      heard: null,
      after: null,
      live: { before: null, after: null },
      mendedAtMs: null,
      looks: { before: null, during: null, after: null },
      brokenOff: null,
    };
    field.say(scenario.story);
    try {
      await play({ scenario, field, log, name });
    } catch (error) {
      // Whatever the cause, what was seen until here is worth its report.
      log.brokenOff = reasonOf(field, error);
      field.say(`broken off: ${log.brokenOff}`);
    }
    return reportOf({ scenario, field, log, name }, startedAtMs);
  },
};

function nameOf({ variant }: Field): VariantName {
  if (isVariant(variant)) return variant;
  throw new Error(`the outage has no variant "${variant}"`);
}

type Scene = {
  readonly scenario: Scenario;
  readonly field: Field;
  readonly log: Log;
  readonly name: VariantName;
};

async function play(scene: Scene): Promise<void> {
  const { scenario, field, log, name } = scene;
  const { parts } = scenario;
  const variant: Variant = VARIANTS[name];
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const patience = { withinMs: parts.patience, signal };
  await using cleanup = new AsyncDisposableStack();

  const standing = await openIncidentOf(firebreak, PLAYBOOK);
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
  log.looks = {
    ...log.looks,
    before: await lookAtDatabases(stack, { primaryIsGone: false }),
  };
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  const visitors = cleanup.use(
    startVisitors(stack.guard, scenario.visitors, { plan: ordinary(scenario.visitors.count) }),
  );
  log.visitors = visitors;
  await sleep(parts.calm, undefined, { signal });

  const before = await liveStorefront(stack);
  log.live = { before, after: null };
  say(`FAULT: ${variant.fault}`);
  cleanup.defer(() => variant.mend(stack, before));
  log.faultAtMs = Date.now();
  await variant.strike(stack);

  const incident = await until(
    "an incident opens",
    () => openIncidentOf(firebreak, PLAYBOOK),
    patience,
  );
  log.incident = incident;
  const following = follow({ field, firebreak }, incident, log);
  // Awaited below; until then a broken line is no unhandled rejection.
  following.catch(() => {});
  if (variant.isAlertedOf) {
    log.alert = await raiseAlert(stack);
    cleanup.defer(log.alert.end);
    say(`ALERT from outside: ${log.alert.name}`);
  }
  await answerThePager({ field, firebreak }, incident, log, patience);
  await (variant.mending === null ? rolledBack(log, patience) : mitigated(scene, visitors));
  await until("the incident resolves", () => hasRow(log, "incident.resolved"), patience);
  await following;
  // What payment providers delivered meanwhile waits until it is tried again, and its entry with it.
  await until(
    "kept deliveries are handed over",
    async () => (await firebreak.deliveriesHeld()) === 0,
    patience,
  );
  await until(
    "the status page is green",
    () => status.samples.at(-1)?.indicator === "none",
    patience,
  );
  await sleep(parts.afterwards, undefined, { signal });

  await visitors[Symbol.asyncDispose]();
  log.live = { before, after: await liveStorefront(stack) };
  log.looks = {
    ...log.looks,
    after: await lookOnceBooked(stack, patience),
  };
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  log.after = {
    ...(await aftermathOf(firebreak, incident)),
    kpis: await firebreak.kpis(),
  };
}

type Patience = Parameters<typeof until>[2];

/** Felt by visitors, seen by Firebreak, watched for a while; then the fault is mended, and the mitigation taken back. */
async function mitigated({ scenario, field, log, name }: Scene, visitors: Visitors): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const variant: Variant = VARIANTS[name];
  const patience = { withinMs: parts.patience, signal };
  await until("visitors are told", () => isFelt(visitors, variant), patience);
  say("every visitor whom it concerns is told");
  await until("it is seen to help", () => hasRow(log, "lease.effective"), patience);
  await sleep(parts.hold, undefined, { signal });

  if (name === "primary-down") {
    const during = await lookAtDatabases(stack, { primaryIsGone: true });
    log.looks = { ...log.looks, during };
  }
  say(`MENDED: ${variant.mending?.what}`);
  log.mendedAtMs = Date.now();
  await variant.mend(stack, log.live.before ?? "");
  await log.alert?.end();
  await until("recovery is seen", () => hasRow(log, "incident.recovery_seen"), patience);
  await until("the lease is taken back", () => hasRow(log, "lease.reverted"), patience);
}

/** Nobody mends anything. */
async function rolledBack(log: Log, patience: Patience): Promise<void> {
  await until("production is rolled back", () => hasRow(log, "act.performed"), patience);
  await until("it is seen to have helped", () => hasRow(log, "act.effective"), patience);
}

function isFelt(visitors: Visitors, { isTold }: Variant): boolean {
  const lately = visitors.lately(FELT_MS).filter(isTold);
  return lately.length > 0 && lately.every(({ outcome }) => outcome === "refused");
}

function judge(seen: Seen & Pick<Log, "live" | "looks" | "mendedAtMs">, { scenario, name }: Scene) {
  const { expect } = scenario;
  const all = judgeOutage(seen, expect);
  const without = (...sets: readonly ReadonlySet<string>[]) =>
    all.filter(({ id }) => !sets.some((ids) => ids.has(id)));
  const { before, after } = seen.live;
  switch (name) {
    case "everything-down":
      return all;
    case "primary-down":
      return [...without(OF_MAINTENANCE, OF_ALERTS), ...judgeFailover(seen, expect)];
    case "bad-deployment":
      return [
        ...without(OF_MAINTENANCE, OF_LEASES, OF_ALERTS),
        ...judgeRollback({ ...seen, liveBefore: before, liveAfter: after }, expect),
      ];
  }
}

function reportOf(scene: Scene, startedAtMs: number): Report {
  const { field, log, name } = scene;
  const variant: Variant = VARIANTS[name];
  const visits = log.visitors?.visits ?? [];
  const boundaries =
    name === "bad-deployment"
      ? boundariesOfRollback(visits, log.faultAtMs)
      : boundariesOf(visits.filter(variant.isTold), {
          faultAtMs: log.faultAtMs,
          releaseAtMs: releaseStages(log.rows)[0]?.atMs ?? timesIn(log.rows).releasedAtMs,
        });
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: boundaries.enforcedAtMs,
  };
  const seen = { ...log, visits, times, boundaries };
  const expectations = judge(seen, scene);
  return reportOn(field, outage.name, {
    startedAtMs,
    incident: log.incident,
    times,
    phases: countPhases(visits, boundaries).map((count) => ({
      ...count,
      phase: count.phase === "maintenance" ? variant.phase : count.phase,
    })),
    tables: name === "primary-down" ? [failoverTable(seen)] : [],
    byHand:
      log.mendedAtMs === null || variant.mending === null
        ? []
        : [{ ...variant.mending, doneAtMs: log.mendedAtMs }],
    expectations,
    postmortem: log.after?.postmortem ?? null,
  });
}
