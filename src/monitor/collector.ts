/** One source's signals, asked in an invocation of its own, so that a hung one starves nobody of connections. */
import { collect, type Collected, type Moment } from "../signals/collect.ts";
import { sources } from "../signals/registry.ts";
import type { SourceId } from "../signals/catalogue.ts";
import type { SourceReach } from "../signals/source.ts";
import { unknownSignal } from "../signals/signal.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";

export type CollectRequest = Moment & { readonly source: SourceId };

/** What the stateless entrypoint runs. */
export const collectSignals = (
  { source, ...moment }: CollectRequest,
  reach: SourceReach,
): Promise<Collected> => collect(sources[source], reach, moment);

/** The call to the entrypoint itself may fail or hang, too. */
const CALL_MS_MAX = 1_000;

/** Asks the entrypoint; one signal per name of the source, whatever becomes of the call. Where it fails, what was kept stays. */
export async function ask(
  request: CollectRequest,
  collector: (request: CollectRequest) => Promise<Collected>,
): Promise<Collected> {
  const { emits, deadlineMs } = sources[request.source];
  const nothing = (unknown: "timeout" | "no_data", detail: string): Collected => ({
    signals: emits.map((name) => unknownSignal(name, unknown, { atMs: request.atMs, detail })),
    note: null,
  });
  try {
    const answer = await withinDeadline(deadlineMs + CALL_MS_MAX, () => collector(request));
    if (!answer.ok) return nothing("timeout", "the collector did not answer");
    const byName = new Map(answer.value.signals.map((signal) => [signal.name, signal]));
    const { signals } = nothing("no_data", "the collector left it out");
    return {
      signals: signals.map((missing) => byName.get(missing.name) ?? missing),
      note: answer.value.note,
    };
  } catch (error) {
    return nothing("no_data", `the collector failed: ${errorName(error)}`);
  }
}
