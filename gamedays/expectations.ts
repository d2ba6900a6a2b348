/** What every gameday promises, judged alike. Pure. */
import type { JournalRow } from "./firebreak.ts";
import type { Expectation, Times } from "./gameday.ts";
import { countOf } from "./incident.ts";
import type { Scenario } from "./scenario.ts";
import { seconds, since } from "./time.ts";

export const expect = (id: string, says: string, ok: boolean, saw: string): Expectation => ({
  id,
  says,
  ok,
  saw,
});

export const completed = ({ brokenOff }: { readonly brokenOff: string | null }): Expectation =>
  expect("completed", "the scenario ran to its end", brokenOff === null, brokenOff ?? "it did");

export function detectedInTime(
  { times }: { readonly times: Times },
  limits: Scenario["expect"],
): Expectation {
  const tookMs = since(times.faultAtMs, times.detectedAtMs);
  return expect(
    "detected",
    `detected within ${seconds(limits.detected_within)} of the fault`,
    tookMs !== null && tookMs <= limits.detected_within,
    seconds(tookMs),
  );
}

type After = { readonly policyEntries: readonly unknown[]; readonly postmortem: string };

export function leasesAreTakenBack({
  rows,
  after,
}: {
  readonly rows: JournalRow[];
  readonly after: Pick<After, "policyEntries"> | null;
}): Expectation {
  const count = (type: string): number => countOf({ rows }, type);
  const [reverted, expired] = [count("lease.reverted"), count("lease.expired")];
  return expect(
    "taken-back",
    "everything is taken back before it runs out, and nothing is left in the policy",
    reverted === count("lease.applied") && expired === 0 && after?.policyEntries.length === 0,
    `${reverted} taken back, ${expired} ran out, ${after?.policyEntries.length ?? "unknown"} entries left`,
  );
}

/** Brackets with something in them, but a tick box or the text of a link. */
const PLACEHOLDER = /\[(?![ x]\])[^\]\n]+\](?!\()/;

export function postmortemIsWhole({
  after,
}: {
  readonly after: Pick<After, "postmortem"> | null;
}): Expectation {
  const found = after === null ? null : PLACEHOLDER.exec(after.postmortem);
  return expect(
    "post-mortem",
    "the post-mortem is drafted, and no placeholder is left in it",
    after !== null && after.postmortem.includes("## Timeline") && found === null,
    after === null ? "not read" : (found?.[0] ?? `${after.postmortem.length} characters`),
  );
}
