/**
 * What becomes of the challenges that guards put. Both ratios are of challenges that were put in one and the same minute, so
 * that neither moves because more or fewer are put. Many that are met say that people are challenged, many that are not that
 * machines are, or people who give up. While nothing was put, nothing is known.
 */
import { CHALLENGE_LIFE_MS } from "../../guard/challenge/issue.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { doubtAbout, REPORT_LAG_SECONDS } from "./traffic.ts";

/** Challenges put in this time are looked at together. */
export const COHORT_SECONDS = 60;
/** Whoever means to meet a challenge has by then, on the slowest phone. */
export const SOLVING_SECONDS = 30;

const LIFE_SECONDS = CHALLENGE_LIFE_MS / 1_000;
const LOOK_BACK_SECONDS = LIFE_SECONDS + COHORT_SECONDS;

const emits = ["challenge.solve_ratio", "challenge.abandonment_ratio"] as const;

export const challenge = defineSource({
  id: "challenge",
  emits,
  // While nobody comes, nobody is challenged.
  everyMs: { idle: 3_600_000, busy: 60_000, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs }) {
    const nowSecond = Math.floor(atMs / 1_000) - 1 - REPORT_LAG_SECONDS;
    const window = await traffic.window(LOOK_BACK_SECONDS, nowSecond);
    const doubt = doubtAbout(window, atMs);
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });
    const endedSecond = nowSecond - LIFE_SECONDS;
    return {
      "challenge.solve_ratio": answerOf(window, nowSecond - SOLVING_SECONDS, (solved) => solved),
      "challenge.abandonment_ratio":
        window.fromSecond > endedSecond - COHORT_SECONDS
          ? { unknown: "no_data", detail: "the counters are younger than a challenge" }
          : answerOf(window, endedSecond, (solved) => 1 - solved),
    };
  },
});

/** Of the challenges put in the minute that ended with `untilSecond`. */
function answerOf(
  { seconds }: TrafficWindow,
  untilSecond: number,
  ratioOf: (solved: number) => number,
): Answer {
  const cohort = seconds.filter(
    ({ second }) => second > untilSecond - COHORT_SECONDS && second <= untilSecond,
  );
  const sum = (event: "issued" | "solved"): number =>
    cohort.reduce((total, { challenges }) => total + (challenges[event] ?? 0), 0);
  const issued = sum("issued");
  return issued === 0
    ? { unknown: "no_data", detail: "nobody was challenged in that minute" }
    : { value: ratioOf(Math.min(1, sum("solved") / issued)) };
}
