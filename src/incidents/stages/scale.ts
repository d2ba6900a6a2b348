/** What people may make larger when Firebreak has no step left: what is at its limit, what is not, and what nobody can say. Pure. */
import type { Evidence } from "../../notify/news.ts";
import { readingText } from "../../notify/templates.ts";
import { readingsOf, truthOf, type Moment } from "../moment.ts";
import type { IncidentState } from "../state.ts";

/** Sentences without their full stop; none where the playbook names nothing. */
export function whatToScale(state: IncidentState, moment: Moment): readonly string[] {
  const looked = moment.playbook.scale.map(({ spec, when }) => ({
    spec,
    truth: truthOf(when, state, moment),
    readings: readingsOf(when, state, moment),
  }));
  const full = looked.filter(({ truth }) => truth === "true");
  const free = looked.filter(({ truth }) => truth === "false");
  const unknown = looked.filter(({ truth }) => truth !== "true" && truth !== "false");
  return [
    ...full.map(
      ({ spec, readings }) => `${spec.what} is at its limit (${textOf(readings)}): ${spec.raise}`,
    ),
    ...(full.length === 0 && free.length > 0
      ? [`Not at their limit: ${free.map(({ spec }) => spec.what).join(", ")}`]
      : []),
    ...(unknown.length > 0
      ? [`Not known whether at their limit: ${unknown.map(({ spec }) => spec.what).join(", ")}`]
      : []),
  ];
}

const textOf = (readings: readonly Evidence[]): string => readings.map(readingText).join(", ");
