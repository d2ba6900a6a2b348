/** What every gameday promises, judged alike. Pure. */
import { z } from "zod";
import type { JournalRow } from "./firebreak.ts";
import type { Expectation, Times } from "./gameday.ts";
import { countOf } from "./incident.ts";
import type { PagerState } from "./pager.ts";
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

const PAGER = "pager";
const requested = z.looseObject({ channel: z.literal(PAGER), message: z.string() });

/** `opened`, whatever the message is about. */
const kindOf = (message: string): string => message.split(":")[0] ?? message;

/** What a pager hears first: the opening, or what raised an incident that was nobody's to be woken for. */
const WAKES: readonly string[] = ["opened", "severity_raised"];

/** The on-call's pager gets what the incident wants said there: signed, each message once, first what wakes them, its end last. */
export function pagerIsTold({
  rows,
  pager,
  incident,
}: {
  readonly rows: readonly JournalRow[];
  readonly pager: PagerState;
  readonly incident: string | null;
}): Expectation {
  const pages = pager.pages.filter(({ payload }) => payload.data.incident === incident);
  const came = pages.map(({ payload }) => payload.data.message);
  const asked = rows.flatMap(({ type, data }) =>
    type === "message.requested" ? (requested.safeParse(data).data?.message ?? []) : [],
  );
  const isOver = rows.some(({ type }) => type === "incident.resolved");
  const twice = pages.filter(({ deliveries }) => deliveries !== 1).length;
  return expect(
    "paged",
    "the on-call is paged from what wakes them to the end: each message once, signed, none missing",
    came.length > 0 &&
      came.toSorted().join("\n") === asked.toSorted().join("\n") &&
      new Set(came).size === came.length &&
      WAKES.includes(kindOf(came[0] ?? "")) &&
      (!isOver || kindOf(came.at(-1) ?? "") === "resolved") &&
      twice === 0 &&
      pager.refused === 0,
    `${came.map(kindOf).join(", ") || "no page"}; ${asked.length} asked for, ${twice} came twice, ${pager.refused} refused`,
  );
}

/** Whoever reads the status page is told of the incident from its beginning to its end, and nothing twice in a row. */
export function publicIsTold({
  after,
}: {
  readonly after: { readonly publicStatuses: readonly string[] } | null;
}): Expectation {
  const told = after?.publicStatuses ?? [];
  return expect(
    "public",
    "the status page tells of the incident from its beginning to its end",
    told[0] === "investigating" &&
      told.at(-1) === "resolved" &&
      told.every((status, index) => status !== told[index + 1]),
    told.join(", ") || "nothing",
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
