/** The lessons that the journal itself can tell, and the work that follows from them. What needs a mind is left to one, and says so. */
import { pages } from "../incidents/severity.ts";
import { TARGETS } from "../metrics/kpis.ts";
import { formatDuration } from "../shared/duration.ts";
import { code, prose } from "./markdown.ts";
import type { Story } from "./story.ts";

export type ActionItem = {
  /** Null: nobody took it yet. */
  readonly owner: string | null;
  /** Safe Markdown, one line. */
  readonly action: string;
};

type Verdict = { readonly isGood: boolean; readonly text: string };

/** What went well, measured against the mission's targets. Safe Markdown lines. */
export const wentWell = (story: Story): readonly string[] => [
  ...texts(judgements(story), true),
  ...story.mitigations
    .filter(({ lease, effectiveAtMs }) => effectiveAtMs !== null && !lease.shadow)
    .map(({ lease }) => `${code(lease.actuator)} was applied and confirmed in force.`),
  ...story.deeds
    .filter(({ act }) => act.status === "effective")
    .map(({ act }) => `${code(act.actuator)} was done, and it helped.`),
];

/** What went wrong, by the same measures. */
export const wentWrong = (story: Story): readonly string[] => [
  ...texts(judgements(story), false),
  ...story.mitigations.flatMap(({ lease, ineffective, failure }) => [
    ...(ineffective === null
      ? []
      : [`${code(lease.actuator)} did not help: ${prose(ineffective)}.`]),
    ...(failure === null ? [] : [`${code(lease.actuator)} failed to ${prose(failure)}.`]),
  ]),
  ...story.deeds.flatMap(({ act, failure }) => [
    ...(act.status === "ineffective"
      ? [`${code(act.actuator)} did not help: ${prose(act.why)}.`]
      : []),
    ...(failure === null ? [] : [`${code(act.actuator)} failed to ${prose(failure)}.`]),
  ]),
  ...skippedSteps(story),
  ...story.escalations.map((why) => `It was escalated: ${prose(why)}.`),
  ...(story.relapses === 0 ? [] : [`The harm came back ${times(story.relapses)}.`]),
  ...story.deliveries
    .filter(({ failure }) => failure !== null)
    .map(({ channel, failure }) => `${code(channel)} was not reached: ${prose(failure ?? "")}.`),
];

/** Where it ended better than what was done for it can explain. */
export function gotLucky(story: Story): readonly string[] {
  const { recoveredAtMs, enforcedAtMs } = story.state.anchors;
  const recoveredAlone =
    recoveredAtMs !== null && (enforcedAtMs === null || recoveredAtMs < enforcedAtMs);
  return recoveredAlone
    ? ["Production recovered before any mitigation was confirmed in force."]
    : [];
}

/** The work that the journal shows is open. */
export function actionItems(story: Story): readonly ActionItem[] {
  const { lead, postmortem } = story.state;
  const owner = story.opened?.playbook.spec.owner ?? null;
  const items: ActionItem[] = [
    { owner: lead, action: "Find the root cause, and write it into this post-mortem" },
    ...story.mitigations.flatMap(({ lease, ineffective, failure, outcome }): ActionItem[] => {
      const name = code(lease.actuator);
      return [
        ...(ineffective === null ? [] : [{ owner, action: `Review why ${name} did not help` }]),
        ...(failure === null
          ? []
          : [{ owner: lead, action: `Check what ${name} left behind, and mend why it failed` }]),
        ...(outcome === "changed"
          ? [{ owner: lead, action: `Decide what to do with what ${name} could not take back` }]
          : []),
      ];
    }),
    ...story.deeds.flatMap(({ act, failure }): ActionItem[] => {
      const name = code(act.actuator);
      if (act.status === "unclear") {
        return [{ owner: lead, action: `Find out whether ${name} was done` }];
      }
      if (act.status === "ineffective") {
        return [{ owner, action: `Review why ${name} did not help; what it did is still so` }];
      }
      return failure === null ? [] : [{ owner: lead, action: `Mend why ${name} failed` }];
    }),
    ...[...story.unknowns].map(([signal, why]) => ({
      owner,
      action: `Make ${code(signal)} known; it was unknown: ${code(why)}`,
    })),
  ];
  return postmortem === "completed" ? items.slice(1) : items;
}

/** The anchors against their targets. */
function judgements({ state }: Story): readonly Verdict[] {
  const { onsetAtMs, detectedAtMs, acknowledgedAtMs, resolvedAtMs } = state.anchors;
  const judged = [against("Detected", detectedAtMs - onsetAtMs, TARGETS.timeToDetectMs)];
  if (pages(state.severity)) {
    judged.push(
      acknowledgedAtMs === null
        ? { isGood: false, text: "Nobody acknowledged it." }
        : against("Acknowledged", acknowledgedAtMs - detectedAtMs, TARGETS.timeToAcknowledgeMs),
    );
  }
  if (resolvedAtMs !== null) {
    judged.push(against("Resolved", resolvedAtMs - onsetAtMs, TARGETS.timeToResolveMs));
  }
  return judged;
}

function against(what: string, tookMs: number, targetMs: number): Verdict {
  const isGood = tookMs < targetMs;
  const took = `${what} in ${formatDuration(Math.max(0, tookMs))}`;
  return { isGood, text: `${took}; the target is under ${formatDuration(targetMs)}.` };
}

/** A step that was skipped for the same reason again is one lesson. */
const skippedSteps = (story: Story): readonly string[] => [
  ...new Set(
    story.skipped.map(({ step, why }) => `Step ${code(step)} was skipped: ${prose(why)}.`),
  ),
];

const texts = (verdicts: readonly Verdict[], isGood: boolean): readonly string[] =>
  verdicts.filter((verdict) => verdict.isGood === isGood).map(({ text }) => text);

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
