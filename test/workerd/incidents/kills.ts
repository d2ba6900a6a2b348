/** A life from open to resolved, lived once for every storage call and outbound call it makes, and ended there. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { IncidentCommand } from "../../../src/incidents/command.ts";
import { T0 } from "../../support/incident.ts";
import { Life, outcomeOf } from "./life.ts";
import { RELAYED } from "./world.ts";

/** Nothing asserted here knows of the time that a sweep takes. */
export const SWEEP = { timeout: 600_000 } as const;

/** Split, so that a failure names its quarter. */
const QUARTERS = [0, 1, 2, 3] as const;

export type Killed = {
  readonly what: string;
  readonly commands: readonly IncidentCommand[];
  /** How often the life's act is thrown. */
  readonly thrown: 0 | 1;
  /** What the public's page says in the end, where that is promised. */
  readonly page?: object;
};

/** For each test of the file. */
export function frozenClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: T0, toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
  });
}

/** Whenever the object dies, what happened, what is so, and what the world looks like are the same in the end. */
export function describeKills(lives: readonly Killed[]): void {
  describe("an incident that dies at its n-th storage or outbound call", () => {
    it.for(lives.flatMap((life) => QUARTERS.map((quarter) => ({ ...life, quarter }))))(
      "lives the same life $what, every n of quarter $quarter",
      SWEEP,
      async ({ commands, thrown, page, quarter }, { expect }) => {
        const { outcome, points } = await undisturbed(commands);
        expect(points).toBeGreaterThan(100);
        expect(outcome.thrown).toHaveLength(thrown);
        if (page !== undefined) expect(outcome.page).toMatchObject(page);
        // All messages after the first are about what the first one made.
        expect(new Set(Object.values(outcome.refs)).size).toBe(2);
        for (let dieAt = quarter + 1; dieAt <= points; dieAt += QUARTERS.length) {
          const life = new Life();
          life.world.site = RELAYED;
          life.world.fate.dieAt = dieAt;
          await life.live(commands);
          const where = `${dieAt}: ${life.world.fate.points[dieAt - 1]}`;
          expect({ where, deaths: life.deaths > 0 }).toEqual({ where, deaths: true });
          expect({ where, ...(await outcomeOf(life)) }).toEqual({ where, ...outcome });
          // At least once, under one id; more than twice would be another fault than this death.
          expect(Math.max(...life.world.messages.values()), where).toBeLessThanOrEqual(2);
        }
      },
    );
  });
}

/** The same life when nothing ends it, and how many points it has at which it may end. */
export async function undisturbed(commands: readonly IncidentCommand[]) {
  const life = new Life();
  life.world.site = RELAYED;
  await life.live(commands);
  return { points: life.world.fate.points.length, outcome: await outcomeOf(life) };
}
