/** How statuses read to people. */
import type { PublicStatus } from "../incidents/public.ts";
import type { ComponentStatus } from "./view.ts";

export const COMPONENT_WORDS: Readonly<Record<ComponentStatus, string>> = {
  operational: "Operational",
  degraded_performance: "Degraded performance",
  partial_outage: "Partial outage",
  major_outage: "Major outage",
  under_maintenance: "Under maintenance",
  unknown: "Unknown",
};

export const STATUS_WORDS: Readonly<Record<PublicStatus, string>> = {
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  resolved: "Resolved",
};
