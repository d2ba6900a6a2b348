/** A queue of locks in the database, really: reads go to the replica while a person is asked who may be ended. Declared in database.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startControlReads, type ControlReads, type Read } from "./control-reads.ts";
import { judgeDatabase, KINDS, readTable, spansOf, visitorReads } from "./database-expectations.ts";
import { firebreakAt, type JournalRow } from "./firebreak.ts";
import type { Field, Gameday, Report } from "./gameday.ts";
import {
  aftermathOf,
  type Aftermath,
  answerThePager,
  countOf,
  follow,
  openIncidentOf,
  reasonOf,
} from "./incident.ts";
import { timesIn } from "./journal.ts";
import { buildLockQueue, SESSIONS, type Fate } from "./lock-queue.ts";
import { countOutcomes, spanSeconds } from "./measure.ts";
import { overridden } from "./overrides.ts";
import { readHeard, type Heard } from "./heard.ts";
import { readsServedBy } from "./reads-served.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "database";
export type CpuSignal = "postgres.cpu_ratio" | "origin.cpu_ratio";
/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  faultAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  visitors: Visitors | null;
  control: readonly Read[];
  /** How the sessions of the fault stood when all was over. */
  fates: readonly Fate[];
  /** While everything was in force: kinds of policy entries, and which playbooks had an incident. */
  inForce: {
    readonly kinds: readonly string[];
    readonly playbooks: readonly string[];
    /** Shares of the machine that the server's own processes use, as Firebreak knew them look by look since the gameday began. */
    readonly cpuRatios: Readonly<Record<CpuSignal, readonly (number | null)[]>>;
  } | null;
  /** Scans of the pitches that the replica served, before the fault and once it was over. */
  replicaScans: { readonly before: number; readonly after: number } | null;
  heard: Heard | null;
  after: Aftermath | null;
  brokenOff: string | null;
};

export const database: Gameday = {
  name: "database",
  variants: ["lock-queue"],
  async run(field) {
    const scenario = await readScenario("database");
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      control: [],
      fates: [],
      inForce: null,
      replicaScans: null,
      heard: null,
      after: null,
      brokenOff: null,
    };
    field.say(scenario.story);
    try {
      await play(scenario, field, log);
    } catch (error) {
      // Whatever the cause, what was seen until here is worth its report.
      log.brokenOff = reasonOf(field, error);
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
  const beganAtMs = Date.now();
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  log.visitors = cleanup.use(
    startVisitors(stack.guard, scenario.visitors, { plan: ordinary(scenario.visitors.count) }),
  );
  const control: ControlReads = cleanup.use(startControlReads(stack.postgres));
  log.control = control.reads;
  await sleep(parts.calm, undefined, { signal });
  const scansBefore = await readsServedBy(stack.replica);

  say(`FAULT: ${SESSIONS} connections, and a migration that waits for a report`);
  log.faultAtMs = Date.now();
  const queue = cleanup.use(await buildLockQueue(stack.postgres));
  const incident = await until(
    "an incident opens",
    () => openIncidentOf(firebreak, PLAYBOOK),
    patience,
  );
  log.incident = incident;
  const following = follow({ field, firebreak }, incident, log);
  // Awaited below; until then a broken line is no unhandled rejection.
  following.catch(() => {});
  await answerThePager({ field, firebreak }, incident, log, patience);

  await until(
    "everything that production can do itself is seen to help",
    () => countOf(log, "lease.effective") >= KINDS.length,
    patience,
  );
  await sleep(parts.hold, undefined, { signal });
  log.inForce = {
    kinds: (await firebreak.policyEntries()).map(({ kind }) => kind),
    playbooks: (await firebreak.openIncidents()).map(({ playbook }) => playbook ?? "none"),
    cpuRatios: {
      "postgres.cpu_ratio": await firebreak.samplesOf("postgres.cpu_ratio", beganAtMs),
      "origin.cpu_ratio": await firebreak.samplesOf("origin.cpu_ratio", beganAtMs),
    },
  };
  const act = await until("somebody is asked", () => askedFor(log), patience);
  say(`the on-call agrees to ${act}`);
  await firebreak.approve(incident, act, "the report can run again tomorrow");
  await until("the queries are ended", () => countOf(log, "act.performed") > 0, patience);
  await until("that is seen to help", () => countOf(log, "act.effective") > 0, patience);
  await until(
    "everything is taken back",
    () => countOf(log, "lease.reverted") >= KINDS.length,
    patience,
  );
  await until("the incident resolves", () => countOf(log, "incident.resolved") > 0, patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });

  log.fates = queue.fates();
  log.replicaScans = { before: scansBefore, after: await readsServedBy(stack.replica) };
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  log.after = await aftermathOf(firebreak, incident);
}

const judged = z.looseObject({ actId: z.string() });

/** The act that waits for a person's word, once it is known whom it would hit. */
const askedFor = ({ rows }: Log): string | null =>
  judged.safeParse(rows.find(({ type }) => type === "act.judged")?.data).data?.actId ?? null;

function reportOf(scenario: Scenario, field: Field, log: Log, startedAtMs: number): Report {
  const visits = log.visitors?.visits ?? [];
  const spans = spansOf(log, visitorReads(visits));
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: spans.relieved?.fromMs ?? null,
  };
  const expectations = judgeDatabase({ ...log, visits, times, spans }, scenario.expect);
  return reportOn(field, database.name, {
    startedAtMs,
    incident: log.incident,
    times,
    phases: Object.entries(spans).map(([phase, span]) => {
      const inside = visits.filter(
        ({ atMs }) => span !== null && atMs >= span.fromMs && atMs < span.untilMs,
      );
      return { phase, seconds: spanSeconds(inside), ...countOutcomes(inside) };
    }),
    tables: [readTable(spans, visitorReads(visits), log.control)],
    expectations,
    postmortem: log.after?.postmortem ?? null,
  });
}
