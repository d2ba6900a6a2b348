/** What the tick's signals mean for the rules the incident was opened with, for its severity, and for its recovery. */
import { INACTIVE, stepRule } from "../../detection/rule-machine.ts";
import type { Reading } from "../journal.ts";
import { durationOf, readingsOf, truthOf, type Moment, type Stage } from "../moment.ts";
import { isWorse } from "../severity.ts";
import type { IncidentState } from "../state.ts";

/** Steps every rule; journals those that moved. */
export const rulesStage: Stage = (state, moment) =>
  moment.playbook.rules.flatMap((rule) => {
    const from = state.rules[rule.spec.id] ?? INACTIVE;
    const when = truthOf(rule.when, state, moment);
    const { state: to } = stepRule(
      from,
      { when, clear: rule.clear === null ? null : truthOf(rule.clear, state, moment) },
      {
        forMs: durationOf(state, rule.spec.for),
        clearForMs: durationOf(state, rule.spec.clear_for),
        unknown: rule.spec.unknown,
      },
      moment.atMs,
    );
    if (to.status === from.status) return [];
    const readings = readingsOf(rule.when, state, moment);
    return [
      { type: "rule.changed", data: { rule: rule.spec.id, from, to, truth: when, readings } },
    ];
  });

/** Raises the severity when the playbook says so, once. It never lowers it: that is for people, and their word stands. */
export const severityStage: Stage = (state, moment) => {
  const raises = moment.playbook.severityRaises.filter(
    (raise) =>
      isWorse(raise.to, state.severity) &&
      !state.raisedTo.includes(raise.to) &&
      truthOf(raise.when, state, moment) === "true",
  );
  const worst = raises.reduce<(typeof raises)[number] | null>(
    (soFar, raise) => (soFar === null || isWorse(raise.to, soFar.to) ? raise : soFar),
    null,
  );
  if (worst === null) return [];
  return [
    {
      type: "incident.severity_set",
      data: {
        from: state.severity,
        to: worst.to,
        why: `the playbook raises it: ${worst.when.source}`,
      },
    },
  ];
};

/** How production is, as far as this incident can tell. `unsure` is neither well nor harmed. */
export type Health = "well" | "harmed" | "unsure";

export function healthOf(state: IncidentState, moment: Moment): Health {
  const { rules, recoverWhen } = moment.playbook;
  if (rules.length === 0) return "unsure";
  const isHarmSeen = rules.some(
    ({ spec, when }) => !spec.opens_only && truthOf(when, state, moment) === "true",
  );
  if (recoverWhen === null) {
    const allInactive = rules.every(
      (rule) => (state.rules[rule.spec.id] ?? INACTIVE).status === "inactive",
    );
    if (allInactive) return "well";
    return isHarmSeen ? "harmed" : "unsure";
  }
  const recovered = truthOf(recoverWhen, state, moment);
  if (isHarmSeen || recovered === "false") return "harmed";
  return recovered === "true" ? "well" : "unsure";
}

/** Marks when recovery was seen and when it was lost. What is unknown is not recovery. */
export const recoveryStage: Stage = (state, moment) => {
  const health = healthOf(state, moment);
  const isMarked = state.recoveredSinceMs !== null;
  if (health === "well" && !isMarked) {
    return [
      { type: "incident.recovery_seen", data: { readings: recoveryReadings(state, moment) } },
    ];
  }
  if (health !== "well" && isMarked) {
    return [
      { type: "incident.recovery_lost", data: { readings: recoveryReadings(state, moment) } },
    ];
  }
  return [];
};

function recoveryReadings(state: IncidentState, moment: Moment): Reading[] {
  const { rules, recoverWhen } = moment.playbook;
  const expressions =
    recoverWhen === null ? rules.map((rule) => rule.clear ?? rule.when) : [recoverWhen];
  const readings = expressions.flatMap((expression) => readingsOf(expression, state, moment));
  return [...new Map(readings.map((reading) => [reading.signal, reading])).values()];
}
