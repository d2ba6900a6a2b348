import { describe, it } from "vitest";
import {
  checkOverride,
  OVERRIDE_MS_MAX,
  OVERRIDE_REASON_MAX,
} from "../../../src/playbooks/overrides.ts";
import { effectiveParams, type Override } from "../../../src/playbooks/params.ts";
import { compiledWith } from "./support.ts";

const NOW = 1_000_000_000_000;
const RIGHT: Override = {
  playbook: "right",
  param: "hold",
  value: "5s",
  by: "ada",
  reason: "gameday",
  expiresAtMs: NOW + 60_000,
};
const check = (change: Partial<Override>) =>
  checkOverride({ ...RIGHT, ...change }, [compiledWith()], NOW);

describe("an override may be set when it", () => {
  const rows = [
    ["is a duration in range", {}],
    ["is a number in range", { param: "share", value: 0 }],
    ["is a whole number", { param: "count", value: 9 }],
    ["is yes or no", { param: "strict", value: false }],
    ["is text", { param: "word", value: "" }],
    ["switches the playbook's automation", { param: "mode", value: "off" }],
    ["switches the site's automation", { playbook: "site", param: "mode", value: "shadow" }],
    ["changes the cadence", { playbook: "site", param: "cadence_alert", value: "1s" }],
    ["ends at the last moment allowed", { expiresAtMs: NOW + OVERRIDE_MS_MAX }],
    ["ends at once", { expiresAtMs: NOW + 1 }],
  ] as const;

  it.for(rows)("%s", ([, change], { expect }) => {
    expect(check(change)).toBeNull();
  });
});

describe("an override is refused when it", () => {
  const rows = [
    [
      "names no playbook",
      { playbook: "rigth" },
      'unknown playbook "rigth"; did you mean "right"? known: right, site',
    ],
    [
      "names no param",
      { param: "hld" },
      'unknown param "hld"; did you mean "hold"? known: count, hold, mode, share, strict, word',
    ],
    ["names what objects inherit", { param: "constructor" }, /^unknown param "constructor"/],
    ["is above the range", { param: "share", value: 1.1 }, "share: 1.1 is outside 0 to 1"],
    ["is below the range", { param: "share", value: -0.1 }, "share: -0.1 is outside 0 to 1"],
    ["is not a number", { param: "share", value: Number.NaN }, /^share: .* is not a number$/],
    ["is not whole", { param: "count", value: 1.5 }, "count: 1.5 is not a whole number"],
    ["is a duration as a number", { value: 5_000 }, 'hold: 5000 is not a duration such as "90s"'],
    ["is no duration", { value: "5 s" }, /^hold: "5 s" is not a duration/],
    ["is a duration below the range", { value: "999ms" }, 'hold: "999ms" is outside 1s to 1h'],
    ["is a reference", { value: "params.hold" }, /is not a duration/],
    [
      "is text for yes or no",
      { param: "strict", value: "true" },
      'strict: "true" is not true or false',
    ],
    ["is yes for text", { param: "word", value: true }, "word: true is not text"],
    ["is no mode", { param: "mode", value: "auto" }, 'mode: "auto" is not one of on, shadow, off'],
    ["gives no reason", { reason: "  " }, /^reason: say why/],
    ["gives a novel", { reason: "x".repeat(OVERRIDE_REASON_MAX + 1) }, /^reason: longer than/],
    ["never ends", { expiresAtMs: Number.POSITIVE_INFINITY }, "expiresAtMs is not a time"],
    ["has ended", { expiresAtMs: NOW }, "expiresAtMs is in the past"],
    ["ends too late", { expiresAtMs: NOW + OVERRIDE_MS_MAX + 1 }, /^an override ends within 30d/],
  ] as const;

  it.for(rows)("%s", ([, change, message], { expect }) => {
    const problem = check(change);
    expect(typeof message === "string" ? problem === message : message.test(problem ?? "")).toBe(
      true,
    );
  });
});

describe("effective params", () => {
  const { params } = compiledWith().spec;

  it("are the defaults, durations in milliseconds", ({ expect }) => {
    expect(effectiveParams(params, [], NOW)).toEqual({
      share: 0.5,
      hold: 30_000,
      count: 2,
      strict: true,
      word: "v1",
    });
  });

  it("are the last override that has not ended, to the millisecond", ({ expect }) => {
    const overrides = [RIGHT, { ...RIGHT, value: "7s", expiresAtMs: NOW + 10 }];

    expect(effectiveParams(params, overrides, NOW + 9)["hold"]).toBe(7_000);
    expect(effectiveParams(params, overrides, NOW + 10)["hold"]).toBe(5_000);
    expect(effectiveParams(params, overrides, NOW + 60_000)["hold"]).toBe(30_000);
  });
});

it("an override that the deployed param no longer takes counts for nothing", ({ expect }) => {
  const specs = compiledWith().spec.params;
  const stale = [
    { ...RIGHT, param: "hold", value: 5 },
    { ...RIGHT, param: "share", value: "5s" },
    { ...RIGHT, param: "count", value: 1e9 },
  ];
  expect(effectiveParams(specs, stale, NOW)).toEqual(effectiveParams(specs, [], NOW));
});
