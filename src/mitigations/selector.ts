/**
 * The port of whom or what a step is about, found out when it is taken: one file in `selectors/`, one line in its registry. It looks
 * and changes nothing; what it names becomes part of the step's options, and is journaled before anything is done with it.
 */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { SelectorWords } from "../playbooks/vocabulary.ts";
import { err, type Result } from "../shared/result.ts";
import type { TrafficReader } from "../traffic/shards.ts";
import { problems } from "./problems.ts";

/** Why nobody is named. */
export const NOBODY = [
  /** There is no more of it than usual. */
  "no_excess",
  /** No key that could be acted on explains it. */
  "spread",
  /** What explains it is what the usual clients have, too. */
  "would_hit_regulars",
  /** More than one lease may touch. */
  "too_wide",
  /** It cannot be told: what it would be compared with is not known. */
  "unknown",
  /** All that it names is named already. */
  "nothing_new",
] as const;
export type Nobody = (typeof NOBODY)[number];

/** Options of an actuator, as lists that grow: what is selected later is added. */
export type Picked = Readonly<Record<string, readonly (string | number)[]>>;

/** `says` is a sentence for the timeline and for whoever approves; `facts` is what it rests on, as JSON. */
export type Selection =
  | {
      readonly kind: "selected";
      readonly picked: Picked;
      readonly says: string;
      readonly facts: unknown;
    }
  | { readonly kind: "nobody"; readonly because: Nobody; readonly says: string };

export const nobody = (because: Nobody, says: string): Selection => ({
  kind: "nobody",
  because,
  says,
});

export type Asked<Options> = {
  readonly options: Options;
  readonly atMs: number;
  /** When the harm began, or began again. */
  readonly onsetAtMs: number;
  /** What the step has by now: as written, and what was selected before. */
  readonly already: Readonly<Record<string, unknown>>;
};

/** What selectors may read. One member per source. */
export type SelectReach = {
  readonly traffic: Pick<TrafficReader, "talkers" | "signIns" | "conduct">;
  /** The site's: whom no automation may name. */
  readonly allowlist: readonly string[];
};

export type SelectorOf<Id extends string = string, Options = never> = {
  readonly id: Id;
  /** What stands beside `from` in a step's `select`. */
  readonly options: z.ZodType<Options>;
  /** One example for each way in which it may fill the step's options; the playbook loads if the actuator takes each. */
  readonly fills: (options: Options) => readonly Picked[];
  /** A failure is that it could not look; `retry` is tried again for a while. */
  readonly select: (
    asked: Asked<Options>,
    reach: SelectReach,
  ) => Promise<Result<Selection, Failure>>;
};

/** Keeps the id literal, so that the registry's keys are the union that playbooks are checked against. */
export const defineSelector = <const Id extends string, Options>(
  selector: SelectorOf<Id, Options>,
): SelectorOf<Id, Options> => selector;

/** A selector whose options come from a journal. */
export type Selector = {
  readonly id: string;
  readonly words: SelectorWords;
  readonly select: (
    asked: Asked<unknown>,
    reach: SelectReach,
  ) => Promise<Result<Selection, Failure>>;
};

export const asSelector = <Options>(selector: SelectorOf<string, Options>): Selector => ({
  id: selector.id,
  words: {
    problemsWith: (options) => problems("select", selector.options, options),
    fills: (options) => {
      const read = selector.options.safeParse(options);
      return read.success ? selector.fills(read.data) : [];
    },
  },
  async select(asked, reach) {
    const read = selector.options.safeParse(asked.options);
    return read.success
      ? selector.select({ ...asked, options: read.data }, reach)
      : err({
          class: "refuse",
          detail: `${selector.id} cannot read what the journal holds for it`,
        });
  },
});

/** The step's options with what was picked added; a list that was there before keeps its order. */
export function withPicked(
  already: Readonly<Record<string, unknown>>,
  picked: Picked,
): Readonly<Record<string, unknown>> {
  const lists = Object.entries(picked).map(([key, names]) => {
    const before: unknown = already[key];
    return [key, [...new Set([...(Array.isArray(before) ? before : []), ...names])]] as const;
  });
  return { ...already, ...Object.fromEntries(lists) };
}
