import fc from "fast-check";
import { it } from "vitest";
import { ANSWER_SECONDS, endings } from "../../../src/traffic/endings.ts";
import { aSecond } from "../../support/signals.ts";

const UNTIL = 10;

it.for([
  ["all answered at once", { asked: 10, served: 10 }, {}, { requests: 10, failed: 0 }],
  ["some with errors", { asked: 10, served: 6, failed: 4 }, {}, { requests: 10, failed: 4 }],
  ["none answered", { asked: 10 }, {}, { requests: 10, failed: 10 }],
  ["half answered", { asked: 10, served: 5 }, {}, { requests: 10, failed: 5 }],
  ["answered later", { asked: 10 }, { served: 10 }, { requests: 10, failed: 0 }],
  ["asked just now", {}, { asked: 10 }, { requests: 0, failed: 0 }],
  ["asked before the window", { served: 10 }, {}, { requests: 10, failed: 0 }],
  [
    "a guard that does not count who asks",
    { served: 9, failed: 1 },
    {},
    { requests: 10, failed: 1 },
  ],
] as const)("%s", ([, early, late, expected], { expect }) => {
  const seconds = [
    aSecond({ second: UNTIL - ANSWER_SECONDS, ...early }),
    aSecond({ second: UNTIL - ANSWER_SECONDS + 1, ...late }),
  ];
  expect(endings(seconds, UNTIL)).toEqual(expected);
});

it("misses nobody where answers are in time, however traffic grows and ends", ({ expect }) => {
  const request = fc.record({
    at: fc.integer({ min: -5, max: UNTIL }),
    tookSeconds: fc.nat(ANSWER_SECONDS),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 200 }), (requests) => {
      const seconds = Array.from({ length: UNTIL }, (_, at) =>
        aSecond({
          second: at + 1,
          asked: requests.filter((one) => one.at === at + 1).length,
          served: requests.filter((one) => one.at + one.tookSeconds === at + 1).length,
        }),
      );
      expect(endings(seconds, UNTIL).failed).toBe(0);
    }),
  );
});
