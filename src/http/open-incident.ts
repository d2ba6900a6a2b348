/** Opens incidents for people, through the desk. */
import type { Trigger } from "../incidents/desk-api.ts";
import type { HttpDeps } from "./deps.ts";

/** How long an incident may take to open before the answer goes out without it. */
export const OPEN_WAIT_MS = 3_000;
export const DEFAULT_SCOPE = "site";
/** Mitigations by hand share one plain incident while it is open. */
const BY_HAND_SCOPE = "by-hand";

type Opening = Omit<Trigger, "onsetAtMs" | "atMs" | "rules" | "readings">;

/** Asks the desk, and waits a moment for the incident to have written its first row. */
export async function openIncident(
  deps: HttpDeps,
  opening: Opening,
): Promise<{ readonly incidentId: string; readonly isNew: boolean }> {
  const nowMs = deps.now();
  const answer = await deps.desk.trigger({
    ...opening,
    onsetAtMs: nowMs,
    atMs: nowMs,
    rules: {},
    readings: [],
  });
  await deps.incident(answer.incidentId).follow(0, OPEN_WAIT_MS);
  return answer;
}

/** The incident that mitigations by hand belong to when no other is named. */
export async function openPlainIncident(
  deps: HttpDeps,
  opening: Pick<Trigger, "id" | "title" | "severity" | "actor">,
): Promise<string> {
  const { incidentId } = await openIncident(deps, {
    ...opening,
    title: opening.title.slice(0, 200),
    playbook: null,
    scope: BY_HAND_SCOPE,
    params: {},
    drill: false,
  });
  return incidentId;
}
