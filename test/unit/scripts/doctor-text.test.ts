import { it } from "vitest";
import { doctorText } from "../../../scripts/doctor/text.ts";

it("lists what is there, and under it the line that mends it", ({ expect }) => {
  const text = doctorText({
    source: "https://shop.example, as it says of itself",
    ok: false,
    site: [{ kind: "monitor", id: "tick", state: "ok", detail: null, mend: null }],
    playbooks: [
      {
        playbook: "outage",
        findings: [
          { kind: "owner", id: "platform-team", state: "ok", detail: null, mend: null },
          {
            kind: "signal",
            id: "postgres.latency_ms",
            state: "failing",
            detail: "unknown: timeout",
            mend: "check that the database runs",
          },
        ],
      },
    ],
  });
  expect(text).toBe(
    [
      "https://shop.example, as it says of itself",
      "",
      "site",
      "  ok       monitor   tick",
      "",
      "outage",
      "  ok       owner     platform-team",
      "  failing  signal    postgres.latency_ms  unknown: timeout",
      "           → check that the database runs",
      "",
      "Something that a playbook needs is failing: 1 failing, 0 missing, 0 due.",
    ].join("\n"),
  );
});
