/** One backlog, as a test drives it: deliveries come, maintenance ends, alarms ring; the object may die at any of it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type {
  Acceptance,
  JournalApi,
  JournalDelivery,
} from "../../../src/write-journal/journal-api.ts";
import { anEntry } from "../../support/policy.ts";
import { DEATH } from "../incidents/world.ts";
import { journalWorldOf, type JournalWorld } from "./objects.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
export const T0 = Date.UTC(2100, 0, 1);
const TRIES_MAX = 5;
/** More alarms than this until nothing is left to do is an alarm that spins. */
const ALARMS_MAX = 60;

const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

export const aDelivery = (key: string | null, changes: Partial<JournalDelivery> = {}) => ({
  key,
  url: "https://shop.test/webhooks/pay?a=1",
  headers: [{ name: "content-type", value: "application/json" }],
  body: bytes(JSON.stringify({ id: key })),
  receivedAtMs: Date.now(),
  ...changes,
});

export class Backlog {
  readonly name = crypto.randomUUID();
  readonly world: JournalWorld = journalWorldOf(this.name);
  deaths = 0;

  get #stub() {
    return env.TEST_JOURNAL.getByName(this.name);
  }

  get journal(): JournalApi {
    return this.#stub;
  }

  maintenance(isOn: boolean): void {
    if (isOn) this.world.policy.set("m", anEntry({ id: "m", expiresAtMs: T0 + 86_400_000 }));
    else this.world.policy.delete("m");
  }

  /** As a sender does: the same again until it is answered. */
  accept(key: string | null, changes: Partial<JournalDelivery> = {}): Promise<Acceptance> {
    return this.#insist(() => this.journal.accept(aDelivery(key, changes)));
  }

  ask<T>(call: (journal: JournalApi) => Promise<T>): Promise<T> {
    return this.#insist(() => call(this.journal));
  }

  alarmAtMs(): Promise<number | null> {
    return this.#insist(() =>
      runInDurableObject(this.#stub, (_, { storage }) => storage.getAlarm()),
    );
  }

  /** Rings the alarm at its time, moving the clock there. An alarm that did not end is delivered again. */
  async ring(): Promise<boolean> {
    const atMs = await this.alarmAtMs();
    if (atMs === null) return false;
    if (atMs > Date.now()) vi.setSystemTime(atMs);
    const deaths = this.deaths;
    await this.#insist(() => runDurableObjectAlarm(this.#stub));
    if (this.deaths > deaths) await this.alarm();
    return true;
  }

  alarm(): Promise<void> {
    return this.#insist(() => runInDurableObject(this.#stub, (object) => object.alarm()));
  }

  /** Until nothing waits and no guard is told that anything does. */
  async settle(): Promise<void> {
    for (let alarms = 0; alarms < ALARMS_MAX; alarms += 1) {
      const { backlogCount } = await this.ask((journal) => journal.status());
      if (backlogCount === 0 && this.markers().length === 0) return;
      if (!(await this.ring())) throw new Error("something is left to do, and no alarm is set");
    }
    throw new Error(`more than ${ALARMS_MAX} alarms`);
  }

  /** What tells guards that there is a backlog. */
  markers(): readonly string[] {
    return [...this.world.policy.keys()].filter((id) => id.startsWith("wj_"));
  }

  async #insist<T>(call: () => Promise<T>): Promise<T> {
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
