/** What must hold of params: defaults in range, ranges that are ranges, and durations that name a duration. */
import { suggest } from "../shared/suggest.ts";
import { parseDuration } from "../shared/duration.ts";
import { problemWithValue } from "./params.ts";
import type { Path, Problem } from "./problem.ts";
import type { ParamSpec, PlaybookSpec } from "./schema.ts";

/** Overrides use this name for switching a playbook's automation. */
export const MODE = "mode";
const REFERENCE = "params.";

/** Problems of the declarations themselves. */
export const paramProblems = (params: Readonly<Record<string, ParamSpec>>): readonly Problem[] =>
  Object.entries(params).flatMap(([name, spec]) => {
    const problems: Problem[] = [];
    if (name === MODE) {
      const message = `"${MODE}" is what overrides call the autopilot; choose another name`;
      problems.push({ path: ["params", name], message });
    }
    if (isEmptyRange(spec)) {
      problems.push({ path: ["params", name, "min"], message: `${name}: min is above max` });
    }
    const message = problemWithValue(name, spec, spec.default);
    if (message !== null) problems.push({ path: ["params", name, "default"], message });
    return problems;
  });

/** Problems of every place where a duration may be a reference to a param. */
export const durationProblems = (spec: PlaybookSpec): readonly Problem[] =>
  durationsOf(spec).flatMap(([path, written]) => {
    if (written === undefined || !written.startsWith(REFERENCE)) return [];
    const name = written.slice(REFERENCE.length);
    const referred = Object.hasOwn(spec.params, name) ? spec.params[name] : undefined;
    if (referred?.type === "duration") return [];
    const message =
      referred === undefined
        ? `no param "${name}" is declared; ${suggest(name, namesOfDurations(spec))}`
        : `params.${name} is of type ${referred.type}, not a duration`;
    return [{ path, message }];
  });

const namesOfDurations = ({ params }: PlaybookSpec): readonly string[] =>
  Object.entries(params).flatMap(([name, { type }]) => (type === "duration" ? [name] : []));

function durationsOf(spec: PlaybookSpec): readonly (readonly [Path, string | undefined])[] {
  const { detect, investigate, mitigate, recover } = spec;
  return [
    ...detect.rules.flatMap((rule, index): [Path, string | undefined][] => [
      [["detect", "rules", index, "for"], rule.for],
      [["detect", "rules", index, "clear_for"], rule.clear_for],
    ]),
    ...investigate.map(({ again }, index): [Path, string | undefined] => [
      ["investigate", index, "again"],
      again,
    ]),
    ...mitigate.flatMap((step, index): [Path, string | undefined][] => [
      [["mitigate", index, "lease"], step.lease],
      [["mitigate", index, "expect", "within"], step.expect?.within],
      [["mitigate", index, "on_silence", "after"], step.on_silence?.after],
    ]),
    ...(["release_after", "stage_for", "stable_for", "reopen_within"] as const).map(
      (key): [Path, string | undefined] => [["recover", key], recover[key]],
    ),
  ];
}

function isEmptyRange(spec: ParamSpec): boolean {
  if (spec.type === "bool" || spec.type === "string") return false;
  const [min, max] = [toNumber(spec.min), toNumber(spec.max)];
  return min !== null && max !== null && min > max;
}

function toNumber(bound: number | string | undefined): number | null {
  if (typeof bound !== "string") return bound ?? null;
  const parsed = parseDuration(bound);
  return parsed.ok ? parsed.value : null;
}
