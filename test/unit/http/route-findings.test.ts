/** The doctor says which incidents would be told to nobody. */
import { describe, it } from "vitest";
import { routeFindings } from "../../../src/http/route-findings.ts";
import type { Routed } from "../../../src/playbooks/site-channels.ts";
import { compiledWith } from "../playbooks/support.ts";

const said = (channels: readonly Routed[]) =>
  routeFindings({ channels, playbooks: [compiledWith()] });

describe("incidents that are told to nobody", () => {
  it("are none where a channel hears what wakes people, of all playbooks", ({ expect }) => {
    expect(said([{ id: "pager", severities: ["SEV-1", "SEV-2"] }])).toEqual([]);
  });

  it("are those of a severity that no channel hears", ({ expect }) => {
    expect(said([{ id: "pager", severities: ["SEV-1"] }])).toEqual([
      {
        kind: "channel",
        id: "SEV-2",
        state: "missing",
        detail: "no channel hears of SEV-2",
        mend: "add SEV-2 to severities of a channel in playbooks/site.yaml",
      },
    ]);
  });

  it("are those of playbooks that none of its channels takes, tickets too", ({ expect }) => {
    const tickets = { id: "tickets", severities: ["SEV-3" as const], playbooks: ["security"] };
    expect(said([{ id: "pager", severities: ["SEV-1", "SEV-2"] }, tickets])).toMatchObject([
      { id: "SEV-3", state: "missing", detail: "no channel takes SEV-3 of right, plain" },
    ]);
  });

  it("are no news where nothing is told at all", ({ expect }) => {
    expect(said([])).toEqual([]);
  });
});
