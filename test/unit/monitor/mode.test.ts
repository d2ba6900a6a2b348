import { it } from "vitest";
import { modeOf } from "../../../src/monitor/mode.ts";
import type { Override } from "../../../src/playbooks/params.ts";

const mode = (playbook: string, value: string): Override => ({
  playbook,
  param: "mode",
  value,
  by: "ada",
  reason: "a test",
  expiresAtMs: 1,
});

const ROWS = [
  ["as declared", "shadow", [], "shadow"],
  ["the site's override wins over what is declared", "shadow", [mode("site", "on")], "on"],
  ["a playbook may be more careful", "on", [mode("outage", "off")], "off"],
  ["a playbook may not be bolder", "shadow", [mode("outage", "on")], "shadow"],
  ["another playbook's does not matter", "on", [mode("ddos", "off")], "on"],
] as const;

it.for(ROWS)("%s", ([, declared, overrides, expected], { expect }) => {
  expect(modeOf(declared, overrides, "outage")).toBe(expected);
});

it("for the site, leaves the playbooks' aside", ({ expect }) => {
  expect(modeOf("on", [mode("outage", "off")], null)).toBe("on");
});
