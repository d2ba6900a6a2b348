/** A maintenance window from its declaration to its end, while the Worker, the desk or the policy dies at every point of it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { silenceState } from "../../../src/alerts/silences.ts";
import { windowsIn } from "../../../src/policy/windows.ts";
import { T0 } from "../../support/incident.ts";
import { client } from "../http/api.ts";
import { anAlert, DeskLife, outcomeOf, standStill } from "./desk-life.ts";

const PATH = "/api/v1/maintenance-windows";
const MINUTE_MS = 60_000;
const ASKS_MAX = 5;
const ENDS = ["is cancelled", "runs out"] as const;
/** Split, so that a failure names its part. */
const HALVES = [0, 1] as const;

beforeEach(() => {
  standStill();
  const log = [vi.spyOn(console, "error"), vi.spyOn(console, "info")];
  // What a Worker logs that dies, hundreds of times.
  for (const spy of log) spy.mockImplementation(() => {});
  onTestFinished(() => {
    vi.useRealTimers();
    for (const spy of log) spy.mockRestore();
  });
});

const inMinutes = (minutes: number): string => new Date(T0 + minutes * MINUTE_MS).toISOString();

class WindowLife extends DeskLife {
  /** What the person was answered in the end, of each thing they asked. */
  readonly answers: unknown[] = [];
  /** Windows that stood while nothing was kept quiet, after a death. */
  readonly unquiet: string[] = [];

  get policy() {
    return env.TEST_POLICY.getByName(this.name);
  }

  /** Declared ahead, prolonged, begun; an alert comes that it explains, and it ends. */
  override async live(end: (typeof ENDS)[number] = "is cancelled"): Promise<void> {
    const terms = { startsAt: inMinutes(10), endsAt: inMinutes(20), reason: "CHG-7" };
    const matchers = ['alertname="Known"'];
    const { id } = await this.insistOn<{ id: string }>("POST", PATH, { ...terms, matchers });
    const later = { endsAt: inMinutes(30), message: "Nearly done." };
    await this.insistOn("PATCH", `${PATH}/${id}`, later);
    await this.clockAt(10);
    await this.insist(() => this.desk.receive([anAlert({ title: "Known" })], Date.now()));
    await this.settle();
    this.answers.push({ toldWhileItLasts: this.world.handled.length });
    if (end === "is cancelled") await this.insistOn("DELETE", `${PATH}/${id}`);
    else await this.clockAt(30);
    await this.settle();
  }

  async clockAt(minutes: number): Promise<void> {
    vi.setSystemTime(T0 + minutes * MINUTE_MS);
    const { deaths } = this;
    await this.insist(() => runDurableObjectAlarm(this.policy));
    // The runtime delivers an alarm again that did not end.
    if (this.deaths > deaths) {
      await this.insist(() => runInDurableObject(this.policy, (object) => object.alarm()));
    }
    await this.settle();
  }

  /** Asks as a person does: again, with the same key, until there is an answer. */
  async insistOn<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    for (let asks = 0; asks < ASKS_MAX; asks += 1) {
      const answer = await this.#ask(
        { method, body, headers: { "idempotency-key": method } },
        path,
      );
      if (answer !== null && answer.status < 500) {
        const said = answer.status === 204 ? null : await answer.json<Answer>();
        this.answers.push({ status: answer.status, said });
        return said as Answer;
      }
      await this.#look();
    }
    throw new Error(`${method} ${path} is never answered`);
  }

  /** One isolate's answer; null: it died on the way. */
  async #ask(wanted: Parameters<ReturnType<typeof client>>[1], path: string) {
    const dead = Promise.withResolvers<null>();
    let isDead = false;
    const die = (): void => {
      isDead = true;
      this.deaths += 1;
      dead.resolve(null);
    };
    const { fate } = this.world;
    /** The real object, and two points at which the Worker may die: before it asks, and before it hears. */
    const dying = <Api extends object>(named: string, real: () => Api): Api =>
      new Proxy({} as Api, {
        get:
          (_, name) =>
          async (...given: unknown[]) => {
            if (!isDead) fate.call(`before ${named}.${String(name)}`, die);
            if (isDead) return new Promise<never>(() => {});
            const method: unknown = Reflect.get(real(), name);
            if (typeof method !== "function") throw new Error(`no method ${String(name)}`);
            const answer: unknown = await Reflect.apply(method, undefined, given);
            fate.call(`after ${named}.${String(name)}`, die);
            return isDead ? new Promise<never>(() => {}) : answer;
          },
      });
    const ask = client({
      desk: dying("desk", () => this.desk),
      policy: dying("policy", () => this.policy),
    });
    return Promise.race([ask(path, wanted), dead.promise]);
  }

  async #look(): Promise<void> {
    const windows = windowsIn(await this.insist(() => this.policy.entries()));
    const silences = await this.insist(() => this.desk.silences());
    for (const { id } of windows) {
      const silence = silences.find((one) => one.id === id);
      const isKept = silence !== undefined && silenceState(silence, Date.now()) !== "expired";
      if (!isKept) this.unquiet.push(id);
    }
  }
}

async function endOf(life: WindowLife) {
  const points = life.world.fate.points.length;
  const outcome = {
    answers: life.answers,
    unquiet: life.unquiet,
    entries: await life.insist(() => life.policy.entries()),
    policyAlarmAtMs: await life.insist(() =>
      runInDurableObject(life.policy, (_, { storage }) => storage.getAlarm()),
    ),
    ...(await outcomeOf(life)),
  };
  return { points, outcome };
}

describe("a maintenance window whose Worker or objects die at their n-th storage or outbound call", () => {
  it.for(ENDS.flatMap((end) => HALVES.map((half) => ({ end, half }))))(
    "is the same for who asks again, keeps quiet as long as it stands, and $end, every n of half $half",
    { timeout: 600_000 },
    async ({ end, half }, { expect }) => {
      const whole = new WindowLife();
      await whole.live(end);
      const { points, outcome } = await endOf(whole);
      expect(points).toBeGreaterThan(60);
      expect(outcome).toMatchObject({ unquiet: [], entries: [] });
      expect(outcome.silences).toHaveLength(1);
      expect(outcome.answers).toContainEqual({ toldWhileItLasts: 0 });
      // What still fires when it is over is told then, once.
      expect(outcome.commands).toHaveLength(1);
      for (let dieAt = half + 1; dieAt <= points; dieAt += HALVES.length) {
        standStill();
        const life = new WindowLife();
        life.world.fate.dieAt = dieAt;
        await life.live(end);
        const where = `${dieAt}: ${life.world.fate.points[dieAt - 1]}`;
        expect(life.world.fate.points.length, where).toBeGreaterThanOrEqual(dieAt);
        expect({ where, ...(await endOf(life)).outcome }).toEqual({ where, ...outcome });
      }
    },
  );
});
