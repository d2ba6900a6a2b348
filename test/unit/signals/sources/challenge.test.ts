import { it } from "vitest";
import {
  challenge,
  COHORT_SECONDS,
  SOLVING_SECONDS,
} from "../../../../src/signals/sources/challenge.ts";
import { REPORT_AGE_MS_MAX } from "../../../../src/signals/sources/traffic.ts";
import { aPoll, aReach, aSecond, aWindow, NOW_MS } from "../../../support/signals.ts";

/** The newest second that is surely reported. */
const NEWEST = NOW_MS / 1_000 - 2;
const RECENT = NEWEST - SOLVING_SECONDS;
const ENDED = NEWEST - 300;
type Counts = Readonly<Record<string, number>>;

/** Answers with these counts for challenges put in these seconds. */
const poll = (
  bySecond: Readonly<Record<number, Counts>>,
  changes: Partial<ReturnType<typeof aWindow>> = {},
) => {
  const traffic = {
    ...aReach().traffic,
    window: async (seconds: number, untilSecond: number) => ({
      ...aWindow(),
      fromSecond: untilSecond - seconds,
      untilSecond,
      seconds: Object.entries(bySecond).map(([second, challenges]) =>
        aSecond({ second: Number(second), challenges }),
      ),
      ...changes,
    }),
  };
  return challenge.poll(aPoll({ traffic }));
};

it("is the share of one minute's challenges: while they are met, and when they have run out", async ({
  expect,
}) => {
  const answers = await poll({
    [ENDED - COHORT_SECONDS]: { issued: 1_000 },
    [ENDED - COHORT_SECONDS + 1]: { issued: 4, solved: 3 },
    [ENDED]: { issued: 6, solved: 6 },
    [ENDED + 1]: { issued: 1_000 },
    [RECENT - COHORT_SECONDS]: { issued: 1_000 },
    [RECENT - COHORT_SECONDS + 1]: { issued: 10, failed: 9 },
    [RECENT]: { issued: 10, solved: 5 },
    [RECENT + 1]: { issued: 1_000 },
  });
  expect(answers).toEqual({
    "challenge.solve_ratio": { value: 0.25 },
    "challenge.abandonment_ratio": { value: expect.closeTo(0.1) },
  });
});

it("knows no abandonment while the counters are younger than a challenge", async ({ expect }) => {
  const young = { fromSecond: ENDED - COHORT_SECONDS + 1 };
  expect(await poll({ [RECENT]: { issued: 2, solved: 1 }, [ENDED]: { issued: 1 } }, young)).toEqual(
    {
      "challenge.solve_ratio": { value: 0.5 },
      "challenge.abandonment_ratio": { unknown: "no_data", detail: expect.any(String) },
    },
  );
});

it("is unknown while nobody was challenged, whatever else was counted", async ({ expect }) => {
  expect(await poll({ [RECENT]: { failed: 3 } })).toMatchObject({
    "challenge.solve_ratio": { unknown: "no_data" },
    "challenge.abandonment_ratio": { unknown: "no_data" },
  });
});

it("is unknown when guards went silent or reports were lost", async ({ expect }) => {
  for (const doubt of [{ lostFlushes: 1 }, { lastFlushAtMs: NOW_MS - REPORT_AGE_MS_MAX - 1 }]) {
    expect(await poll({ [RECENT]: { issued: 1 }, [ENDED]: { issued: 1 } }, doubt)).toMatchObject({
      "challenge.solve_ratio": { unknown: "no_data" },
      "challenge.abandonment_ratio": { unknown: "no_data" },
    });
  }
});

it("never says that more were met than put, should the count of some be late", async ({
  expect,
}) => {
  expect(
    await poll({ [RECENT]: { issued: 1, solved: 2 }, [ENDED]: { issued: 1, solved: 2 } }),
  ).toEqual({
    "challenge.solve_ratio": { value: 1 },
    "challenge.abandonment_ratio": { value: 0 },
  });
});
