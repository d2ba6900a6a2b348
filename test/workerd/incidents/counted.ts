/** What ends an object under test: every storage call it makes passes by the fate of the world of its name. */
import { DEATH, worldOf, type World } from "./world.ts";

type Counted = {
  readonly world: World;
  readonly die: () => void;
  /** What the runtime does with everything that leaves an object: it waits for what was written before. */
  readonly leave: () => Promise<void>;
};

/** Puts a count in front of everything the object asks of its storage. */
export function counted(ctx: DurableObjectState): Counted {
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
      // Tests that end an object in their own way put theirs in front of this one.
      configurable: true,
      writable: true,
      value: (...args: unknown[]): unknown => {
        world.fate.storage(method, die);
        return Reflect.apply(original, target, args);
      },
    });
  }
}
