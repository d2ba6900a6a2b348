/** The post-mortem's draft, in the mission's template, filled from the journal. Pure. */
import { linksOf } from "../incidents/links.ts";
import { checklistView } from "../incidents/view-of.ts";
import type { JournalRow } from "../incidents/journal.ts";
import { stakeText } from "../payments/unpaid.ts";
import { formatDuration } from "../shared/duration.ts";
import { shareText } from "../shared/share.ts";
import { utcDate, utcTime } from "../shared/utc.ts";
import { dueAfter } from "./due.ts";
import { actionItems, gotLucky, wentWell, wentWrong } from "./lessons.ts";
import { bullets, code, prose } from "./markdown.ts";
import { storyOf, type Deed, type Impact, type Mitigation, type Story } from "./story.ts";
import { readingsText, REVERTED, timelineOf, type TimelineLine } from "./timeline.ts";

/** A journal longer than this shows its two ends; the rest stays in the journal. */
export const TIMELINE_LINES_MAX = 1_000;

const NOT_KNOWN = "not known yet";
const UNTOLD = "Not known yet: the journal cannot tell; to be written by the owner.";

export type PostmortemOptions = {
  /** How long an incident that is still open has lasted is counted to here. */
  readonly nowMs: number;
};

/**
 * Markdown with every field filled from the journal. What nobody recorded says "not known yet"; texts from people and
 * machines are escaped, so the only brackets are the boxes to tick.
 *
 * @param rows The whole journal, from seq 1, oldest first.
 */
