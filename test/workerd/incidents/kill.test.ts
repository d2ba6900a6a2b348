/** One outage from open to resolved, lived once for every storage call and outbound call it makes, and ended there. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { T0 } from "../../support/incident.ts";
import { Life, OUTAGE, outcomeOf } from "./life.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

/** Split, so that a failure names its quarter. */
const QUARTERS = [0, 1, 2, 3] as const;

describe("an incident that dies at its n-th storage or outbound call", () => {
  it.for(QUARTERS)(
    "lives the same life, every n of quarter %i",
    { timeout: 600_000 },
    async (quarter, { expect }) => {
      const { outcome, points } = await undisturbed();
      expect(points).toBeGreaterThan(200);
      for (let dieAt = quarter + 1; dieAt <= points; dieAt += QUARTERS.length) {
        const life = new Life();
        life.world.fate.dieAt = dieAt;
        await life.live(OUTAGE);
        const where = `${dieAt}: ${life.world.fate.points[dieAt - 1]}`;
        expect({ where, deaths: life.deaths > 0 }).toEqual({ where, deaths: true });
        expect({ where, ...(await outcomeOf(life)) }).toEqual({ where, ...outcome });
        // At least once, under one id; more than twice would be another fault than this death.
        expect(Math.max(...life.world.messages.values()), where).toBeLessThanOrEqual(2);
      }
    },
  );
});

async function undisturbed() {
  const life = new Life();
  await life.live(OUTAGE);
  return { points: life.world.fate.points.length, outcome: await outcomeOf(life) };
}
