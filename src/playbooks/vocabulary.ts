/**
 * The words a playbook may use, as data. The composition root builds it from the registries and hands it in,
 * so that this room depends on none of them.
 */
import type { SignalName } from "../signals/signal.ts";
import type { SignalSpec } from "../signals/catalogue.ts";

export type Vocabulary = {
  readonly signals: Readonly<Record<SignalName, SignalSpec>>;
  readonly actuators: Readonly<Record<string, ActuatorWords>>;
  readonly collectors: readonly string[];
  readonly selectors: Readonly<Record<string, SelectorWords>>;
};

/** What a playbook must know about what names whom a step is about. */
export type SelectorWords = {
  /** Checks what stands in `select` beside `from`; answers problems in words. */
  readonly problemsWith: (options: unknown) => readonly string[];
  /** One example for each way in which it may fill a step's options. */
  readonly fills: (options: unknown) => readonly Readonly<Record<string, unknown>>[];
};

/** What a playbook must know about an actuator to be checked against it. */
export type ActuatorWords = LeaseWords | ActWords;

type CommonWords = {
  /** Signals that say nothing while this is applied; they may not clear, recover or verify it. */
  readonly masks: readonly SignalName[];
  /** Checks `with:`; answers problems in words, none when it is right. */
  readonly problemsWith: (options: unknown) => readonly string[];
  /** Touches every visitor: needs two independent kinds of evidence. */
  readonly siteWide: boolean;
  /** It changes nothing that anybody could feel, and mends nothing: the ladder goes on beside it. */
  readonly beside: boolean;
};

/** It holds for a time, and is taken back. */
export type LeaseWords = CommonWords & {
  readonly kind: "lease";
  readonly release: "staged" | "at_once" | "manual";
};

/** It is done once, cannot be taken back, and hides nothing. */
export type ActWords = CommonWords & {
  readonly kind: "act";
  /** How many different people must agree before it is done. */
  readonly approvals: number;
};
