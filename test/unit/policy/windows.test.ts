import { it } from "vitest";
import { compilePolicy } from "../../../src/policy/compile.ts";
import { knownEntry } from "../../../src/policy/kinds.ts";
import { nextChangeMs, windowEntry, windowsIn, type Window } from "../../../src/policy/windows.ts";
import { anEntry, aSettings } from "../../support/policy.ts";

const START_MS = 50_000;
const END_MS = 90_000;
const window: Window = {
  id: "win_1",
  kind: "maintenance",
  message: "We move the database.",
  reason: "CHG-7",
  startsAtMs: START_MS,
  endsAtMs: END_MS,
};
const entry = windowEntry(window, "shop.test/maintenance-windows");

function entriesAt(nowMs: number) {
  const compiled = compilePolicy({
    instance: "shop.test",
    previous: { epoch: 1, n: 1 },
    networks: null,
    entries: [entry],
    settings: aSettings(),
    nowMs,
  });
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value.entries;
}

it("hands out a window that has not begun in words that a guard of the version before leaves alone", ({
  expect,
}) => {
  const [before] = entriesAt(START_MS - 1);
  // `match` is strict: a word that a version does not know makes it leave the entry alone, and count it.
  expect(before?.match).toEqual({ startsAtMs: START_MS });
});

it("hands it out as plain maintenance once it has begun", ({ expect }) => {
  const [begun] = entriesAt(START_MS);
  expect(begun).toMatchObject({ kind: "maintenance", match: {} });
  expect(begun && knownEntry(begun, [])).toMatchObject({ startsAtMs: null });
});

it("is the same window before and after it begins", ({ expect }) => {
  expect(windowsIn(entriesAt(0))).toEqual([window]);
  expect(windowsIn(entriesAt(START_MS))).toEqual([window]);
  expect(windowsIn(entriesAt(END_MS))).toEqual([]);
});

it("is told from a lease", ({ expect }) => {
  expect(windowsIn([anEntry()])).toEqual([]);
});

it("knows when guards must hear something new", ({ expect }) => {
  expect(nextChangeMs([])).toBe(Infinity);
  expect(nextChangeMs(entriesAt(0))).toBe(START_MS);
  expect(nextChangeMs(entriesAt(START_MS))).toBe(END_MS);
});
