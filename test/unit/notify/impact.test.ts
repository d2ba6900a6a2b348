/** What a message says of the harm: what was measured of it when it was asked for, and nothing that was not. */
import { it } from "vitest";
import { evolve } from "../../../src/incidents/evolve.ts";
import { readEvent } from "../../../src/incidents/journal.ts";
import { initialState } from "../../../src/incidents/state.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { plainSite } from "../../../src/notify/message-site.ts";
import { messagesFor } from "../../../src/notify/pipeline.ts";

import { aJournal } from "../../support/journal.ts";

const SITE = plainSite({
  title: "Shop",
  url: null,
  channels: [{ id: "on-call", severities: ["SEV-1"] }],
});
const PROBES = "% of probes fail, and of visitors it is not known yet.";

it.for([
  [
    "what visitors meet",
    { "traffic.error_ratio": 0.824, "probe.around_success_ratio": 0 },
    "82 % of requests fail.",
  ],
  [
    "no harm where visitors meet none",
    { "traffic.error_ratio": 0, "probe.around_success_ratio": 0 },
    null,
  ],
  [
    "what probes meet, where visitors are not seen",
    { "probe.around_success_ratio": 0.25 },
    "75 % of probes fail.",
  ],
  [
    "what probes meet, where visitors could not be counted",
    { "traffic.error_ratio": null, "probe.around_success_ratio": 0 },
    `100 ${PROBES}`,
  ],
  [
    "which share of visitors met it, where that is known",
    { "traffic.error_ratio": 0.82, "traffic.harmed_addresses_ratio": 0.4 },
    "82 % of requests fail, and 40 % of visitors (by address) met that.",
  ],
  [
    "no share of visitors that nobody counted",
    { "traffic.error_ratio": 0.82, "traffic.harmed_addresses_ratio": null },
    "82 % of requests fail.",
  ],
  ["a trace of requests", { "traffic.error_ratio": 0.004 }, "under 1 % of requests fail."],
  ["next to all requests", { "traffic.error_ratio": 0.996 }, "over 99 % of requests fail."],
  ["nothing of what was not measured", { "traffic.error_ratio": null }, null],
  ["no probe that passes", { "probe.around_success_ratio": 1 }, null],
] as const)("the impact is %s", ([, values, said], { expect }) => {
  const readings = Object.entries(values).map(([signal, value]) =>
    value === null ? { signal, unknown: "timeout" } : { signal, value },
  );
  const [row] = aJournal({ readings }).rows;
  if (row === undefined) throw new Error("nothing was opened");
  const view = viewOf(evolve(initialState, row), null);
  const event = readEvent(row);
  if (view === null || event === null) throw new Error("nothing was opened");
  const [opened] = messagesFor(event, view, SITE, row.atMs);
  const measured = /^Impact: The shop is down for everybody\.(?: Measured: (.*))?$/m.exec(
    opened?.body ?? "",
  );
  expect(measured).not.toBeNull();
  expect(measured?.[1] ?? null).toBe(said);
});
