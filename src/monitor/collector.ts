/** One source's signals, asked in an invocation of its own, so that a hung one starves nobody of connections. */
import { collect } from "../signals/collect.ts";
import { sources } from "../signals/registry.ts";
import type { SourceId } from "../signals/catalogue.ts";
import type { Signal } from "../signals/signal.ts";
import type { SourceReach } from "../signals/source.ts";
import { unknownSignal } from "../signals/signal.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";

export type CollectRequest = {
  readonly source: SourceId;
  readonly atMs: number;
  /** How long what it finds may be used. */
  readonly freshMs: number;
};

/** What the stateless entrypoint runs. */
export const collectSignals = (
  { source, atMs, freshMs }: CollectRequest,
  reach: SourceReach,
): Promise<readonly Signal[]> => collect([sources[source]], reach, { atMs, freshMs });

/** The call to the entrypoint itself may fail or hang, too. */
const CALL_MS_MAX = 1_000;

/** Asks the entrypoint; one signal per name of the source, whatever becomes of the call. */
export async function ask(
  request: CollectRequest,
  collector: (request: CollectRequest) => Promise<readonly Signal[]>,
): Promise<readonly Signal[]> {
  const { emits, deadlineMs } = sources[request.source];
  const nothing = (unknown: "timeout" | "no_data", detail: string): readonly Signal[] =>
    emits.map((name) => unknownSignal(name, unknown, { atMs: request.atMs, detail }));
  try {
    const answer = await withinDeadline(deadlineMs + CALL_MS_MAX, () => collector(request));
    if (!answer.ok) return nothing("timeout", "the collector did not answer");
    const byName = new Map(answer.value.map((signal) => [signal.name, signal]));
    return nothing("no_data", "the collector left it out").map(
      (missing) => byName.get(missing.name) ?? missing,
    );
  } catch (error) {
    return nothing("no_data", `the collector failed: ${errorName(error)}`);
  }
}
