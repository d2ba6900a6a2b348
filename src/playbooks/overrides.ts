/** Changes that people make at run time: checked against what they change, and never without an end. */
import { suggest } from "../shared/suggest.ts";
import { formatDuration } from "../shared/duration.ts";
import { MODE } from "./param-checks.ts";
import { problemWithValue, type Override } from "./params.ts";
import type { ParamSpec } from "./schema.ts";
import { SITE_PARAMS } from "./site-params.ts";

/** The id under which the site's own params are overridden. */
export const SITE = "site";
export const MODES = ["on", "shadow", "off"] as const;
export const OVERRIDE_MS_MAX = 30 * 24 * 3_600_000;
export const OVERRIDE_REASON_MAX = 500;

type HasParams = {
  readonly spec: { readonly id: string; readonly params: Readonly<Record<string, ParamSpec>> };
};

/** Says what is wrong with an override, naming what is known and allowed, or null when it may be set. */
export function checkOverride(
  override: Override,
  playbooks: readonly HasParams[],
  nowMs: number,
): string | null {
  const { playbook, param, value } = override;
  const params = paramsOf(playbook, playbooks);
  if (params === null) {
    const known = suggest(playbook, [SITE, ...playbooks.map(({ spec }) => spec.id)]);
    return `unknown playbook "${playbook}"; ${known}`;
  }
  return problemWith(param, value, params) ?? problemWithTerms(override, nowMs);
}

function paramsOf(
  playbook: string,
  playbooks: readonly HasParams[],
): Readonly<Record<string, ParamSpec>> | null {
  if (playbook === SITE) return SITE_PARAMS;
  return playbooks.find(({ spec }) => spec.id === playbook)?.spec.params ?? null;
}

function problemWith(
  param: string,
  value: unknown,
  params: Readonly<Record<string, ParamSpec>>,
): string | null {
  if (param === MODE) {
    const isMode = MODES.some((mode) => mode === value);
    return isMode ? null : `${MODE}: ${JSON.stringify(value)} is not one of ${MODES.join(", ")}`;
  }
  const spec = Object.hasOwn(params, param) ? params[param] : undefined;
  if (spec !== undefined) return problemWithValue(param, spec, value);
  return `unknown param "${param}"; ${suggest(param, [MODE, ...Object.keys(params)])}`;
}

function problemWithTerms({ reason, expiresAtMs }: Override, nowMs: number): string | null {
  const given = reason.trim().length;
  if (given === 0) return "reason: say why, for those who find it later";
  if (given > OVERRIDE_REASON_MAX) return `reason: longer than ${OVERRIDE_REASON_MAX} characters`;
  if (!Number.isSafeInteger(expiresAtMs)) return "expiresAtMs is not a time";
  if (expiresAtMs <= nowMs) return "expiresAtMs is in the past";
  if (expiresAtMs - nowMs <= OVERRIDE_MS_MAX) return null;
  return `an override ends within ${formatDuration(OVERRIDE_MS_MAX)}; for longer, change the playbook`;
}
