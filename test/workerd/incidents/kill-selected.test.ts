/** The same for a mitigation that finds out whom it is about: in a file of its own, so that both workers have their share. */
import { it } from "vitest";
import { describeKills, frozenClock, SWEEP, undisturbed } from "./kills.ts";
import { Life, SELECTED } from "./life.ts";

frozenClock();

describeKills([{ what: "about somebody who is found out", commands: SELECTED, thrown: 0 }]);

it(
  "touches nobody who was not written down before, however often it dies",
  SWEEP,
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
