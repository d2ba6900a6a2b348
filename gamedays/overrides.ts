/** Shortens what the scenario says for as long as the gameday lasts, through the API, and puts back what was there. */
import type { Firebreak, ParamValue, Tunable } from "./firebreak.ts";
import type { Scenario } from "./scenario.ts";

const REASON = "gameday";
/** The API's own minimum for how long an override lasts. */
const SHORTEST_MS = 60_000;

/** In force from here until it is disposed. Should this process die, they expire by themselves. */
export async function overridden(
  firebreak: Firebreak,
  { overrides, overrides_last: lasting }: Scenario,
): Promise<AsyncDisposable> {
  const before = await firebreak.tunables();
  const changes = Object.entries(overrides).flatMap(([playbook, params]) =>
    Object.entries(params).map(([param, value]) => ({ playbook, param, value })),
  );
  const set: typeof changes = [];
  const restore = async (): Promise<void> => {
    for (const { playbook, param } of set.splice(0).toReversed()) {
      const was = standing(before.get(playbook), param);
      if (was === null) await firebreak.takeBackOverride(playbook, param);
      else await firebreak.override(playbook, { param, reason: REASON, ...was });
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

/** The override that was in force before, for the rest of its time; null when there was none. */
function standing(
  tunable: Tunable | undefined,
  param: string,
): { readonly value: ParamValue; readonly for: string } | null {
  const found = tunable?.overrides.find((one) => one.param === param);
  if (found === undefined) return null;
  const leftMs = Date.parse(found.expiresAt) - Date.now();
  return { value: found.value, for: `${Math.ceil(Math.max(leftMs, SHORTEST_MS) / 1_000)}s` };
}
