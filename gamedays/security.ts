/** Stolen passwords are tried at the storefront from thousands of addresses, while its customers sign in as ever. Declared in security.yaml. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startPayer } from "./challenge.ts";
import { startStuffing, useLoot, type Loot, type Stuffing } from "./credential-stuffing.ts";
import { firebreakAt, type Firebreak } from "./firebreak.ts";
import type { Field, Gameday, Report } from "./gameday.ts";
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
import { OFFICE, startMembers } from "./members.ts";
import { overridden } from "./overrides.ts";
import { readHeard } from "./heard.ts";
import { reportOn } from "./report.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import {
  attackTable,
  evidenceOf,
  judgeSecurity,
  peopleTable,
  stepTable,
  stoppedAtMs,
  type Log as Gathered,
} from "./security-expectations.ts";
import { openAccounts, type ShopAccounts } from "./shop-accounts.ts";
import { DidNotHappen, until } from "./until.ts";
import { ordinary, startVisitors, type Visitors } from "./visitors.ts";

const PLAYBOOK = "security";
const OFFICE_PER_SECOND = 0.7;
const NEWCOMERS_PER_SECOND = 3;
const WORDS = "We have ended all sessions to keep accounts safe. Please sign in again.";

type Log = Gathered & { visitors: Visitors | null };

export const security: Gameday = {
  name: "security",
  variants: ["credential-stuffing"],
  async run(field) {
    const scenario = await readScenario("security");
    const startedAtMs = Date.now();
    const log: Log = {
      faultAtMs: null,
      overAtMs: null,
      incident: null,
      rows: [],
      visitors: null,
      tries: [],
      loot: [],
      arrivals: [],
      thieves: null,
      flushed: null,
      reset: null,
      told: null,
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

type Patience = Parameters<typeof until>[2];
type Scene = {
  readonly field: Field;
  readonly log: Log;
  readonly firebreak: Firebreak;
  readonly patience: Patience;
};

async function play(scenario: Scenario, field: Field, log: Log): Promise<void> {
  const { parts } = scenario;
  const { stack, say, signal } = field;
  const firebreak = firebreakAt(stack);
  const patience = { withinMs: parts.patience, signal };
  const scene: Scene = { field, log, firebreak, patience };
  await using cleanup = new AsyncDisposableStack();

  if ((await firebreak.openIncidents()).length > 0) {
    throw new DidNotHappen("an incident is still open; a gameday begins when all is well");
  }
  const accounts = cleanup.use(await openAccounts(stack.postgres, OFFICE));
  say("shortening cadences and durations by overrides");
  cleanup.use(await overridden(firebreak, scenario));
  const payer = cleanup.use(startPayer());
  say(`${scenario.visitors.count} visitors, ${scenario.visitors.requests_per_second} requests/s`);
  log.visitors = cleanup.use(
    startVisitors(stack.guard, scenario.visitors, {
      plan: ordinary(scenario.visitors.count),
      payer,
    }),
  );
  const members = cleanup.use(
    startMembers(stack.guard, {
      officePerSecond: OFFICE_PER_SECOND,
      newcomersPerSecond: NEWCOMERS_PER_SECOND,
      payer,
    }),
  );
  log.arrivals = members.arrivals;
  await sleep(parts.calm, undefined, { signal });

  say("ATTACK: stolen passwords are tried");
  log.faultAtMs = Date.now();
  const stuffing = cleanup.use(startStuffing(stack.guard));
  log.tries = stuffing.tries;
  log.loot = stuffing.loot;
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
  await contain(scene, incident, { accounts, stuffing });
  await sleep(parts.hold, undefined, { signal });

  say("OVER: the attack ends");
  log.overAtMs = Date.now();
  await stuffing[Symbol.asyncDispose]();
  await until("the incident resolves", () => hasRow(log, "incident.resolved"), patience);
  await following;
  await sleep(parts.afterwards, undefined, { signal });
  await members[Symbol.asyncDispose]();
  await log.visitors[Symbol.asyncDispose]();
  log.heard = await readHeard(stack, incident, log.faultAtMs);
  log.after = await aftermathOf(firebreak, incident);
}

/** What waits for people: the prepared statement, the end of all sessions, a word to the public; and what they decide against. */
async function contain(
  { field, log, firebreak, patience }: Scene,
  incident: string,
  { accounts, stuffing }: { readonly accounts: ShopAccounts; readonly stuffing: Stuffing },
): Promise<void> {
  const { stack, say } = field;
  const strict = await until(
    "strict mode is proposed",
    () => leaseIn(log, "strict-mode"),
    patience,
  );
  await firebreak.decline(incident, strict, "few customers have an authenticator");
  const statement = await until("a statement is prepared", () => statementIn(log), patience);
  log.reset = await accounts.resetPasswords(statement);
  say(`the on-call runs the prepared statement: ${log.reset.length} must choose a new password`);
  const act = await until(
    "signing out is prepared",
    () => judgedAct(log, "revoke-sessions"),
    patience,
  );
  const wereIn = await countIn(stack.guard, stuffing.loot);
  say(`${wereIn} stolen sessions work`);
  const approvedAtMs = Date.now();
  await firebreak.approve(
    incident,
    act,
    "accounts were opened by who had looked for their passwords",
  );
  await until(
    "no stolen session works",
    async () => (await countIn(stack.guard, stuffing.loot)) === 0,
    patience,
  );
  log.thieves = { wereIn, approvedAtMs, outAtMs: Date.now() };
  say("no stolen session works any more");
  const flush = await until(
    "a flush is prepared",
    () => judgedAct(log, "flush-sessions"),
    patience,
  );
  await firebreak.approve(incident, flush, "whatever asks Redis alone is to hear of it, too");
  log.flushed = await until("Redis is flushed", () => flushedBy(log, flush), patience);
  await firebreak.publish(incident, WORDS);
  await until(
    "the public can read it",
    async () => (await firebreak.publicUpdates(incident)).some(({ body }) => body === WORDS),
    patience,
  );
  log.told = { words: WORDS, isPublic: true };
}

