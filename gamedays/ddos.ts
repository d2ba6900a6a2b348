/** A flood from one address, under ordinary traffic: it is told apart from the visitors, and they do not notice. Declared in ddos.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { judgeDdos, SOURCE, stoppedAtMs, type Log as Gathered } from "./ddos-expectations.ts";
import { firebreakAt } from "./firebreak.ts";
import { startFlood, type Shot } from "./flood.ts";
import type { Field, Gameday, Report, Table } from "./gameday.ts";
import {
  aftermathOf,
  answerThePager,
  follow,
  hasRow,
  openIncidentOf,
  reasonOf,
} from "./incident.ts";
import { timesIn } from "./journal.ts";
import { countOutcomes, spanSeconds, type Visit } from "./measure.ts";
import { overridden } from "./overrides.ts";
import { readPager } from "./pager.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { DidNotHappen, until } from "./until.ts";
import { startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "ddos";
/** Ten times what the visitors send. */
const REQUESTS_PER_SECOND = 150;

type Log = Gathered & { visitors: Visitors | null };

export const ddos: Gameday = {
  name: "ddos",
  variants: ["one-source"],
  async run(field) {
    const scenario = await readScenario("ddos");
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      overAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      shots: [],
      pager: { pages: [], refused: 0 },
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
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  log.visitors = cleanup.use(startVisitors(stack.guard, scenario.visitors));
  await sleep(parts.calm, undefined, { signal });

  say(`FAULT: ${SOURCE} sends ${REQUESTS_PER_SECOND} requests/s`);
  log.faultAtMs = Date.now();
  const flood = cleanup.use(
    startFlood(stack.guard, { address: SOURCE, requestsPerSecond: REQUESTS_PER_SECOND }),
  );
  log.shots = flood.shots;
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
  await until("a step is seen to help", () => hasRow(log, "lease.effective"), patience);
  await sleep(parts.hold, undefined, { signal });

  say("OVER: the flood stops");
  log.overAtMs = Date.now();
  await flood[Symbol.asyncDispose]();
  await until("everything is taken back", () => hasRow(log, "lease.reverted"), patience);
  await until("the incident resolves", () => hasRow(log, "incident.resolved"), patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });
  log.pager = await readPager(stack, log.faultAtMs);
  log.after = await aftermathOf(firebreak, incident);
}

function reportOf(scenario: Scenario, field: Field, log: Log, startedAtMs: number): Report {
  const visits = log.visitors?.visits ?? [];
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: stoppedAtMs(log.shots),
  };
  const expectations = judgeDdos({ ...log, visits, times }, scenario.expect);
  return reportOn(field, ddos.name, {
    startedAtMs,
    incident: log.incident,
    times,
    phases: phasesOf(visits, [log.faultAtMs, times.enforcedAtMs, log.overAtMs]),
    tables: [floodTable(log)],
    expectations,
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

function floodTable({ shots }: Log): Table {
  const stoppedFromMs = stoppedAtMs(shots) ?? Infinity;
  const row = (span: string, inside: readonly Shot[]) => [
    span,
    ...(["reached", "stopped", "lost"] as const).map(
      (outcome) => `${inside.filter((shot) => shot.outcome === outcome).length}`,
    ),
  ];
  return {
    head: ["flood", "reached production", "stopped", "lost"],
    rows: [
      row(
        "before the first was stopped",
        shots.filter(({ atMs }) => atMs < stoppedFromMs),
      ),
      row(
        "from then on",
        shots.filter(({ atMs }) => atMs >= stoppedFromMs),
      ),
    ],
  };
}
