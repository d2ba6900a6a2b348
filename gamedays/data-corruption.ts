/** Data is damaged, really, while nobody's request fails: writes pause, deliveries are kept, people repair. Declared in data-corruption.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { judgeCorruption, pauseTable, type Seen } from "./data-corruption-expectations.ts";
import { tryAlone } from "./alone.ts";
import { startDeliveries, type Deliveries } from "./deliveries.ts";
import { firebreakAt, type Firebreak, type JournalRow } from "./firebreak.ts";
import type { Field, Gameday, PersonsPart, Report } from "./gameday.ts";
import {
  aftermathOf,
  answerThePager,
  countOf,
  follow,
  openIncidentOf,
  reasonOf,
} from "./incident.ts";
import { timesIn } from "./journal.ts";
import { boundariesOf, countPhases } from "./measure.ts";
import { overridden } from "./overrides.ts";
import { readHeard, type Heard } from "./heard.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import { openShopData, type ShopData } from "./shop-data.ts";
import { beginHistory, branchUrl } from "./store-control.ts";
import { watchStatus, type StatusSample } from "./status-watch.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "data-corruption";
/** So many purchases in a row must be refused before writes count as paused. */
const REFUSED_MIN = 3;
const FELT_MS = 2_000;

/** What the gameday gathers while it goes; what never came stays empty. */
export type Log = {
  faultAtMs: number | null;
  incident: string | null;
  readonly rows: JournalRow[];
  visitors: Visitors | null;
  deliveries: Deliveries | null;
  statusSamples: readonly StatusSample[];
  heard: Heard | null;
  data: Seen["data"];
  /** What the recovery script counted, as it was committed. */
  counted: string | null;
  /** What who would restore in place alone was answered. */
  alone: string | null;
  /** What the on-call did with their own hands. */
  readonly byHand: PersonsPart[];
  after: Seen["after"];
  brokenOff: string | null;
};