const countIn = async (site: string, loot: readonly Loot[]): Promise<number> =>
  (await Promise.all(loot.map((one) => useLoot(site, one)))).filter(Boolean).length;

const proposed = z.looseObject({ leaseId: z.string(), actuator: z.string() });
const prepared = z.object({ statement: z.string() });
const proposedAct = z.looseObject({ actId: z.string(), actuator: z.string() });
const judged = z.looseObject({ actId: z.string() });
const flushed = z.looseObject({
  actId: z.string(),
  receipt: z.looseObject({ keys: z.int() }),
});

const leaseIn = ({ rows }: Log, actuator: string): string | null =>
  rows
    .filter(({ type }) => type === "lease.proposed")
    .flatMap(({ data }) => proposed.safeParse(data).data ?? [])
    .find((lease) => lease.actuator === actuator)?.leaseId ?? null;

function judgedAct({ rows }: Log, actuator: string): string | null {
  const ids = rows
    .filter(({ type }) => type === "act.proposed")
    .flatMap(({ data }) => proposedAct.safeParse(data).data ?? [])
    .filter((act) => act.actuator === actuator)
    .map(({ actId }) => actId);
  return (
    rows
      .filter(({ type }) => type === "act.judged")
      .flatMap(({ data }) => judged.safeParse(data).data?.actId ?? [])
      .find((id) => ids.includes(id)) ?? null
  );
}

/** How many sessions Redis kept, by the receipt. */
const flushedBy = ({ rows }: Log, actId: string): number | null =>
  rows
    .filter(({ type }) => type === "act.performed")
    .flatMap(({ data }) => flushed.safeParse(data).data ?? [])
    .find((act) => act.actId === actId)?.receipt.keys ?? null;

const statementIn = ({ rows }: Log): string | null =>
  prepared.safeParse(evidenceOf(rows, "password-reset")?.facts).data?.statement ?? null;

function reportOf(scenario: Scenario, field: Field, log: Log, startedAtMs: number): Report {
  const visits = log.visitors?.visits ?? [];
  const times = {
    ...timesIn(log.rows),
    faultAtMs: log.faultAtMs,
    enforcedAtMs: stoppedAtMs(log.tries),
  };
  const seen = { ...log, visits, times };
  return reportOn(field, security.name, {
    startedAtMs,
    incident: log.incident,
    times,
    phases: phasesOf(visits, [log.faultAtMs, times.enforcedAtMs, log.overAtMs]),
    tables: [attackTable(seen), peopleTable(seen), stepTable(seen)],
    expectations: judgeSecurity(seen, scenario.expect),
    postmortem: log.after?.postmortem ?? null,
  });
}

const PHASES = ["calm", "attacked", "protected", "afterwards"] as const;

function phasesOf(visits: readonly Visit[], starts: readonly (number | null)[]): Report["phases"] {
  const startsMs = [-Infinity, ...starts.map((atMs) => atMs ?? Infinity), Infinity];
  return PHASES.map((phase, index) => {
    const [fromMs = Infinity, untilMs = Infinity] = startsMs.slice(index, index + 2);
    const inside = visits.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
    return { phase, seconds: spanSeconds(inside), ...countOutcomes(inside) };
  });
}
