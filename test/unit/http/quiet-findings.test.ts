/** Silences and maintenance windows, as doctor names them. */
import { describe, it } from "vitest";
import { quietFindings } from "../../../src/http/quiet-findings.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);

describe("what is quiet because somebody wanted it so", () => {
  const HOUR_MS = 3_600_000;
  const silence = {
    id: `sil_${"0".repeat(26)}`,
    matchers: ['alertname="DiskFull"'],
    startsAtMs: NOW_MS - HOUR_MS,
    endsAtMs: NOW_MS + HOUR_MS,
    author: "ada",
    comment: "CHG-7",
    revision: 1,
    changes: [],
  };
  const found = (...silences: readonly (typeof silence)[]) =>
    quietFindings({ silences, nowMs: NOW_MS });

  it("is named while it is in force, with until when, whose it is and how it ends", ({
    expect,
  }) => {
    expect(found(silence)).toEqual([
      {
        kind: "silence",
        id: silence.id,
        state: "due",
        detail:
          'a silence keeps alertname="DiskFull" quiet until 2026-11-23 13:00:00 UTC; ada: CHG-7',
        mend: `it ends by itself; sooner by DELETE /_firebreak/api/v1/silences/${silence.id}`,
      },
    ]);
  });

  it("is named before it begins and not once it is over, those that end first before the others", ({
    expect,
  }) => {
    const over = { ...silence, endsAtMs: NOW_MS };
    const pending = {
      ...silence,
      id: `win_${"1".repeat(26)}`,
      startsAtMs: NOW_MS + 1,
      endsAtMs: NOW_MS + 2 * HOUR_MS,
    };
    expect(found(pending, over, silence)).toMatchObject([
      { id: silence.id, state: "due" },
      {
        id: pending.id,
        state: "ok",
        detail: expect.stringMatching(/^maintenance keeps .* from 2026-11-23 12:00:00 UTC until/),
        mend: expect.stringContaining("maintenance-windows/win_"),
      },
    ]);
  });

  it("is nothing that anybody could be asked about when nobody answers", ({ expect }) => {
    expect(quietFindings({ silences: null, nowMs: NOW_MS })).toEqual([]);
  });
});
