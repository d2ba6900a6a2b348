/**
 * A scenario is a transcript: what people and the world do, and under it, indented, what goes out because of it, each line at
 * its time on a virtual clock. The real object lives it; what happened must be the transcript, line by line.
 *
 *   0s       it opens
 *   0s         pager: opened
 *   15m        phone: escalated
 *
 * Instead of being opened, it may be seen: from `visitors are failed` on, a monitor looks every five seconds, opens it by
 * the playbook's rules, and a `page:` line stands wherever the public reads something new.
 */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { endedNow, silenceFor, type Silence } from "../../../src/alerts/silences.ts";
import type { CommandOf, CommandType, IncidentCommand } from "../../../src/incidents/command.ts";
import { muteCommand, silenceMute } from "../../../src/incidents/desk.ts";
import { pagerCommand } from "../../../src/incidents/pager.ts";
import { couldMean } from "../../../src/incidents/mutes.ts";
import type { Severity } from "../../../src/playbooks/schema.ts";
import { parseDuration, writeDuration } from "../../../src/shared/duration.ts";
import { bundledOf, DOWN, INCIDENT_ID, SMALL_OUTAGE, T0, WELL } from "../../support/incident.ts";
import { Life } from "./life.ts";
import { BEAT_MS, Watch, type Readings } from "./watch.ts";
import { DEATH, type World } from "./world.ts";

const TIME_WIDTH = 9;
const DAY_MS = 24 * 3_600_000;
/** More alarms and looks than this between two lines is an alarm that spins. */
const TURNS_MAX = 1_000;

/** Every source fails, what the guard enforces apart. */
const NOTHING = { "probe.around_success_ratio": null, "traffic.error_ratio": null };

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
    says: /^(\w+) (acknowledges|resolves) in the pager$/,
    does: ({ life, atMs }, [who = "", does]) => {
      const deed = does === "resolves" ? "resolve" : "acknowledge";
      const answer = { id: `${who}:${does}`, incidentId: INCIDENT_ID, pager: "Pager", who, deed };
      return life.handle(pagerCommand({ ...answer, deed, saidAtMs: atMs }, Date.now()));
    },
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
  {
    says: /^(\w+) saves that (\w+) (mends|has mended) it by day (\d+)$/,
    does: ({ scenario }, [who, owner = "", done, day]) => {
      const date = new Date(T0 + Number(day) * DAY_MS).toISOString().slice(0, 10);
      const box = done === "mends" ? " " : "x";
      const markdown = `## Action Items\n- [${box}] ${owner} - Mend it - due ${date}`;
      return scenario.say(who, "save_postmortem", { markdown });
    },
  },
  {
    says: /^(\w+) completes the post-mortem$/,
    does: ({ scenario }, [who]) => scenario.say(who, "complete_postmortem", {}),
  },
  {
    says: /^(\w+) silences ([^ ]+) for (\w+)$/,
    does: ({ scenario }, [who = "", matcher = "", length = ""]) =>
      scenario.silence(who, matcher, length),
  },
  {
    says: /^(\w+) ends the silence$/,
    does: ({ scenario }, [who = ""]) => scenario.endSilence(who),
  },
  {
    says: /^visitors are failed$/,
    does: async ({ scenario }) => scenario.watch(DOWN),
  },
  {
    says: /^visitors are served$/,
    does: async ({ scenario }) => scenario.watch(WELL),
  },
  {
    says: /^nobody knows how visitors fare$/,
    does: async ({ scenario }) => scenario.watch(NOTHING),
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
  readonly #watch = new Watch();
  #readings: Readings | null = null;
  #looksAtMs = Infinity;
  #updates = 0;

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

  /** Whatever incident is open hears of it, as from the desk; one that opens later is opened with it. */
  async silence(who: string, matcher: string, length: string): Promise<void> {
    const atMs = Date.now();
    const silence = silenceFor([], {
      id: "sil_1",
      matchers: [matcher],
      startsAtMs: atMs,
      endsAtMs: atMs + durationOf(length),
      author: who,
      comment: "it is known",
      by: who,
      as: "new",
      atMs,
    });
    if (!silence.ok) throw new Error(`the silence is refused: ${silence.error}`);
    await this.#keep(silence.value);
  }

  async endSilence(who: string): Promise<void> {
    for (const silence of this.#watch.silences) {
      await this.#keep(endedNow(silence, who, Date.now()));
    }
  }

  async #keep(silence: Silence): Promise<void> {
    this.#watch.silences = [silence];
    const view = await this.life.view();
    if (view === null || view.status === "resolved" || !couldMean(silence, view)) return;
    await this.life.handle(muteCommand([silenceMute(silence)], Date.now()));
  }

  sleep(isAsleep: boolean): void {
    this.#isAsleep = isAsleep;
  }

  /** From now on, this is what the monitor sees. */
  async watch(readings: Readings): Promise<void> {
    this.#readings = readings;
    if (this.#looksAtMs === Infinity) await this.#look();
  }

  async #look(): Promise<void> {
    if (this.#readings === null) return;
    this.#looksAtMs = Date.now() + BEAT_MS;
    const isEnforced = this.life.world.policy.size > 0;
    const readings = {
      ...this.#readings,
      // Behind a maintenance page nobody sees production's errors.
      ...(isEnforced ? { "traffic.error_ratio": null } : {}),
      "guard.enforced_ratio": isEnforced ? 1 : 0,
    };
    const view = await this.life.view();
    const command = this.#watch.tick(readings, view, Date.now());
    if (command !== null) await this.life.handle(command);
    // While nothing is wrong and nothing open, there is nothing to be seen.
    else if (this.#readings === WELL) this.#looksAtMs = Infinity;
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

  /** Lets every alarm and every look come at its own time, up to and with `atMs`. */
  async #until(atMs: number): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      const alarmAtMs = this.#isAsleep ? null : await this.life.alarmAtMs();
      const nextAtMs = Math.min(alarmAtMs ?? Infinity, this.#looksAtMs);
      if (nextAtMs > atMs) {
        vi.setSystemTime(atMs);
        return;
      }
      // What is overdue comes now: an alarm is late, never early.
      vi.setSystemTime(Math.max(nextAtMs, Date.now()));
      if (this.#looksAtMs <= Date.now()) await this.#look();
      if (!this.#isAsleep) await this.life.settle();
      this.#show();
    }
    throw new Error(`more than ${TURNS_MAX} alarms and looks`);
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
    this.#showPage();
  }

  /** What the public reads, in a scenario that watches: its status, and a person's words where there are any. */
  #showPage(): void {
    if (this.#readings === null) return;
    const updates = this.life.world.projections.at(-1)?.updates ?? [];
    for (const { status, message } of updates.slice(this.#updates)) {
      this.#tell(`page: ${status}${message === null ? "" : `, ${message}`}`);
    }
    this.#updates = updates.length;
  }

  #tell(what: string): void {
    // To the second: a deadline at or behind now is set one millisecond later.
    const time = writeDuration(Math.round((Date.now() - T0) / 1_000) * 1_000);
    this.happened.push(`${(time === "0ms" ? "0s" : time).padEnd(TIME_WIDTH)}${what}`);
  }
}

const timeOf = (line: string): number => durationOf(line.slice(0, TIME_WIDTH).trim());

function durationOf(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** Lives a transcript, and gives it beside what happened. */
export async function lived(site: World["site"], transcript: string) {
  const said = linesOf(transcript);
  const scenario = new Scenario(site);
  await scenario.live(said);
  return { happened: scenario.happened, said, life: scenario.life };
}
