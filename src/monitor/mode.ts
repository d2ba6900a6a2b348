/** Who is at the controls: the site's autopilot, under its override, under the playbook's own. Pure. */
import type { Autopilot } from "../incidents/command.ts";
import { MODES, SITE } from "../playbooks/overrides.ts";
import { MODE } from "../playbooks/param-checks.ts";
import type { Override } from "../playbooks/params.ts";

/** The mode for a playbook, or for the site when it is null. A playbook's override can only be more careful than the site. */
export function modeOf(
  declared: Autopilot,
  overrides: readonly Override[],
  playbook: string | null,
): Autopilot {
  const site = overriddenMode(overrides, SITE) ?? declared;
  const own = playbook === null ? null : overriddenMode(overrides, playbook);
  if (own === null) return site;
  return MODES.indexOf(own) > MODES.indexOf(site) ? own : site;
}

function overriddenMode(overrides: readonly Override[], playbook: string): Autopilot | null {
  const value = overrides.find((one) => one.playbook === playbook && one.param === MODE)?.value;
  return MODES.find((mode) => mode === value) ?? null;
}
