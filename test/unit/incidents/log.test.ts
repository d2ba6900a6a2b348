import { it, onTestFinished, vi } from "vitest";
import { sayRows } from "../../../src/incidents/log.ts";
import { Drive } from "../../support/incident.ts";

it("has a line for each event, found by the incident's id, and nobody's words", ({ expect }) => {
  const info = vi.spyOn(console, "info").mockImplementation(() => {});
  onTestFinished(() => info.mockRestore());
  const incident = new Drive().open();
  incident.do("note", { text: "the password is hunter2" });
  sayRows("inc_1", incident.journal);
  const lines = info.mock.calls.map(([line]): unknown => JSON.parse(String(line)));
  expect(lines).toHaveLength(incident.journal.length);
  expect(lines.at(-1)).toEqual({
    level: "info",
    part: "incidents",
    incident: "inc_1",
    seq: incident.journal.length,
    event: "incident.noted",
    by: "person",
    cause: "cmd-2",
    atMs: incident.atMs,
  });
  expect(info.mock.calls.join()).not.toContain("hunter2");
});
