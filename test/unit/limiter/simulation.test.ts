/** The stated bounds of the lease scheme, on a virtual clock. The same figures, and the calls they cost: `npm run bench -- limits`. */
import { it } from "vitest";
import { simulate, type Scenario } from "../../support/limits.ts";

const LOADS = [0.5, 1, 2, 10, 200];
const SEEDS = [1, 2, 3];
const base = { limit: 100, windowMs: 10_000, seconds: 60 };

const errorOf = (scenario: Scenario): number => {
  const { admitted, exact } = simulate(scenario);
  return admitted / exact - 1;
};

const cases = [1, 4, 16, 64].flatMap((isolates) =>
  (["even", "skewed"] as const).flatMap((spread) =>
    (["random", "paced"] as const).map((arrivals) => ({ isolates, spread, arrivals })),
  ),
);

it.for(cases)(
  "stays within its bound: $isolates isolates, $spread, $arrivals",
  ({ isolates, spread, arrivals }, { expect }) => {
    const bound = isolates <= 16 ? 0.05 : 0.15;
    for (const load of LOADS) {
      for (const seed of SEEDS) {
        const error = errorOf({ ...base, isolates, spread, arrivals, load, seed });
        expect(Math.abs(error), `${load} x, seed ${seed}: ${error}`).toBeLessThanOrEqual(bound);
      }
    }
  },
);

it("admits in no window more than burst, pace and half a limit more, or one per isolate", ({
  expect,
}) => {
  for (const isolates of [1, 4, 16, 64]) {
    for (const load of LOADS) {
      const { busiestWindow } = simulate({ ...base, isolates, load, seed: 1 });
      const most = 200 + Math.max(50, 3 * isolates);
      expect(busiestWindow, `${isolates} isolates, ${load} x`).toBeLessThanOrEqual(most);
    }
  }
});

it("waits for the shard on fewer than 3 of 100 requests, and never below the limit", ({
  expect,
}) => {
  for (const isolates of [1, 4, 16, 64]) {
    for (const load of LOADS) {
      const { waited, offered, admitted } = simulate({ ...base, isolates, load, seed: 2 });
      expect(waited / offered).toBeLessThan(0.03);
      if (load === 0.5) expect([waited, admitted]).toEqual([0, offered]);
    }
  }
});

it("ends the same for the same seed, and otherwise for another", ({ expect }) => {
  const scenario = { ...base, isolates: 16, load: 2, seed: 5 };
  expect(simulate(scenario)).toEqual(simulate(scenario));
  expect(simulate(scenario)).not.toEqual(simulate({ ...scenario, seed: 6 }));
});
