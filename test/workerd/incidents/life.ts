/** The life of one outage, step by step, as a test drives an incident through it and ends the object on the way. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { CommandAnswer, IncidentCommand } from "../../../src/incidents/command.ts";
import type { IncidentApi } from "../../../src/incidents/incident-api.ts";
import type { JournalRow } from "../../../src/incidents/journal.ts";
import type { IncidentView } from "../../../src/incidents/view.ts";
import {
  bundledOf,
  DOWN,
  ENFORCED,
  INCIDENT_ID,
  signalsAt,
  SMALL_OUTAGE,
  T0,
  WELL,
} from "../../support/incident.ts";
import { actId } from "../../../src/shared/ids.ts";
import { DEATH, worldOf, type World } from "./world.ts";

const SECOND = 1_000;
const MONITOR = { kind: "monitor", id: "monitor" } as const;
const ADA = { kind: "person", id: "ada" } as const;
/** More alarms than this for one step is an alarm that spins. */
const ALARMS_MAX = 20;
const TRIES_MAX = 5;

/** `mitigate` are steps before the usual one. */
export const openAt = (atMs: number, mitigate: readonly unknown[] = []): IncidentCommand => ({
  id: `open:${INCIDENT_ID}`,
  type: "open",
  atMs,
  actor: MONITOR,
  data: {
    incidentId: INCIDENT_ID,
    instance: "shop.test",
    scope: "site",
    title: SMALL_OUTAGE.title,
    playbook: bundledOf({
      ...SMALL_OUTAGE,
      investigate: [{ collect: "cloudflare-status" }],
      mitigate: [...mitigate, ...SMALL_OUTAGE.mitigate],
    }),
    params: {},
    severity: "SEV-2",
    onsetAtMs: atMs - 5 * SECOND,
    rules: { probes: { status: "firing", sinceMs: atMs } },
    readings: [],
    drill: false,
  },
});

export const observeAt = (
  atMs: number,
  values: Readonly<Record<string, number | null>>,
  autopilot: "on" | "shadow" | "off" = "on",
): IncidentCommand => ({
  id: `observe:${atMs}`,
  type: "observe",
  atMs,
  actor: MONITOR,
  data: { signals: signalsAt(atMs, values), autopilot },
});

const at = (seconds: number): number => T0 + seconds * SECOND;

/** From open to resolved. */
export const OUTAGE: readonly IncidentCommand[] = [
  openAt(at(0)),
  observeAt(at(1), DOWN),
  observeAt(at(10), ENFORCED),
  { id: "ack", type: "acknowledge", atMs: at(12), actor: ADA, data: {} },
  observeAt(at(20), WELL),
  observeAt(at(40), WELL),
  observeAt(at(50), WELL),
  observeAt(at(60), WELL),
  observeAt(at(120), WELL),
];

/** An act is looked into, done, and helps. */
export const DONE_AWAY: readonly IncidentCommand[] = [
  openAt(at(0), [
    {
      do: "throw-switch",
      mode: "auto",
      with: { to: "right" },
      expect: { that: "probe.around_success_ratio > 0.9", within: "5s" },
    },
  ]),
  observeAt(at(1), DOWN),
  observeAt(at(4), WELL),
  observeAt(at(64), WELL),
];

const agreeAt = (seconds: number, id: string): IncidentCommand => ({
  id: `agree:${seconds}`,
  type: "approve",
  atMs: at(seconds),
  actor: { kind: "person", id },
  data: { leaseId: actId(INCIDENT_ID, "turn-two-keys", 1), why: "yes" },
});

/** An act that two people must agree to: one of them says so twice, and then somebody else does. */
export const AGREED: readonly IncidentCommand[] = [
  openAt(at(0), [
    {
      do: "turn-two-keys",
      with: { to: "right" },
      expect: { that: "probe.around_success_ratio > 0.9", within: "5s" },
    },
  ]),
  observeAt(at(1), DOWN),
  agreeAt(2, "ada"),
  agreeAt(3, "ada"),
  agreeAt(4, "bob"),
  observeAt(at(5), WELL),
  observeAt(at(66), WELL),
];

/** A step finds out whom it is about, is applied, and later finds somebody else beside. */
export const SELECTED: readonly IncidentCommand[] = [
  openAt(at(0), [
    {
      do: "block-networks",
      select: { from: "traffic-suspects", by: ["address"] },
      lease: "10m",
    },
  ]),
  observeAt(at(1), DOWN),
  observeAt(at(2), DOWN),
  observeAt(at(17), DOWN),
  observeAt(at(30), WELL),
  observeAt(at(60), WELL),
  observeAt(at(130), WELL),
];

/** A step of its own name each time; object names never repeat. */
export class Life {
  readonly name = crypto.randomUUID();
  readonly world: World = worldOf(this.name);
  /** How often the object died. */
  deaths = 0;

