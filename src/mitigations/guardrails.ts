/** Lines that no automation crosses. Each answers with a named reason. */
import type { SignalName } from "../signals/signal.ts";
import type { SignalSpec } from "../signals/catalogue.ts";

/** Site-wide steps need this many independent kinds of evidence. */
export const EVIDENCE_KINDS_MIN = 2;

/** How many independent kinds of evidence stand behind these signals: passive and active, or two vantages. */
export function evidenceKinds(
  signals: readonly SignalName[],
  catalogue: Readonly<Record<SignalName, SignalSpec>>,
): number {
  const kinds = signals.flatMap((name) => {
    const spec = catalogue[name];
    return spec === undefined ? [] : [`${spec.evidence.kind} from ${spec.evidence.vantage}`];
  });
  return new Set(kinds).size;
}
