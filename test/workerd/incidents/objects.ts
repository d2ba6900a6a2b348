/** The product's incident and desk, each in the world of its name, with every storage call counted. */
import { DeskObject } from "../../../src/incidents/desk-object.ts";
import { IncidentObject } from "../../../src/incidents/incident-object.ts";
import { bundledOf, groundOf, SMALL_OUTAGE } from "../../support/incident.ts";
import { DEATH, worldOf, type World } from "./world.ts";

export class TestIncident extends IncidentObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const { world, die, leave } = counted(ctx);
    super(ctx, env, {
      ground: (playbook) => groundOf(playbook, world.site.channels, world.site),
      perform: async (effect, context) => {
        await leave();
        return world.perform(effect, context, die);
      },
    });
  }
}

export class TestDesk extends DeskObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    const { world, die, leave } = counted(ctx);
    super(ctx, env, {
      instance: "shop.test",
      playbook: (id) => (id === SMALL_OUTAGE.id ? bundledOf(SMALL_OUTAGE) : null),
      incident: (id) => ({
        async handle(command) {
          await leave();
          return world.handle(id, command, die);
        },
      }),
      newIncidentId: () => world.newIncidentId(),
      claims: () => false,
      quiet: world.quiet,
    });
  }
}

type Counted = {
  readonly world: World;
  readonly die: () => void;
  /** What the runtime does with everything that leaves an object: it waits for what was written before. */
  readonly leave: () => Promise<void>;
};

/** Puts a count in front of everything the object asks of its storage. */
function counted(ctx: DurableObjectState): Counted {
  const world = worldOf(ctx.id.name ?? "");
  const die = (): void => ctx.abort(DEATH);
  const { storage } = ctx;
  count(storage.sql, "exec");
  count(storage, "transactionSync");
  count(storage, "setAlarm");
  count(storage, "deleteAlarm");
  return { world, die, leave: () => storage.sync() };

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