  get stub() {
    return env.TEST_INCIDENT.getByName(this.name);
  }

  get incident(): IncidentApi {
    return this.stub;
  }

  /** Gives the commands one after the other, each at its time, and lets alarms come as the runtime would. */
  async live(commands: readonly IncidentCommand[]): Promise<CommandAnswer[]> {
    const answers: CommandAnswer[] = [];
    for (const command of commands) {
      vi.setSystemTime(command.atMs);
      answers.push(await this.handle(command));
      await this.settle();
    }
    return answers;
  }

  /** As whoever sends commands does: the same again until it is answered. */
  handle(command: IncidentCommand): Promise<CommandAnswer> {
    return this.#insist(
      () => this.incident.handle(command),
      () => this.#nothingIsForgotten(),
    );
  }

  /** Runs alarms until none is due. An alarm that did not end is delivered again. */
  async settle(): Promise<void> {
    for (let alarms = 0; alarms < ALARMS_MAX; alarms += 1) {
      const alarmAtMs = await this.alarmAtMs();
      if (alarmAtMs === null || alarmAtMs > Date.now() + 1) return;
      const deaths = this.deaths;
      await this.#insist(() => runDurableObjectAlarm(this.stub));
      if (this.deaths > deaths) await this.alarm();
    }
    throw new Error(`more than ${ALARMS_MAX} alarms at one moment`);
  }

  /** Delivers an alarm, asked for or not. */
  alarm(): Promise<void> {
    return this.#insist(() => runInDurableObject(this.stub, (object) => object.alarm()));
  }

  alarmAtMs(): Promise<number | null> {
    return this.#insist(() =>
      runInDurableObject(this.stub, (_, { storage }) => storage.getAlarm()),
    );
  }

  /** Effects that wait. */
  outbox(): Promise<readonly { readonly id: string; readonly due_at_ms: number }[]> {
    return this.#insist(() =>
      runInDurableObject(this.stub, (_, { storage }) =>
        storage.sql
          .exec<{ id: string; due_at_ms: number }>(
            "SELECT id, due_at_ms FROM outbox ORDER BY position",
          )
          .toArray(),
      ),
    );
  }

  async journal(): Promise<readonly JournalRow[]> {
    return this.#insist(() => this.incident.journal(0));
  }

  async view(): Promise<IncidentView | null> {
    return this.#insist(() => this.incident.view());
  }

  async #insist<T>(call: () => Promise<T>, afterDeath?: () => Promise<void>): Promise<T> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      try {
        return await call();
      } catch (fault) {
        if (!String(fault).includes(DEATH)) throw fault;
        this.deaths += 1;
        await afterDeath?.();
      }
    }
    throw new Error("the object dies again and again");
  }

  /** Should nobody ever send the command again: what was written down is carried out all the same. */
  async #nothingIsForgotten(): Promise<void> {
    const waiting = await this.outbox();
    if (waiting.length > 0 && (await this.alarmAtMs()) === null) {
      throw new Error(`${waiting.length} effects wait and no alarm is set`);
    }
  }
}

/** What must not depend on how often the object died: what happened, what is so now, and what the world looks like. */
export async function outcomeOf(life: Life) {
  const journal = await life.journal();
  return {
    seqs: journal.map(({ seq }) => seq),
    // Results of effects that run side by side may come in another order.
    happened: journal
      .map(({ type, atMs, actor, data }) =>
        JSON.stringify({ type, atMs, actor, data: withoutEffect(data) }),
      )
      .toSorted(),
    view: await life.view(),
    policy: [...life.world.policy.values()],
    messages: [...life.world.messages.keys()].toSorted(),
    refs: Object.fromEntries(life.world.refs),
    page: life.world.page.state?.(),
    collected: [...new Set(life.world.collected)],
    spent: [...life.world.spent],
    thrown: life.world.board.thrown,
    projected: life.world.projections.at(-1),
    outbox: await life.outbox(),
    alarmAtMs: await life.alarmAtMs(),
  };
}

function withoutEffect(data: unknown): unknown {
  const { effectId: _, ...rest } = data as Record<string, unknown>;
  return rest;
}

export const noteOf = (id: string, text = "x"): IncidentCommand => ({
  id,
  type: "note",
  atMs: Date.now(),
  actor: { kind: "person", id: "ada" },
  data: { text },
});

/** A lease is being applied, and its effect waits. */
export async function applying(): Promise<Life> {
  const life = new Life();
  await life.handle(openAt(T0));
  await life.settle();
  await life.handle(observeAt(T0, DOWN));
  return life;
}

export const statusOf = async (life: Life): Promise<string | undefined> =>
  (await life.view())?.leases[0]?.status;

export const seqs = async (life: Life): Promise<readonly number[]> =>
  (await life.journal()).map(({ seq }) => seq);

export const oneTo = (length: number): readonly number[] =>
  Array.from({ length }, (_, index) => index + 1);
