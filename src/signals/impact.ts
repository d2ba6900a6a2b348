/** What tells how much users feel of an incident. Its messages and its post-mortem say so whether the playbook's rules ask for it or not. */
import type { SignalName } from "./signal.ts";

export const ERRORS = "traffic.error_ratio" satisfies SignalName;
export const HARMED = "traffic.harmed_addresses_ratio" satisfies SignalName;
export const IMPACT: readonly SignalName[] = [ERRORS, HARMED];
