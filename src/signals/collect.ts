/** Turns one poll of one source into signals: always one per name, whatever the source does. */
import type { CatalogueName } from "./catalogue.ts";
import { measured, unknownSignal, type Signal } from "./signal.ts";
import type { AnySource } from "./registry.ts";
import type { Answer, PollContext, SourceReach } from "./source.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";

export const DETAIL_CHARACTERS_MAX = 200;
export const VALUE_CHARACTERS_MAX = 500;

/** What a source keeps for its next poll, as JSON. */
export const NOTE_CHARACTERS_MAX = 32_000;

export type Moment = {
  readonly atMs: number;
  /** How long what it finds may be used. */
  readonly freshMs: number;
  /** What the source kept before; null for nothing. */
  readonly kept: unknown;
  /** How far back records of sign-ins tell of what is happening. */
  readonly recordsWithinMs: number;
};

export type Collected = {
  readonly signals: readonly Signal[];
  /** What the source keeps for its next poll; null leaves what was kept. */
  readonly note: unknown;
};

/** Polls one source within its deadline: whether it hangs or throws, each of its signals is there. */
export async function collect(
  source: AnySource,
  reach: SourceReach,
  moment: Moment,
): Promise<Collected> {
  let note: unknown = null;
  const keep = (given: unknown): void => {
    note = JSON.stringify(given).length > NOTE_CHARACTERS_MAX ? null : given;
  };
  const { kept, recordsWithinMs } = moment;
  const signals = await signalsOf(source, { ...reach, kept, keep, recordsWithinMs }, moment);
  return { signals, note };
}

async function signalsOf(
  source: AnySource,
  context: Omit<PollContext, "atMs" | "signal">,
  moment: Moment,
): Promise<readonly Signal[]> {
  try {
    const answers = await withinDeadline(source.deadlineMs, (signal) =>
      source.poll({ ...context, atMs: moment.atMs, signal }),
    );
    return source.emits.map((name) =>
      toSignal(name, answers.ok ? answers.value[name] : DEADLINE_PASSED, moment),
    );
  } catch (error) {
    const answer = {
      unknown: "no_data",
      detail: `the source failed: ${errorName(error)}`,
    } as const;
    return source.emits.map((name) => toSignal(name, answer, moment));
  }
}

const DEADLINE_PASSED: Answer = { unknown: "timeout", detail: "the source's deadline passed" };
const NOT_ANSWERED: Answer = { unknown: "malformed", detail: "the source gave no answer" };

function toSignal(
  name: CatalogueName,
  answer: Answer = NOT_ANSWERED,
  { atMs, freshMs }: Moment,
): Signal {
  if ("value" in answer) {
    const { value } = answer;
    const isTooLong = typeof value === "string" && value.length > VALUE_CHARACTERS_MAX;
    return isTooLong
      ? unknownSignal(name, "malformed", { atMs, detail: "the value is too long" })
      : measured(name, value, { atMs, freshMs });
  }
  const detail = answer.detail?.slice(0, DETAIL_CHARACTERS_MAX);
  return unknownSignal(name, answer.unknown, detail === undefined ? { atMs } : { atMs, detail });
}
