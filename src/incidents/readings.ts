/** Which events carry what signals said. Pure. */
import type { EventData, IncidentEvent } from "./journal.ts";

export type Readings = EventData["incident.opened"]["readings"];

/** None for an event that carries none. */
export function readingsIn(event: IncidentEvent | null): Readings {
  switch (event?.type) {
    case "incident.opened":
    case "incident.triggered":
    case "incident.recovery_seen":
    case "incident.recovery_lost":
    case "rule.changed":
    case "lease.effective":
    case "lease.ineffective":
    case "act.effective":
    case "act.ineffective":
      return event.data.readings;
    default:
      return [];
  }
}
