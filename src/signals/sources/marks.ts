/** How the guard marks its answers to our probes. The names are the guard's; a test holds both to the same. */

/** The verdict's reason. */
export const VERDICT_HEADER = "x-firebreak-verdict";
/** The policy it was decided on, as a formatted seq, or `none`. */
export const POLICY_HEADER = "x-firebreak-policy";
