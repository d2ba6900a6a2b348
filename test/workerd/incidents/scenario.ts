/**
 * A scenario is a transcript: what people and the world do, and under it, indented, what goes out because of it, each line at
 * its time on a virtual clock. The real object lives it; what happened must be the transcript, line by line.
 *
 *   0s       it opens
 *   0s         pager: opened
 *   15m        phone: escalated
 */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { CommandOf, CommandType, IncidentCommand } from "../../../src/incidents/command.ts";
import type { Severity } from "../../../src/playbooks/schema.ts";
import { parseDuration, writeDuration } from "../../../src/shared/duration.ts";
import { bundledOf, INCIDENT_ID, SMALL_OUTAGE, T0 } from "../../support/incident.ts";
import { Life } from "./life.ts";
import { DEATH, type World } from "./world.ts";

const TIME_WIDTH = 9;
/** More alarms than this in one scenario is an alarm that spins. */
const ALARMS_MAX = 500;

type Stage = { readonly life: Life; readonly scenario: Scenario; readonly atMs: number };
type Doing = {
  readonly says: RegExp;
  readonly does: (stage: Stage, said: readonly string[]) => Promise<unknown>;
};

/** What may be said in a transcript. */
const WORDS: readonly Doing[] = [
  {
    says: /^it opens(?: as (SEV-[1-4]))?$/,
    does: ({ scenario }, [severity = "SEV-2"]) => scenario.open(severity as Severity),
  },
  {
    says: /^(\w+) acknowledges$/,
    does: ({ scenario }, [who]) => scenario.say(who, "acknowledge", {}),
  },
  {
    says: /^(\w+) takes the lead$/,
    does: ({ scenario }, [who = ""]) => scenario.say(who, "take_lead", { lead: who }),
  },
  {
    says: /^(\w+) says (SEV-[1-4])$/,
    does: ({ scenario }, [who, severity]) =>
      scenario.say(who, "set_severity", { severity: severity as Severity, why: "seen" }),
  },
  {
    says: /^(\w+) resolves$/,
    does: ({ scenario }, [who]) => scenario.say(who, "resolve", { why: "over" }),
  },
  {
    says: /^(\w+) reopens$/,
    does: ({ scenario }, [who]) => scenario.say(who, "reopen", { why: "again" }),
  },
  {
    says: /^(\w+) tells the public$/,
    does: ({ scenario }, [who]) =>
      scenario.say(who, "publish", { message: "We know more.", status: null, component: null }),
  },
  {
    says: /^(\w+) asks (\w+)$/,
    does: ({ scenario }, [who, supplier = ""]) =>
      scenario.say(who, "ask_support", { supplier, name: supplier, how: "1", why: "it is theirs" }),
  },
  {
    says: /^(\w+) answers (\w+)$/,
    does: ({ scenario }, [supplier = "", who]) =>
      scenario.say(who, "note_support", { supplier, text: "soon" }),
  },
  { says: /^([\w-]+) breaks$/, does: async ({ life }, [id = ""]) => life.world.broken.add(id) },
  { says: /^([\w-]+) works$/, does: async ({ life }, [id = ""]) => life.world.broken.delete(id) },
  { says: /^the object dies$/, does: ({ life }) => die(life) },
  { says: /^the alarm comes twice$/, does: ({ life }) => life.alarm() },
  { says: /^alarms sleep$/, does: async ({ scenario }) => scenario.sleep(true) },
  { says: /^alarms wake$/, does: async ({ scenario }) => scenario.sleep(false) },
  { says: /^all is said$/, does: async () => {} },
];

async function die(life: Life): Promise<void> {
  await runInDurableObject(life.stub, (_, state) => state.abort(DEATH)).catch((fault: unknown) => {
    if (!String(fault).includes(DEATH)) throw fault;
  });
}

/** The lines of a transcript, each with its time first. */
const linesOf = (transcript: string): readonly string[] =>
  transcript
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [time = "", ...rest] = line.split(/\s+/);
      return `${time.padEnd(TIME_WIDTH)}${rest.join(" ")}`;
    });

