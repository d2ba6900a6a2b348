/** Turns one poll of one source into signals: always one per name, whatever the source does. */
import type { CatalogueName } from "./catalogue.ts";
import { measured, unknownSignal, type Signal } from "./signal.ts";
import type { AnySource } from "./registry.ts";
import type { Answer, SourceReach } from "./source.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";

export const DETAIL_CHARACTERS_MAX = 200;
export const VALUE_CHARACTERS_MAX = 500;

export type Moment = { readonly atMs: number; readonly freshMs: number };

/** Polls the sources at once, a deadline each: one that hangs or throws changes nothing for the others. */
export async function collect(
  sources: readonly AnySource[],
  reach: SourceReach,
  moment: Moment,
): Promise<readonly Signal[]> {
  const signals = await Promise.all(sources.map((source) => pollOne(source, reach, moment)));
  return signals.flat();
}

async function pollOne(
  source: AnySource,
  reach: SourceReach,
  moment: Moment,
): Promise<readonly Signal[]> {
  try {
    const answers = await withinDeadline(source.deadlineMs, (signal) =>
      source.poll({ ...reach, atMs: moment.atMs, signal }),
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
