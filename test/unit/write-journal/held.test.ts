import { it } from "vitest";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { isHeld } from "../../../src/write-journal/held.ts";
import { anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 100_000;
const held = (changes: Partial<PolicyEntry>, settings: Partial<GuardSettings> = {}) =>
  isHeld("/webhooks/pay", {
    entries: [anEntry(changes)],
    settings: aSettings(settings),
    nowMs: NOW_MS,
  });

it.for([
  ["maintenance", {}, {}, true],
  ["maintenance that is being released", { share: 0.2 }, {}, true],
  ["maintenance for nobody", { share: 0 }, {}, false],
  ["maintenance in shadow", { mode: "shadow" }, {}, false],
  ["maintenance that has expired", { expiresAtMs: NOW_MS }, {}, false],
  ["a window that has not begun", { match: { startsAtMs: NOW_MS + 1 } }, {}, false],
  ["a window that has", { match: { startsAtMs: NOW_MS } }, {}, true],
  ["maintenance elsewhere", { match: { routes: ["/shop/*"] } }, {}, false],
  ["maintenance here", { match: { routes: ["/webhooks/*"] } }, {}, true],
  ["maintenance, exempt", {}, { maintenanceExempt: ["/webhooks/*"] }, false],
  ["read-only", { kind: "read-only" }, {}, true],
  ["read-only, exempt", { kind: "read-only" }, { readOnlyExempt: ["/webhooks/pay"] }, false],
  [
    "its feature switched off",
    { kind: "disabled-feature", match: { routes: ["/webhooks/*"] } },
    {},
    true,
  ],
  ["a backlog", { kind: "write-journal", match: { routes: ["/webhooks/*"] } }, {}, false],
  ["a kind of a later version", { kind: "queue" }, {}, false],
] as const)("%s: %s", ([, entry, settings, expected], { expect }) => {
  expect(held(entry as Partial<PolicyEntry>, settings as Partial<GuardSettings>)).toBe(expected);
});
