/** The product's write journal in a world that a test can see, and end at any storage or outbound call. */
import {
  WriteJournalObject,
  type ReplayedDelivery,
} from "../../../src/write-journal/journal-object.ts";
import type { Failure } from "../../../src/incidents/journal.ts";
import type { JournalRoute, PolicyEntry } from "../../../src/policy/policy.ts";
import { err, ok, type Result } from "../../../src/shared/result.ts";
import { aSettings } from "../../support/policy.ts";
import { DEATH, Fate } from "../incidents/world.ts";

export const ROUTE: JournalRoute = {
  id: "pay",
  route: "/webhooks/pay",
  scheme: "stripe",
  header: null,
  idHeader: null,
  secret: "JOURNAL_PAY",
  keepHeaders: [],
  bodyBytesMax: 1_000,
  deliveriesMax: 5,
  bytesMax: 1_000,
};

/** What stands around one journal: in memory, so that what the object lost it cannot have kept here by accident. */
export class JournalWorld {
  readonly fate = new Fate();
  readonly policy = new Map<string, PolicyEntry>();
  readonly #removed = new Set<string>();
  /** What production got, in order, repetitions included. */
  readonly received: string[] = [];
  /** What production answers to a delivery; null: it takes it. */
  answer: (id: string) => Failure | null = () => null;
  route: JournalRoute | null = ROUTE;
  isPolicyDown = false;
  #ids = 0;

  newId(): string {
    this.#ids += 1;
    return `dlv_${this.#ids}`;
  }

  /** What production would hold that applies each id once. */
  applied(): readonly string[] {
    return [...new Set(this.received)];
  }

  put(entry: PolicyEntry): Result<{ readonly seq: { epoch: number; n: number } }, Failure> {
    if (this.isPolicyDown) throw new Error("the policy object is not there");
    if (this.#removed.has(entry.id)) return err({ class: "refuse", detail: "it was taken back" });
    this.policy.set(entry.id, entry);
    return ok({ seq: { epoch: 1, n: 1 } });
  }

  remove(id: string): { readonly existed: boolean } {
    if (this.isPolicyDown) throw new Error("the policy object is not there");
    this.#removed.add(id);
    return { existed: this.policy.delete(id) };
  }

  replay({ id }: ReplayedDelivery): Result<null, Failure> {
    const failure = this.answer(id);
    if (failure !== null) return err(failure);
    this.received.push(id);
    return ok(null);
  }
}

const worlds = new Map<string, JournalWorld>();

/** The world of the object with this name, made on first use. */
export function journalWorldOf(name: string): JournalWorld {
  const world = worlds.get(name) ?? new JournalWorld();
  worlds.set(name, world);
  return world;
}

export class TestJournal extends WriteJournalObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const world = journalWorldOf(ctx.id.name ?? "");
    const die = (): void => ctx.abort(DEATH);
    const { storage } = ctx;
    count(storage.sql, "exec");
    count(storage, "transactionSync");
    count(storage, "setAlarm");
    count(storage, "deleteAlarm");
    /** What the runtime does with everything that leaves an object: it waits for what was written before. */
    const outbound = async <T>(what: string, call: () => T): Promise<T> => {
      await storage.sync();
      world.fate.call(`before ${what}`, die);
      const answer = call();
      world.fate.call(`after ${what}`, die);
      // An object that was ended here gets no answer.
      await storage.sync();
      return answer;
    };
    super(ctx, env, ROUTE.id, {
      instance: "shop.test",
      route: () => world.route,
      settings: () => aSettings(),
      newId: () => world.newId(),
      policy: () => ({
        put: (entry) => outbound("put", () => world.put(entry)),
        remove: (id) =>
          outbound("remove", () => ok({ seq: { epoch: 1, n: 1 }, ...world.remove(id) })),
        entries: () =>
          outbound("entries", () => {
            if (world.isPolicyDown) throw new Error("the policy object is not there");
            return [...world.policy.values()];
          }),
      }),
      replay: (delivery) => outbound("replay", () => world.replay(delivery)),
    });

    function count<Target extends object, Method extends keyof Target & string>(
      target: Target,
      method: Method,
    ): void {
      const original = target[method];
      if (typeof original !== "function") throw new Error(`${method} is no method`);
      Object.defineProperty(target, method, {
        value: (...args: unknown[]): unknown => {
          world.fate.storage(method, die);
          return Reflect.apply(original, target, args);
        },
      });
    }
  }
}