class Scenario {
  readonly life = new Life();
  readonly happened: string[] = [];
  #shown = 0;
  #isAsleep = false;
  #commands = 0;

  constructor(site: World["site"]) {
    this.life.world.site = site;
  }

  async live(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const said = line.slice(TIME_WIDTH);
      const atMs = T0 + timeOf(line);
      const doing = WORDS.find(({ says }) => says.test(said));
      // What goes out is not done by the test: it is compared at the end.
      if (doing === undefined) continue;
      await this.#until(atMs);
      this.happened.push(line);
      await doing.does(
        { life: this.life, scenario: this, atMs },
        said.match(doing.says)?.slice(1) ?? [],
      );
      if (!this.#isAsleep) await this.life.settle();
      this.#show();
    }
  }

  open(severity: Severity): Promise<unknown> {
    return this.#handle({ kind: "monitor", id: "monitor" }, "open", {
      incidentId: INCIDENT_ID,
      instance: "shop.test",
      scope: "site",
      title: SMALL_OUTAGE.title,
      playbook: bundledOf({ ...SMALL_OUTAGE, mitigate: [] }),
      params: {},
      severity,
      onsetAtMs: Date.now(),
      rules: {},
      readings: [],
      drill: false,
    });
  }

  say<Type extends CommandType>(
    who: string | undefined,
    type: Type,
    data: CommandOf<Type>["data"],
  ): Promise<unknown> {
    return this.#handle({ kind: "person", id: who ?? "" }, type, data);
  }

  sleep(isAsleep: boolean): void {
    this.#isAsleep = isAsleep;
  }

  async #handle<Type extends CommandType>(
    actor: IncidentCommand["actor"],
    type: Type,
    data: CommandOf<Type>["data"],
  ): Promise<void> {
    this.#commands += 1;
    const id = `cmd-${this.#commands}`;
    const command = { id, type, atMs: Date.now(), actor, data } as unknown as IncidentCommand;
    const answer = await this.life.handle(command);
    if (!answer.ok) this.#tell(`refused: ${answer.rejection.reason}`);
  }

  /** Lets every alarm come at its own time, up to and with `atMs`. */
  async #until(atMs: number): Promise<void> {
    for (let alarms = 0; alarms < ALARMS_MAX; alarms += 1) {
      const alarmAtMs = this.#isAsleep ? null : await this.life.alarmAtMs();
      if (alarmAtMs === null || alarmAtMs > atMs) {
        vi.setSystemTime(atMs);
        return;
      }
      // What is overdue comes now: an alarm is late, never early.
      vi.setSystemTime(Math.max(alarmAtMs, Date.now()));
      await this.life.settle();
      this.#show();
    }
    throw new Error(`more than ${ALARMS_MAX} alarms`);
  }

  #show(): void {
    const { arrived } = this.life.world;
    // Channels do not wait for one another; what one of them got is in the order in which it came.
    const news = arrived.slice(this.#shown).toSorted((a, b) => a.channel.localeCompare(b.channel));
    this.#shown = arrived.length;
    for (const { channel, message } of news) {
      const people = message.people.length === 0 ? "" : ` ${message.people.join(", ")}`;
      this.#tell(`${channel}: ${message.message.replace(/:.*$/, "")}${people}`);
    }
  }

  #tell(what: string): void {
    // To the second: a deadline at or behind now is set one millisecond later.
    const time = writeDuration(Math.round((Date.now() - T0) / 1_000) * 1_000);
    this.happened.push(`${(time === "0ms" ? "0s" : time).padEnd(TIME_WIDTH)}${what}`);
  }
}

function timeOf(line: string): number {
  const parsed = parseDuration(line.slice(0, TIME_WIDTH).trim());
  if (!parsed.ok) throw new Error(`${line}: ${parsed.error}`);
  return parsed.value;
}

/** Lives a transcript, and gives it beside what happened. */
export async function lived(site: World["site"], transcript: string) {
  const said = linesOf(transcript);
  const scenario = new Scenario(site);
  await scenario.live(said);
  return { happened: scenario.happened, said, life: scenario.life };
}
