/** One moment in which an incident decides: the time, what is seen, and the rules it plays by. */
import type { CompiledPlaybook } from "../playbooks/compile.ts";
import type { ActuatorWords } from "../playbooks/vocabulary.ts";
import { resolveDuration, type Params } from "../playbooks/params.ts";
import type { Expression } from "../expressions/expression.ts";
import type { Truth } from "../expressions/truth.ts";
import { asSeenAt, isKnown, unknownSignal, type SignalSet } from "../signals/signal.ts";
import type { MessageSite } from "../notify/message-site.ts";
import type { Autopilot, IncidentCommand } from "./command.ts";
import { evolve } from "./evolve.ts";
import type { IncidentEvent, JournalRow, Reading } from "./journal.ts";
import { masksOf, type IncidentState } from "./state.ts";

/** What does not change from one command to the next. */
export type Ground = {
  readonly playbook: CompiledPlaybook;
  readonly actuators: Readonly<Record<string, ActuatorWords>>;
  /** What actuators lack in this deploy, by their id, in words; none of them can do anything. */
  readonly missing: Readonly<Record<string, string>>;
  readonly site: MessageSite;
};

export type Moment = Ground & {
  readonly command: IncidentCommand;
  readonly atMs: number;
  readonly signals: SignalSet;
  readonly autopilot: Autopilot;
};

/** A part of a decision: looks at the state as the parts before it left it, and adds events. */
export type Stage = (state: IncidentState, moment: Moment) => readonly IncidentEvent[];

/** Runs stages in order, each on the state that the events before it lead to. */
export function decideInStages(
  state: IncidentState,
  moment: Moment,
  stages: readonly Stage[],
): readonly IncidentEvent[] {
  const events: IncidentEvent[] = [];
  let current = state;
  for (const stage of stages) {
    const added = stage(current, moment);
    events.push(...added);
    current = foldDrafts(current, added, moment.command);
  }
  return events;
}

/** The rows that events become when they are appended after `state`. */
export const toRows = (
  state: IncidentState,
  events: readonly IncidentEvent[],
  command: IncidentCommand,
): readonly JournalRow[] =>
  events.map((event, index) => ({
    seq: state.seq + index + 1,
    type: event.type,
    v: 1,
    atMs: command.atMs,
    actor: command.actor,
    cause: command.id,
    data: event.data,
  }));

/** The state that events lead to. */
export const foldDrafts = (
  state: IncidentState,
  events: readonly IncidentEvent[],
  command: IncidentCommand,
): IncidentState => toRows(state, events, command).reduce(evolve, state);

export const paramsOf = (state: IncidentState): Params => state.opened?.params ?? {};

/** A duration of the incident's own playbook, in milliseconds. */
export const durationOf = (state: IncidentState, written: string): number =>
  resolveDuration(written, paramsOf(state));

/** Is it so, with what the leases in force hide taken away? */
export const truthOf = (expression: Expression, state: IncidentState, moment: Moment): Truth =>
  expression.evaluate(asSeenAt(moment.signals, moment.atMs, masksOf(state)), paramsOf(state)).truth;

/** The moment as far as it was looked at after `sinceMs`: what was seen before says nothing of what was done then. */
export const lookedAtAfter = (moment: Moment, sinceMs: number): Moment => ({
  ...moment,
  signals: Object.fromEntries(
    Object.entries(moment.signals).map(([name, signal]) => [
      name,
      isKnown(signal) && signal.atMs <= sinceMs
        ? unknownSignal(name, "stale", { atMs: signal.atMs })
        : signal,
    ]),
  ),
});

/** The values behind an expression, as evidence for the journal. */
export function readingsOf(
  expression: Expression,
  state: IncidentState,
  moment: Moment,
): Reading[] {
  const seen = asSeenAt(moment.signals, moment.atMs, masksOf(state));
  return expression.signals.map((signal) => {
    const value = seen[signal];
    if (value === undefined) return { signal, unknown: "no_data" };
    return isKnown(value)
      ? { signal, value: value.value, atMs: value.atMs }
      : { signal, unknown: value.unknown, atMs: value.atMs };
  });
}