export function renderPostmortem(
  rows: readonly JournalRow[],
  { nowMs }: PostmortemOptions,
): string {
  const story = storyOf(rows, nowMs);
  const sections = [
    `# Incident Post-Mortem: ${code(story.opened?.incidentId ?? NOT_KNOWN)}`,
    `Drafted from the incident's journal, ${rows.length} rows. All times are UTC.`,
    summary(story, nowMs),
    timeline(story, timelineOf(rows)),
    rootCause(story),
    lessons(story),
    actions(story),
    `## Prevention Measures\n${UNTOLD}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

function summary(story: Story, nowMs: number): string {
  const { state, opened } = story;
  const { onsetAtMs, resolvedAtMs } = state.anchors;
  const lasted = formatDuration(Math.max(0, (resolvedAtMs ?? nowMs) - onsetAtMs));
  const until = resolvedAtMs === null ? ", and not resolved yet" : ` to ${utcTime(resolvedAtMs)}`;
  const fields = [
    `Title: ${prose(opened?.title ?? NOT_KNOWN)}${opened?.drill === true ? " (a drill, not counted in the KPIs)" : ""}`,
    `Date: ${utcDate(onsetAtMs)}`,
    `Duration: ${lasted}, from ${utcTime(onsetAtMs)}${until}`,
    `Severity: ${state.severity}`,
    `Impact: users: ${impact(story.impact)}; revenue: ${stakeText(story.state.stake)}`,
    `Status: ${state.status}`,
    `Lead: ${state.lead === null ? "nobody took it" : prose(state.lead)}`,
    ...linksOf(state).map(
      ({ kind, target, says }) =>
        `Belongs to it: ${kind} ${prose(target)}${says === "" ? "" : `, ${prose(says)}`}`,
    ),
    `Owner of the playbook: ${prose(opened?.playbook.spec.owner ?? NOT_KNOWN)}`,
  ];
  return `## Summary\n${bullets(fields, "")}`;
}

/** The best measure there is: what visitors met, else what probes met; and for how long the guard stood in between. */
function impact({ mitigatedMs, ...measured }: Impact): string {
  const stood =
    mitigatedMs === 0 ? "" : `; a mitigation was in force for ${formatDuration(mitigatedMs)}`;
  return `${harm(measured)}${stood}`;
}

function harm({
  worstErrorRatio,
  worstHarmedRatio,
  worstProbeRatio,
}: Omit<Impact, "mitigatedMs">): string {
  if (worstErrorRatio !== null) {
    const { value, atMs } = worstErrorRatio;
    const requests = `${shareText(value)} of requests failed at the worst sample, at ${utcTime(atMs)}`;
    return worstHarmedRatio === null || worstHarmedRatio.value === 0
      ? requests
      : `${requests}; ${shareText(worstHarmedRatio.value)} of visitors (by address) met that at the worst, at ${utcTime(worstHarmedRatio.atMs)}`;
  }
  if (worstProbeRatio !== null) {
    const { value, atMs } = worstProbeRatio;
    return `${shareText(1 - value)} of probes failed at the worst sample, at ${utcTime(atMs)}; the share of users was not measured`;
  }
  return "not measured";
}

function timeline(story: Story, lines: readonly TimelineLine[]): string {
  const { anchors } = story.state;
  const day = utcDate(anchors.onsetAtMs);
  const at = (atMs: number | null): string => {
    if (atMs === null) return NOT_KNOWN;
    return utcDate(atMs) === day ? utcTime(atMs) : `${utcDate(atMs)} ${utcTime(atMs)}`;
  };
  const milestones = [
    `${at(anchors.onsetAtMs)} - First bad sample`,
    `${at(anchors.detectedAtMs)} - Detection`,
    `${at(anchors.respondedAtMs)} - Response initiated`,
    `${NOT_KNOWN} - Root cause identified`,
    `${at(anchors.mitigatedAtMs)} - Mitigation applied`,
    `${at(anchors.enforcedAtMs)} - Mitigation confirmed in force`,
    `${at(anchors.recoveredAtMs)} - Recovery seen`,
    `${at(anchors.releasedAtMs)} - Last mitigation taken back`,
    `${at(anchors.resolvedAtMs)} - Resolution confirmed`,
  ];
  return [
    `## Timeline\n${bullets(milestones, "")}`,
    `### Mitigations and their effect\n${bullets([...story.mitigations.map(mitigationText), ...story.deeds.map(deedText)], "None was proposed.")}`,
    `### Evidence\n${bullets(evidenceTexts(story), "None was collected.")}`,
    `### Resolution checklist\n${checklistText(story)}`,
    `### Who was told\n${bullets(toldTexts(story), "No message was asked for.")}`,
    `### Every event\n${everyEvent(lines)}`,
  ].join("\n\n");
}

/** Boxes as they stood when this was written. */
function checklistText({ state }: Story): string {
  const lines = checklistView(state).map(({ text, isTicked, seenBy, word }) => {
    const wait = seenBy === "people" ? "waits for a person" : "not seen yet";
    const last =
      word === null
        ? wait
        : `${isTicked ? "ticked" : "opened again"} ${utcTime(word.atMs)} by ${code(word.by)}${word.why === "" ? "" : `: ${prose(word.why)}`}`;
    return `- [${isTicked ? "x" : " "}] ${prose(text)} - ${last}`;
  });
  return lines.length === 0 ? "- The playbook has none." : lines.join("\n");
}

function mitigationText(mitigation: Mitigation): string {
  const { lease, appliedAtMs, effectiveAtMs, effect, ineffective, stages } = mitigation;
  const effectText = effect.length === 0 ? "" : ` (${readingsText(effect)})`;
  const parts = [
    lease.shadow ? "in shadow, visitors noticed nothing" : null,
    appliedAtMs === null ? "never applied" : `applied ${utcTime(appliedAtMs)}`,
    effectiveAtMs === null ? null : `effective ${utcTime(effectiveAtMs)}${effectText}`,
    ineffective === null ? null : `did not help: ${prose(ineffective)}${effectText}`,
    ...stages.map(({ atMs, share }) => `${shareText(share)} of clients from ${utcTime(atMs)}`),
    ending(mitigation),
  ].filter((part) => part !== null);
  return `${code(lease.actuator)}, ${lease.mode}, attempt ${lease.attempt}: ${parts.join("; ")}`;
}

function deedText({ act, effect, failure, declined }: Deed): string {
  const effectText = effect.length === 0 ? "" : ` (${readingsText(effect)})`;
  const parts = [
    act.shadow ? "in shadow, nothing was done" : null,
    act.says === "" ? null : prose(act.says),
    act.performedAtMs === null ? "never done" : `done ${utcTime(act.performedAtMs)}`,
    act.effectiveAtMs === null ? null : `helped ${utcTime(act.effectiveAtMs)}${effectText}`,
    act.status === "ineffective" ? `did not help: ${prose(act.why)}${effectText}` : null,
    act.status === "declined" ? `declined: ${prose(act.why)}` : null,
    act.status === "unclear" ? "nobody could tell whether it was done" : null,
    declined === null ? null : prose(declined),
    failure === null ? null : `failed to ${prose(failure)}`,
  ].filter((part) => part !== null);
  return `${code(act.actuator)}, ${act.mode}, attempt ${act.attempt}, an act: ${parts.join("; ")}`;
}

function ending({ lease, endedAtMs, outcome, failure }: Mitigation): string {
  if (failure !== null) return `failed to ${prose(failure)}`;
  if (endedAtMs === null || outcome === null) return `now ${lease.status}`;
  const why = lease.why === "" ? "" : ` because ${prose(lease.why)}`;
  return `taken back ${utcTime(endedAtMs)}${why}: ${REVERTED[outcome]}`;
}

const evidenceTexts = (story: Story): readonly string[] =>
  story.evidence.map(({ atMs, collector, summary: found, failure }) =>
    failure === null
      ? `${utcTime(atMs)} - ${code(collector)}: ${prose(found ?? "")}`
      : `${utcTime(atMs)} - ${code(collector)} could not tell: ${prose(failure)}`,
  );

function toldTexts(story: Story): readonly string[] {
  const { acknowledgedBy, anchors } = story.state;
  const told = story.deliveries.map(({ channel, why, requestedAtMs, deliveredAtMs, failure }) => {
    const became =
      deliveredAtMs === null
        ? failure === null
          ? "no receipt yet"
          : `not delivered: ${prose(failure)}`
        : `delivered ${utcTime(deliveredAtMs)}`;
    return `${utcTime(requestedAtMs)} - ${code(channel)}, ${prose(why.replaceAll("_", " "))}: ${became}`;
  });
  const { acknowledgedAtMs } = anchors;
  if (acknowledgedBy === null || acknowledgedAtMs === null)
    return [...told, "Nobody acknowledged."];
  return [...told, `${utcTime(acknowledgedAtMs)} - ${code(acknowledgedBy)} acknowledged`];
}

/** Every journal row, with the date wherever it changes. */
function everyEvent(lines: readonly TimelineLine[]): string {
  const half = TIMELINE_LINES_MAX / 2;
  const isTooLong = lines.length > TIMELINE_LINES_MAX;
  const head = isTooLong ? lines.slice(0, half) : lines;
  const tail = isTooLong ? lines.slice(-half) : [];
  const gap = isTooLong
    ? [`- left out here, and in the journal only: ${lines.length - TIMELINE_LINES_MAX} rows`]
    : [];
  return [...dated(head), ...gap, ...dated(tail)].join("\n");
}

const dated = (lines: readonly TimelineLine[]): readonly string[] =>
  lines.flatMap((line, index) => {
    const before = lines[index - 1];
    const isNewDay = before === undefined || utcDate(before.atMs) !== utcDate(line.atMs);
    const day = isNewDay ? [`- **${utcDate(line.atMs)}**`] : [];
    return [...day, `- ${utcTime(line.atMs)} - ${line.text}`];
  });

function rootCause({ opened, evidence }: Story): string {
  const rules = opened?.playbook.spec.detect.rules ?? [];
  const fired = rules.filter(({ id }) => opened?.rules[id]?.status === "firing");
  const known = [
    ...fired.map(({ id, why }) => `Rule ${code(id)} fired: ${prose(why)}`),
    ...(opened === null || opened.readings.length === 0
      ? []
      : [`At detection: ${readingsText(opened.readings)}`]),
    ...evidence.flatMap(({ collector, summary: found }) =>
      found === null ? [] : [`${code(collector)}: ${prose(found)}`],
    ),
  ];
  return `## Root Cause\nWhat the journal knows:\n\n${bullets(known, "Nothing.")}\n\nThe cause itself is not known yet: to be written by the owner.`;
}

const lessons = (story: Story): string =>
  [
    "## Lessons Learned",
    `1. What went well\n${nested(wentWell(story))}`,
    `2. What went wrong\n${nested(wentWrong(story))}`,
    `3. Where we got lucky\n${nested(gotLucky(story))}`,
  ].join("\n");

const nested = (lines: readonly string[]): string =>
  bullets(lines, UNTOLD).replaceAll(/^/gm, "   ");

function actions(story: Story): string {
  const { drill = false } = story.opened ?? {};
  const { severity, anchors } = story.state;
  const dueAtMs = dueAfter({ severity, drill, resolvedAtMs: anchors.resolvedAtMs });
  const due = dueAtMs === null ? "no due date yet" : `due ${utcDate(dueAtMs)}`;
  const items = actionItems(story).map(
    ({ owner, action }) => `- [ ] ${ownerText(owner)} - ${action} - ${due}`,
  );
  return `## Action Items\n${items.join("\n")}`;
}

const ownerText = (owner: string | null): string =>
  owner === null ? "no owner yet" : prose(owner);
