/** What one tick leaves for the next, as the monitor keeps it, and how it is read back. */
import { z } from "zod";
import type { RuleReport } from "./monitor-api.ts";
import { NOTHING_DETECTED, type Detection } from "./tick.ts";
import type { RuleState } from "../detection/rule-state.ts";
import { SOURCE_IDS, type SourceId } from "../signals/catalogue.ts";
import {
  UNKNOWN_REASONS,
  type Signal,
  type SignalSet,
  type UnknownSignal,
} from "../signals/signal.ts";

const atMs = z.int();
const ruleState: z.ZodType<RuleState> = z.discriminatedUnion("status", [
  z.object({ status: z.literal("inactive") }),
  z.object({ status: z.literal("pending"), sinceMs: atMs }),
  z.object({ status: z.literal("firing"), sinceMs: atMs }),
  z.object({ status: z.literal("clearing"), firingSinceMs: atMs, sinceMs: atMs }),
]);
const unknownSignal: z.ZodType<UnknownSignal> = z
  .object({
    name: z.string(),
    unknown: z.enum(UNKNOWN_REASONS),
    atMs,
    detail: z.string().optional(),
  })
  .transform(({ detail, ...signal }) => (detail === undefined ? signal : { ...signal, detail }));
export const signal: z.ZodType<Signal> = z.union([
  z.object({
    name: z.string(),
    value: z.union([z.number(), z.boolean(), z.string()]),
    atMs,
    freshMs: z.number(),
  }),
  unknownSignal,
]);
const detection: z.ZodType<Detection> = z.object({
  rules: z.record(z.string(), z.record(z.string(), ruleState)),
  triggeredAtMs: z.record(z.string(), atMs),
  unseen: z.record(z.string(), z.boolean()).default({}),
  seenAgainAtMs: z.record(z.string(), atMs).default({}),
  brokenAtMs: z.record(z.string(), atMs),
});
const report: z.ZodType<RuleReport> = z.object({
  playbook: z.string(),
  rule: z.string(),
  state: ruleState,
  truth: z.enum(["true", "false", "unknown", "broken"]),
  detail: z.string().nullable(),
});

/** The rules' states, the newest signals, and whom the monitor follows. */
export type Memory = {
  readonly lastTickAtMs: number | null;
  readonly lastTickTookMs: number | null;
  readonly suspectedAtMs: number | null;
  readonly detection: Detection;
  readonly reports: readonly RuleReport[];
  /** The newest of each, as collected: readers apply freshness. */
  readonly signals: SignalSet;
  readonly polledAtMs: Readonly<Partial<Record<SourceId, number>>>;
  /** What sources kept for their next poll; only they can read it. */
  readonly notes: Readonly<Partial<Record<SourceId, unknown>>>;
  /** Whom to feed when the desk does not answer. */
  readonly following: readonly FollowedIncident[];
  /** What the guards were last told; null before the first time. */
  readonly policyPollMs: number | null;
};

export type FollowedIncident = {
  readonly id: string;
  readonly playbook: string;
  /** False inside the reopen window: it is still fed. */
  readonly isOpen: boolean;
  /** Open with something to watch: a playbook's rules, or a mitigation. A plain incident may wait for people for weeks. */
  readonly isWatched: boolean;
  readonly nextWakeAtMs: number | null;
};

/** A version after this one may have sources that are not known here: theirs is dropped, and the rest of the memory is not. */
const bySource = <T>(value: z.ZodType<T>) =>
  z.record(z.string(), value).transform((record): Partial<Record<SourceId, T>> => {
    const known = SOURCE_IDS.flatMap((id) => {
      const held = record[id];
      return held === undefined ? [] : [[id, held] as const];
    });
    return Object.fromEntries(known);
  });

export const memory: z.ZodType<Memory> = z.object({
  lastTickAtMs: atMs.nullable(),
  lastTickTookMs: z.number().nullable(),
  suspectedAtMs: atMs.nullable(),
  detection,
  reports: z.array(report),
  signals: z.record(z.string(), signal),
  polledAtMs: bySource(atMs),
  notes: bySource(z.unknown()).default({}),
  following: z.array(
    z.object({
      id: z.string(),
      playbook: z.string(),
      isOpen: z.boolean(),
      isWatched: z.boolean(),
      nextWakeAtMs: atMs.nullable(),
    }),
  ),
  policyPollMs: z.number().nullable(),
});

export const EMPTY_MEMORY: Memory = {
  lastTickAtMs: null,
  lastTickTookMs: null,
  suspectedAtMs: null,
  detection: NOTHING_DETECTED,
  reports: [],
  signals: {},
  polledAtMs: {},
  notes: {},
  following: [],
  policyPollMs: null,
};
