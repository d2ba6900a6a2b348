/** A flood of one of several shapes, under ordinary traffic: it is told apart from the people, and they hardly notice. Declared in ddos.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { comeWithBrowsers, hasBrowser, type BrowserVisit } from "./browsers.ts";
import { startPayer } from "./challenge.ts";
import { newcomers, regulars } from "./ddos-crowd.ts";
import {
  floodTable,
  judgeDdos,
  LEARNING_MS,
  peopleTable,
  stepsTable,
  stoppedAtMs,
} from "./ddos-expectations.ts";
import { isShape, SHAPES, SHAPE_NAMES, type Shape } from "./ddos-shapes.ts";
import { firebreakAt, type JournalRow } from "./firebreak.ts";
import { startFlood, type Hit } from "./flood.ts";
import type { Field, Gameday, Report } from "./gameday.ts";
import {
  aftermathOf,
  answerThePager,
  follow,
  hasRow,
  openIncidentOf,
  reasonOf,
  type Aftermath,
} from "./incident.ts";
import { timesIn } from "./journal.ts";
import { countOutcomes, spanSeconds, type Visit } from "./measure.ts";
import { overridden } from "./overrides.ts";
import { readHeard, type Heard } from "./heard.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";
import { startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "ddos";
/** Of people who come for the first time: two of them each second. */
const NEW_REQUESTS_PER_SECOND = 4;

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  readonly startedAtMs: number;
  faultAtMs: number | null;
  /** When the last request of the flood was sent. */
  overAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  regulars: Visitors | null;
  newcomers: Visitors | null;
  hits: readonly Hit[];
  /** Of those who cannot be told from the attackers; null: none came, or none could, for want of a browser. */
  lookalikes: readonly BrowserVisit[] | null;
  heard: Heard | null;
  after: Aftermath | null;
  brokenOff: string | null;
};

export const ddos: Gameday = {
  name: "ddos",
  variants: SHAPE_NAMES,
  async run(field) {
    const shape = shapeOf(field);
    const scenario = await readScenario("ddos");
    const log: Log = {
      startedAtMs: Date.now(),
      faultAtMs: null,
      overAtMs: null,
      incident: null,
      rows: [],
      regulars: null,
      newcomers: null,
      hits: [],
      lookalikes: null,
      heard: null,
      after: null,
      brokenOff: null,
    };
    field.say(scenario.story);
    try {
      await play({ scenario, shape, field, log });
    } catch (error) {
      // Whatever the cause, what was seen until here is worth its report.
      log.brokenOff = reasonOf(field, error);
      field.say(`broken off: ${log.brokenOff}`);
    }
    return reportOf({ scenario, shape, field, log });
  },
};

function shapeOf({ variant }: Field): Shape {
  if (isShape(variant)) return SHAPES[variant];
  throw new Error(`the flood has no shape "${variant}"`);
}

type Scene = {
  readonly scenario: Scenario;
  readonly shape: Shape;
  readonly field: Field;
  readonly log: Log;
};

async function play({ scenario, shape, field, log }: Scene): Promise<void> {
  const { parts, visitors } = scenario;
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const patience = { withinMs: parts.patience, signal };
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  say(`${visitors.count} people, ${visitors.requests_per_second} requests/s, and new ones besides`);
  const payer = cleanup.use(startPayer());
  log.regulars = cleanup.use(
    startVisitors(stack.guard, visitors, { plan: regulars(visitors.count), payer }),
  );
  log.newcomers = cleanup.use(
    startVisitors(
      stack.guard,
      { ...visitors, requests_per_second: NEW_REQUESTS_PER_SECOND },
      { plan: newcomers, payer },
    ),
  );
  await sleep(parts.calm, undefined, { signal });

  say(`FAULT: ${shape.says}, ${shape.requestsPerSecond} requests/s`);
  log.faultAtMs = Date.now();
  const flood = cleanup.use(startFlood(stack.guard, shape));
  log.hits = flood.hits;
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
  await until("a step is in force", () => hasRow(log, "lease.applied"), patience);
  const coming = lookalikesCome({ shape, field });
  coming.catch(() => {});
  await until("a step is seen to help", () => hasRow(log, "lease.effective"), patience);
  if (shape.shots === null) await sleep(parts.hold, undefined, { signal });
  else await until("all of it was sent", flood.isSpent, patience);
  // However slow the machine, it goes on until all have come who cannot be told from it.
  log.lookalikes = await coming;

  say("OVER: the flood stops");
  log.overAtMs = Date.now();
  await flood[Symbol.asyncDispose]();
  await until("everything is taken back", () => hasRow(log, "lease.reverted"), patience);
  await until("the incident resolves", () => hasRow(log, "incident.resolved"), patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  // What the flood also did to the database may be another incident's, which has yet to let go; what stays is judged below.
  const isLetGo = async () => (await firebreak.policyEntries()).length === 0;
  await until("the policy is empty", isLetGo, { withinMs: LETS_GO_MS, signal }).catch(unlessLate);
  log.after = await aftermathOf(firebreak, incident);
}

const LETS_GO_MS = 25_000;

function unlessLate(error: unknown): void {
  if (!(error instanceof DidNotHappen)) throw error;
}

/** While the flood goes on and is challenged, as soon as guards know. */
async function lookalikesCome({
  shape: { lookalikes },
  field: { stack, say, signal },
}: Pick<Scene, "shape" | "field">): Promise<readonly BrowserVisit[] | null> {
  if (lookalikes === null) return null;
  if (!hasBrowser()) {
    say(`NO CHROMIUM on this machine: ${lookalikes.length} people with real browsers do not come`);
    return null;
  }
  await sleep(LEARNING_MS, undefined, { signal });
  say(`${lookalikes.length} people come with real browsers that look like the attackers' program`);
  return comeWithBrowsers(stack.guard, lookalikes, signal);
}

function reportOf({ scenario, shape, field, log }: Scene): Report {
  const visits = log.regulars?.visits ?? [];
  const newVisits = log.newcomers?.visits ?? [];
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: stoppedAtMs(log.hits),
  };
  const seen = { ...log, shape, visits, newVisits, times };
  return reportOn(field, ddos.name, {
    startedAtMs: log.startedAtMs,
    incident: log.incident,
    times,
    phases: phasesOf([...visits, ...newVisits], [log.faultAtMs, times.enforcedAtMs, log.overAtMs]),
    tables: [floodTable(seen), peopleTable(seen), stepsTable(seen)],
    expectations: judgeDdos(seen, scenario.expect),
    postmortem: log.after?.postmortem ?? null,
  });
}

const PHASES = ["calm", "flooded", "protected", "afterwards"] as const;

function phasesOf(visits: readonly Visit[], starts: readonly (number | null)[]): Report["phases"] {
  const startsMs = [-Infinity, ...starts.map((atMs) => atMs ?? Infinity), Infinity];
  return PHASES.map((phase, index) => {
    const [fromMs = Infinity, untilMs = Infinity] = startsMs.slice(index, index + 2);
    const inside = visits.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
    return { phase, seconds: spanSeconds(inside), ...countOutcomes(inside) };
  });
}
