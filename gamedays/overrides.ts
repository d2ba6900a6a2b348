/** Shortens what the scenario says for as long as the gameday lasts, through the API, and puts back what was there. */
import { formatDuration } from "../src/shared/duration.ts";
import type { Firebreak, ParamValue, Tunable } from "./firebreak.ts";
import type { Scenario } from "./scenario.ts";

const REASON = "gameday";
const MODE = "mode";
/** The API's own minimum: what is put back by an override of the default says so for this long. */
const SHORTEST_MS = 60_000;

/** In force from here until it is disposed. Should this process die, they expire by themselves. */
export async function overridden(
  firebreak: Firebreak,
  { overrides, overrides_last: lasting }: Scenario,
): Promise<AsyncDisposable> {
  const before = await firebreak.tunables();
  const modeBefore = await firebreak.autopilot();
  const changes = Object.entries(overrides).flatMap(([playbook, params]) =>
    Object.entries(params).map(([param, value]) => ({ playbook, param, value })),
  );
  const set: typeof changes = [];
  const restore = async (): Promise<void> => {
    for (const { playbook, param, value } of set.splice(0).toReversed()) {
      const was = previous(before.get(playbook), { param, value, modeBefore });
      if (was !== null) await firebreak.override(playbook, { param, reason: REASON, ...was });
    }
  };
  try {
    for (const { playbook, param, value } of changes) {
      await firebreak.override(playbook, { param, value, reason: REASON, for: lasting });
      set.push({ playbook, param, value });
    }
  } catch (error) {
    await restore();
    throw error;
  }
  return { [Symbol.asyncDispose]: restore };
}

/** What stood there: the override that was in force for the rest of its time, else the declared value. */
function previous(
  tunable: Tunable | undefined,
  of: { readonly param: string; readonly value: ParamValue; readonly modeBefore: string },
): { readonly value: ParamValue; readonly for: string } | null {
  const { param, value, modeBefore } = of;
  const standing = tunable?.overrides.find((one) => one.param === param);
  if (standing !== undefined) {
    const leftMs = Date.parse(standing.expiresAt) - Date.now();
    const lasting = `${Math.ceil(Math.max(leftMs, SHORTEST_MS) / 1_000)}s`;
    return { value: standing.value, for: lasting };
  }
  const declared = param === MODE ? modeBefore : tunable?.params[param];
  if (declared === undefined) return null;
  // Effective durations are read in milliseconds and written as text.
  const isDuration = typeof declared === "number" && typeof value === "string";
  return { value: isDuration ? `${declared}ms` : declared, for: formatDuration(SHORTEST_MS) };
}