export const dataCorruption: Gameday = {
  name: "data-corruption",
  variants: ["orphans"],
  async run(field) {
    const scenario = await readScenario("data-corruption");
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      deliveries: null,
      statusSamples: [],
      heard: null,
      data: null,
      counted: null,
      alone: null,
      byHand: [],
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

type Scene = { readonly field: Field; readonly log: Log; readonly firebreak: Firebreak };

async function play(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const scene: Scene = { field, log, firebreak };
  const patience = { withinMs: parts.patience, signal };
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  const shop = cleanup.use(await openShopData(stack.postgres, crypto.randomUUID().slice(0, 8)));
  say("from here on the database keeps its past");
  await beginHistory(stack);
  const broughtAtMs = Date.now();
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  const status = cleanup.use(watchStatus(firebreak));
  log.statusSamples = status.samples;
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  const visitors = cleanup.use(
    startVisitors(stack.guard, scenario.visitors, { plan: ordinary(scenario.visitors.count) }),
  );
  log.visitors = visitors;
  const deliveries = cleanup.use(startDeliveries(stack, shop.charges));
  log.deliveries = deliveries;
  await sleep(parts.calm, undefined, { signal });
  await until(
    "every check holds",
    async () => ((await firebreak.knownAtMs(FAILED_CHECKS, 0)) ?? 0) > broughtAtMs,
    patience,
  );
  const digestBefore = await shop.digest();

  say("FAULT: a constraint is dropped, authors are deleted, payments are spoiled");
  log.faultAtMs = Date.now();
  await shop.damage();
  const incident = await until(
    "an incident opens",
    () => openIncidentOf(firebreak, PLAYBOOK),
    patience,
  );
  log.incident = incident;
  const following = follow(scene, incident, log);
  // Awaited below; until then a broken line is no unhandled rejection.
  following.catch(() => {});
  await answerThePager(scene, incident, log, patience);
  await until("writes are paused", () => isFelt(visitors), patience);
  await until("the guards report it", () => countOf(log, "lease.effective") > 0, patience);
  const clean = await until("the last clean moment is kept", () => branchIn(log), patience);
  await until("the way back is worked out", () => hasEvidence(log, "recovery-plan"), patience);
  say("nobody can write; deliveries are kept; somebody would restore in place, alone");
  log.alone = await tryAlone(firebreak, incident, log.rows, patience);
  await sleep(parts.hold, undefined, { signal });

  await repair(scene, shop, await branchUrl(stack, clean));
  await until("the checks are clean", () => countOf(log, "incident.recovery_seen") > 0, patience);
  log.data = { digestBefore, digestAfter: await shop.digest(), books: null };
  say("the on-call lets writes back");
  await firebreak.revert(incident, leaseIn(log), "the rows are back, the constraint is proven");
  await until("writes are let back", () => countOf(log, "lease.reverted") > 0, patience);
  await until(
    "kept deliveries are handed over",
    async () => (await firebreak.deliveriesHeld()) === 0,
    patience,
  );
  await until("the incident resolves", () => countOf(log, "incident.resolved") > 0, patience);
  await following;
  await until(
    "the status page is green",
    () => status.samples.at(-1)?.indicator === "none",
    patience,
  );
  await sleep(parts.afterwards, undefined, { signal });

  await deliveries.end();
  await visitors[Symbol.asyncDispose]();
  await until(
    "the last delivery is handed over",
    async () => (await firebreak.deliveriesHeld()) === 0,
    patience,
  );
  log.data = { ...log.data, books: await shop.books() };
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  log.after = {
    ...(await aftermathOf(firebreak, incident)),
    kpis: await firebreak.kpis(),
  };
}

const FAILED_CHECKS = "integrity.failed_checks_count";

/** What a person does, in the order that the checklist has it. */
async function repair({ field, log }: Scene, shop: ShopData, branch: string): Promise<void> {
  const { say } = field;
  say("REPAIR: the on-call runs the script of the evidence, dry first");
  log.counted = await shop.recover(scriptIn(log), branch);
  const byHand = (what: string, why: string): void => {
    log.byHand.push({ what, why, doneAtMs: Date.now() });
  };
  byHand(`ran the recovery script: ${log.counted}`, "Firebreak writes it, and never runs it");
  say("REPAIR: spoiled payments, and the constraint");
  await shop.unspoil();
  byHand(
    `set ${shop.spoiled} spoiled payments right`,
    "what a row should say no check knows, only that it cannot be so",
  );
  await shop.constrain();
  byHand(
    "constrained and validated the reference",
    "Firebreak's role for acts changes no schema of production",
  );
}

const proposed = z.looseObject({ actId: z.string(), step: z.literal("keep-clean") });
const performed = z.looseObject({
  actId: z.string(),
  receipt: z.looseObject({ branchId: z.string() }),
});

/** The branch of the last clean moment, as the journal names it; null until it is there. */
function branchIn({ rows }: Log): string | null {
  const act = rows.flatMap(({ data }) => proposed.safeParse(data).data?.actId ?? [])[0];
  const done = rows.flatMap(({ data }) => performed.safeParse(data).data ?? []);
  return done.find(({ actId }) => actId === act)?.receipt.branchId ?? null;
}

const collected = z.looseObject({ collector: z.string(), facts: z.unknown() });
const hasEvidence = ({ rows }: Log, collector: string): boolean =>
  rows.some(({ data }) => {
    const found = collected.safeParse(data);
    return found.success && found.data.collector === collector && found.data.facts !== undefined;
  });

const evidence = z.looseObject({
  collector: z.literal("recover-rows"),
  facts: z.looseObject({ script: z.string() }),
});

/** As Firebreak attached it to the incident. */
function scriptIn({ rows }: Log): string {
  const found = rows.flatMap(({ data }) => evidence.safeParse(data).data?.facts.script ?? []);
  if (found[0] === undefined) throw new DidNotHappen("no recovery script is in the evidence");
  return found[0];
}

function isFelt(visitors: Visitors): boolean {
  const purchases = visitors.lately(FELT_MS).filter(({ errand }) => errand === "buy");
  return purchases.length >= REFUSED_MIN && purchases.every(({ outcome }) => outcome === "refused");
}

const applied = z.looseObject({ leaseId: z.string() });
const leaseIn = ({ rows }: Log): string =>
  applied.parse(rows.find(({ type }) => type === "lease.applied")?.data).leaseId;

function reportOf(scenario: Scenario, field: Field, log: Log, startedAtMs: number): Report {
  const visits = log.visitors?.visits ?? [];
  // Reads are never refused: where the pause begins and ends is felt by who buys.
  const boundaries = boundariesOf(
    visits.filter(({ errand }) => errand === "buy"),
    { faultAtMs: log.faultAtMs, releaseAtMs: timesIn(log.rows).releasedAtMs },
  );
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: boundaries.enforcedAtMs,
  };
  const seen: Seen = {
    ...log,
    visits,
    times,
    boundaries,
    taken: log.deliveries?.taken ?? [],
    retried: log.deliveries?.refused() ?? 0,
  };
  const expectations = judgeCorruption(seen, scenario.expect);
  return reportOn(field, dataCorruption.name, {
    startedAtMs,
    incident: log.incident,
    times,
    phases: countPhases(visits, boundaries).map((count) => ({
      ...count,
      phase: count.phase === "maintenance" ? "read-only" : count.phase,
    })),
    tables: [pauseTable(seen)],
    byHand: log.byHand,
    expectations,
    postmortem: log.after?.postmortem ?? null,
  });
}
