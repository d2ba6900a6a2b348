/** The post-mortem's facts for programs: the same journal, the same story, no prose around it. */
import type { JournalRow } from "../incidents/journal.ts";
import { actionItems } from "./lessons.ts";
import type { PostmortemOptions } from "./postmortem.ts";
import { storyOf, type Impact, type Mitigation } from "./story.ts";
import { timelineOf } from "./timeline.ts";

export type PostmortemJson = Readonly<Record<string, unknown>> & {
  readonly schema: "firebreak-postmortem/v1";
};

/** Times are RFC 3339, durations milliseconds, texts Markdown, what is not known is null. `rows` is the whole journal. */
export function postmortemJson(
  rows: readonly JournalRow[],
  { nowMs }: PostmortemOptions,
): PostmortemJson {
  const story = storyOf(rows, nowMs);
  const { state, opened } = story;
  const { onsetAtMs, detectedAtMs, acknowledgedAtMs, mitigatedAtMs, resolvedAtMs } = state.anchors;
  const since = (fromMs: number, toMs: number | null) => (toMs === null ? null : toMs - fromMs);
  return {
    schema: "firebreak-postmortem/v1",
    incident: opened?.incidentId ?? null,
    title: opened?.title ?? null,
    severity: state.severity,
    status: state.status,
    lead: state.lead,
    drill: opened?.drill ?? false,
    times: Object.fromEntries(
      Object.entries(state.anchors).map(([name, atMs]) => [
        name.replace(/AtMs$/, "At"),
        atMs === null ? null : rfc3339(atMs),
      ]),
    ),
    durationMs: (resolvedAtMs ?? nowMs) - onsetAtMs,
    timeToDetectMs: detectedAtMs - onsetAtMs,
    timeToAcknowledgeMs: since(detectedAtMs, acknowledgedAtMs),
    timeToMitigateMs: since(onsetAtMs, mitigatedAtMs),
    timeToResolveMs: since(onsetAtMs, resolvedAtMs),
    impact: impactJson(story.impact),
    mitigations: story.mitigations.map(mitigationJson),
    rootCause: null,
    actionItems: actionItems(story).map((item) => ({ ...item, due: null })),
    timeline: timelineOf(rows).map(({ seq, atMs, type, text }) => ({
      seq,
      at: rfc3339(atMs),
      type,
      text,
    })),
  };
}

const mitigationJson = ({ lease, ...mitigation }: Mitigation) => ({
  id: lease.id,
  actuator: lease.actuator,
  status: lease.status,
  shadow: lease.shadow,
  appliedAt: rfc3339OrNull(mitigation.appliedAtMs),
  effectiveAt: rfc3339OrNull(mitigation.effectiveAtMs),
  endedAt: rfc3339OrNull(mitigation.endedAtMs),
  outcome: mitigation.outcome,
  ineffective: mitigation.ineffective,
  failure: mitigation.failure,
  stages: mitigation.stages.map(({ atMs, share }) => ({ at: rfc3339(atMs), share })),
});

const impactJson = ({ worstErrorRatio, worstProbeRatio, mitigatedMs }: Impact) => ({
  worstErrorRatio: sampleJson(worstErrorRatio),
  worstProbeRatio: sampleJson(worstProbeRatio),
  mitigatedMs,
  revenue: null,
});

const sampleJson = (sample: { readonly value: number; readonly atMs: number } | null) =>
  sample === null ? null : { value: sample.value, at: rfc3339(sample.atMs) };

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();
const rfc3339OrNull = (atMs: number | null): string | null =>
  atMs === null ? null : rfc3339(atMs);
