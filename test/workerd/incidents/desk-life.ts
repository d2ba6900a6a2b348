/** A desk's day: triggers, repeated and joined, an incident that resolves and is reopened, an alert that comes and goes. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import type { AskedSilence } from "../../../src/alerts/silences.ts";
import type { DeskApi, Trigger } from "../../../src/incidents/desk-api.ts";
import { SMALL_OUTAGE, T0 } from "../../support/incident.ts";
import { DEATH, worldOf, type World } from "./world.ts";

const TRIES_MAX = 5;
const ALARMS_MAX = 20;

export const aTrigger = (changes: Partial<Trigger> = {}): Trigger => ({
  id: "trg_1",
  playbook: SMALL_OUTAGE.id,
  scope: "site",
  title: SMALL_OUTAGE.title,
  severity: "SEV-2",
  params: {},
  onsetAtMs: T0 - 5_000,
  atMs: T0,
  rules: {},
  readings: [],
  actor: { kind: "monitor", id: "monitor" },
  drill: false,
  ...changes,
});

export const anAlert = (changes: Partial<Alert> = {}): Alert => ({
  source: "alertmanager",
  fingerprint: "f1",
  status: "firing",
  title: "Certificate expires",
  severity: "SEV-3",
  startsAtMs: T0,
  endsAtMs: null,
  labels: {},
  url: null,
  ...changes,
});

export const aSilence = (changes: Partial<AskedSilence> = {}): AskedSilence => ({
  id: "sil_1",
  matchers: ['alertname="Known"'],
  startsAtMs: T0,
  endsAtMs: T0 + 3_600_000,
  author: "ada",
  comment: "we know",
  by: "ada",
  atMs: T0,
  as: "new",
  ...changes,
});

const AN_ANSWER = {
  id: "whk_1",
  pager: "PagerDuty",
  who: "ada",
  deed: "acknowledge",
  saidAtMs: T0,
} as const;

export class DeskLife {
  readonly name = crypto.randomUUID();
  readonly world: World = worldOf(this.name);
  deaths = 0;

  get stub() {
    return env.TEST_DESK.getByName(this.name);
  }

  get desk(): DeskApi {
    return this.stub;
  }

  trigger(trigger: Trigger) {
    return this.insist(() => this.desk.trigger(trigger));
  }

  /** The day itself. */
  async live(): Promise<void> {
    const { incidentId } = await this.trigger(aTrigger());
    await this.trigger(aTrigger());
    await this.trigger(aTrigger({ id: "trg_2", actor: { kind: "webhook", id: "alertmanager" } }));
    await this.settle();
    const [view] = await this.insist(() => this.desk.open());
    if (view === undefined) throw new Error("nothing is open");
    const anchors = { ...view.anchors, resolvedAtMs: T0 };
    await this.insist(() => this.desk.project({ ...view, status: "resolved", seq: 9, anchors }));
    await this.trigger(aTrigger({ id: "trg_3" }));
    await this.insist(() => this.desk.answered({ ...AN_ANSWER, incidentId }, T0));
    await this.insist(() => this.desk.receive([anAlert()], T0));
    await this.settle();
    await this.insist(() => this.desk.receive([anAlert({ status: "resolved" })], T0));
    await this.insist(() => this.desk.silence(aSilence()));
    await this.insist(() =>
      this.desk.receive([anAlert({ fingerprint: "f2", title: "Known" })], T0),
    );
    await this.insist(() => this.desk.expireSilence("sil_1", "ada", T0));
    await this.insist(() => this.desk.spendAction(`lse_${incidentId}`, T0, 1));
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let alarms = 0; alarms < ALARMS_MAX; alarms += 1) {
      const alarmAtMs = await this.alarmAtMs();
      if (alarmAtMs === null || alarmAtMs > Date.now() + 1) return;
      const deaths = this.deaths;
      await this.insist(() => runDurableObjectAlarm(this.stub));
      // The runtime delivers an alarm again that did not end.
      if (this.deaths > deaths) await this.alarm();
    }
    throw new Error(`more than ${ALARMS_MAX} alarms at one moment`);
  }

  alarm(): Promise<void> {
    return this.insist(() => runInDurableObject(this.stub, (object) => object.alarm()));
  }

  alarmAtMs(): Promise<number | null> {
    return this.insist(() => runInDurableObject(this.stub, (_, { storage }) => storage.getAlarm()));
  }

  async insist<T>(call: () => Promise<T>): Promise<T> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      try {
        return await call();
      } catch (fault) {
        if (!String(fault).includes(DEATH)) throw fault;
        this.deaths += 1;
      }
    }
    throw new Error("the object dies again and again");
  }
}

/** What the day must come to: ids are numbered by their first appearance, since an id that was never written down is lost. */
export async function outcomeOf(life: DeskLife) {
  const { items } = await life.insist(() => life.desk.list({}));
  const ids = items.map(({ id }) => id).toSorted();
  const numbered = (text: string): string =>
    ids.reduce((now, id, index) => now.replaceAll(id, `incident ${index}`), text);
  const commands = new Map(
    life.world.handled.map(({ incidentId, command }) => [
      `${incidentId} ${command.id}`,
      `${incidentId} ${JSON.stringify(command)}`,
    ]),
  );
  return {
    incidents: numbered(JSON.stringify(items)),
    commands: [...commands.values()].map(numbered),
    alerts: await life.insist(() => life.desk.alerts()),
    silences: await life.insist(() => life.desk.silences()),
    spendsAgain: await life.insist(() => life.desk.spendAction("lse_other", T0, 1)),
    alarmAtMs: await life.alarmAtMs(),
  };
}

/** Alarms run on the real clock, which is long before this one: they come when the test says. */
export const standStill = (): void => void vi.useFakeTimers({ now: T0, toFake: ["Date"] });
