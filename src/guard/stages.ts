/** The stages that policy entries stand in, in the order they are asked; one more is one more row, in its place. */
import type { EnforcedKind, RefusingEntry } from "../policy/kinds.ts";
import type { GuardSettings } from "../policy/policy.ts";
import { isSharedRead } from "./emergency-cache/shared-read.ts";
import type { RequestFacts } from "./facts.ts";
import type { Verdict, VerdictReason } from "./verdict.ts";

export type Stage = {
  readonly kind: EnforcedKind;
  /** Null: nothing is exempt from it. */
  readonly exempt: {
    readonly reason: VerdictReason;
    readonly routes: (settings: GuardSettings) => readonly string[];
  } | null;
  readonly concerns: (facts: RequestFacts, settings: GuardSettings) => boolean;
  /** The same for an entry that fails closed, after a fault: when the method may be all that is known. */
  readonly mayConcern: (method: string) => boolean;
};

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const mayWrite = (method: string): boolean => !READING_METHODS.has(method);

export const STAGES: readonly Stage[] = [
  {
    kind: "maintenance",
    exempt: { reason: "maintenance_exempt", routes: ({ maintenanceExempt }) => maintenanceExempt },
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    kind: "read-only",
    exempt: { reason: "read_only_exempt", routes: ({ readOnlyExempt }) => readOnlyExempt },
    concerns: ({ method, isGraphqlRead }) => mayWrite(method) && !isGraphqlRead,
    mayConcern: mayWrite,
  },
  {
    kind: "disabled-feature",
    exempt: null,
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    kind: "emergency-cache",
    exempt: null,
    concerns: isSharedRead,
    // It refuses nobody, whatever is broken.
    mayConcern: () => false,
  },
];

/** What a kind of entry does to a request; also the reason of that verdict. */
export const ACTIONS = {
  maintenance: "maintenance",
  "read-only": "read_only",
  "disabled-feature": "disabled_feature",
} as const satisfies Record<RefusingEntry["kind"], Verdict["action"] & VerdictReason>;
