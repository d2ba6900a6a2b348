/** What a gameday is: a fault injected for real into the local stack, watched from outside, and judged. */
import type { StackInfo } from "../dev/stack.ts";
import type { PhaseCount } from "./measure.ts";

export type Gameday = {
  readonly name: string;
  /** The first one is what runs when nothing is said. */
  readonly variants: readonly [string, ...string[]];
  /** Never rejects because of what Firebreak did: that is a failed expectation of the report. */
  readonly run: (field: Field) => Promise<Report>;
};

/** Where a gameday takes place. */
export type Field = {
  readonly stack: StackInfo;
  readonly deployment: Deployment;
  readonly variant: string;
  /** Tells the person who watches; one line, as it happens. */
  readonly say: (line: string) => void;
  /** Aborted by Ctrl-C: the gameday cleans up and ends. */
  readonly signal: AbortSignal;
};

export type Deployment = "all-in-one" | "split" | "attached";

/** One thing the gameday promises; `saw` is what was there instead, or the proof. */
export type Expectation = {
  readonly id: string;
  readonly says: string;
  readonly ok: boolean;
  readonly saw: string;
};

/** Epoch milliseconds; null when it did not happen. */
export type Times = {
  /** When the gameday injected the fault. */
  readonly faultAtMs: number | null;
  /** From here on, the incident's journal: first bad sample. */
  readonly onsetAtMs: number | null;
  readonly detectedAtMs: number | null;
  readonly acknowledgedAtMs: number | null;
  readonly mitigatedAtMs: number | null;
  /** Measured at the visitors: from here on they felt the mitigation, a guard's answer or production as it was before. */
  readonly enforcedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  readonly releasedAtMs: number | null;
  readonly resolvedAtMs: number | null;
};

/** What a person did in the incident, or has yet to do. */
export type PersonsPart = {
  readonly what: string;
  /** Why Firebreak did not do it itself, or what the person said. */
  readonly why: string;
  /** Null: it still waits for somebody. */
  readonly doneAtMs: number | null;
};

export type Table = {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** What `--json` writes. */
export type Report = {
  readonly gameday: string;
  readonly variant: string;
  readonly deployment: Deployment;
  readonly ok: boolean;
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly incident: string | null;
  readonly times: Times;
  /** Milliseconds; null where an end is missing. */
  readonly durations: {
    /** Detection delay, and time to mitigate, from the fault itself. */
    readonly faultToDetectMs: number | null;
    readonly faultToMitigateMs: number | null;
    readonly timeToDetectMs: number | null;
    readonly timeToAcknowledgeMs: number | null;
    readonly timeToMitigateMs: number | null;
    readonly timeToEnforceMs: number | null;
    readonly timeToResolveMs: number | null;
  };
  /** Legitimate requests, as the visitors saw them end. */
  readonly phases: readonly PhaseCount[];
  /** Of them all, from beginning to end: what it cost people who meant no harm. */
  readonly collateral: Omit<PhaseCount, "phase" | "seconds">;
  /** What was done by people comes first; null when the incident could not be read. */
  readonly people: readonly PersonsPart[] | null;
  /** What this gameday measures besides. */
  readonly tables: readonly Table[];
  readonly expectations: readonly Expectation[];
  readonly postmortem: string | null;
};
