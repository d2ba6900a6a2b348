import fc from "fast-check";
import { describe, it } from "vitest";
import { NOTE_CHARACTERS_MAX } from "../../../src/signals/collect.ts";
import {
  learn,
  NOTHING_USUAL,
  READINGS_MIN,
  usualAt,
  usualTraffic,
  WEEKS_KEPT,
  WEEKS_MIN,
  type UsualTraffic,
} from "../../../src/signals/usual-traffic.ts";

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
const T0 = 2_900 * WEEK_MS + 15 * HOUR_MS;

/** An hour of readings, and the first of the next, which ends it. */
function anHour(known: UsualTraffic, fromMs: number, perSecond: number, readings = 60) {
  let learnt = known;
  for (let at = 0; at < readings; at += 1) {
    learnt = learn(learnt, perSecond, fromMs + (at * HOUR_MS) / readings);
  }
  return learn(learnt, 0, fromMs + HOUR_MS);
}

/** The same hour of so many weeks, one rate each. */
const weeksOf = (rates: readonly number[]): UsualTraffic =>
  rates.reduce((known, rate, week) => anHour(known, T0 + week * WEEK_MS, rate), NOTHING_USUAL);

describe("the usual traffic of an hour", () => {
  it("is the median of earlier weeks, and unknown before there are enough", ({ expect }) => {
    const said = [[10], [10, 30], [10, 30, 11], [10, 30, 11, 0]].map((rates) =>
      usualAt(weeksOf(rates), T0 + rates.length * WEEK_MS),
    );
    expect(said).toEqual([
      null,
      { perSecond: 20, weeks: 2 },
      { perSecond: 11, weeks: 3 },
      { perSecond: 10.5, weeks: 4 },
    ]);
    expect(WEEKS_MIN).toBe(2);
  });

  it("is of that hour of the week alone, and never of the hour that is going on", ({ expect }) => {
    const known = weeksOf([10, 10]);
    expect(usualAt(known, T0 + 2 * WEEK_MS + HOUR_MS)).toBeNull();
    expect(usualAt(known, T0 + 2 * WEEK_MS - HOUR_MS)).toBeNull();
    expect(usualAt(weeksOf([10, 50]), T0 + WEEK_MS + HOUR_MS / 2)).toBeNull();
  });

  it("forgets what is older than the weeks that it keeps", ({ expect }) => {
    expect(usualAt(weeksOf([10, 10]), T0 + (2 + WEEKS_KEPT) * WEEK_MS)).toBeNull();
    const many = weeksOf([1, 1, 1, 1, 9, 9, 9, 9]);
    expect(usualAt(many, T0 + 8 * WEEK_MS)).toEqual({ perSecond: 9, weeks: 4 });
  });

  it("learns nothing from an hour of which it saw too little", ({ expect }) => {
    const seen = (readings: number) =>
      Object.keys(anHour(NOTHING_USUAL, T0, 10, readings).weeks).length;
    expect([READINGS_MIN - 1, READINGS_MIN].map(seen)).toEqual([0, 1]);
  });

  it("stays as JSON gives it back, and bounded, whatever comes in whatever order", ({ expect }) => {
    const reading = fc.record({
      atMs: fc.integer({ min: 0, max: 3 * WEEK_MS }),
      perSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 300 }), (readings) => {
        const known = readings.reduce(
          (held, one) => learn(held, one.perSecond, T0 + one.atMs),
          NOTHING_USUAL,
        );
        expect(usualTraffic.parse(JSON.parse(JSON.stringify(known)))).toEqual(known);
        expect(Object.keys(known.weeks).length).toBeLessThanOrEqual(168);
      }),
    );
  });

  it("fits into what a source may keep, with every hour of every week that is kept", ({
    expect,
  }) => {
    let known = NOTHING_USUAL;
    for (let hour = 0; hour <= WEEKS_KEPT * 168; hour += 1) {
      for (let reading = 0; reading < READINGS_MIN; reading += 1) {
        const atMs = T0 + hour * HOUR_MS + (reading * HOUR_MS) / READINGS_MIN;
        known = learn(known, 9_999 + hour / 7 + reading / 3, atMs);
      }
    }
    expect(Object.values(known.weeks).flat()).toHaveLength(WEEKS_KEPT * 168);
    expect(JSON.stringify(known).length).toBeLessThan(NOTE_CHARACTERS_MAX);
  });
});
