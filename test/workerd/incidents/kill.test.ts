/** One outage from open to resolved, lived once for every storage call and outbound call it makes, and ended there. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { IncidentCommand } from "../../../src/incidents/command.ts";
import { T0 } from "../../support/incident.ts";
import { RELAYED } from "./world.ts";
import { AGREED, DONE_AWAY, Life, OUTAGE, outcomeOf, SELECTED } from "./life.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

/** What the restriction of every visitor is to the public, from its beginning to its end. */
const TOLD = {
  components: { "5551": "operational" },
  incidents: [{ status: "resolved", name: "Test: partial outage" }],
};

/** Split, so that a failure names its quarter. */
const QUARTERS = [0, 1, 2, 3] as const;
const LIVES = [
  { what: "mitigated by a lease", commands: OUTAGE },
  { what: "ended by an act", commands: DONE_AWAY },
  { what: "ended by an act that two people agreed to", commands: AGREED },
  { what: "about somebody who is found out", commands: SELECTED },
] as const;

describe("an incident that dies at its n-th storage or outbound call", () => {
  it.for(LIVES.flatMap((life) => QUARTERS.map((quarter) => ({ ...life, quarter }))))(
    "lives the same life $what, every n of quarter $quarter",
    { timeout: 600_000 },
    async ({ commands, quarter }, { expect }) => {
      const { outcome, points } = await undisturbed(commands);
      expect(points).toBeGreaterThan(100);
      expect(outcome.thrown).toHaveLength([DONE_AWAY, AGREED].includes(commands) ? 1 : 0);
      if (commands === OUTAGE) expect(outcome.page).toMatchObject(TOLD);
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

it(
  "touches nobody who was not written down before, however often it dies",
  { timeout: 600_000 },
  async ({ expect }) => {
    const { points } = await undisturbed(SELECTED);
    for (let dieAt = 1; dieAt <= points; dieAt += 1) {
      const life = new Life();
      life.world.isFickle = true;
      life.world.fate.dieAt = dieAt;
      await life.live(SELECTED);
      const where = `${dieAt}: ${life.world.fate.points[dieAt - 1]}`;
      const selected = (await life.journal()).flatMap(({ type, data }) =>
        type === "lease.selected" || type === "lease.widened" ? [data] : [],
      );
      const written = selected.map(
        (data) => (data as { with: { networks: unknown } }).with.networks,
      );
      expect(written, where).toHaveLength(2);
      expect(life.world.put.length, where).toBeGreaterThanOrEqual(2);
      for (const networks of life.world.put) expect(written, where).toContainEqual(networks);
    }
  },
);

async function undisturbed(commands: readonly IncidentCommand[]) {
  const life = new Life();
  life.world.site = RELAYED;
  await life.live(commands);
  return { points: life.world.fate.points.length, outcome: await outcomeOf(life) };
}
