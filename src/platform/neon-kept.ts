/** The branches that Firebreak keeps for an incident, found by their names, which are a contract (decision 0210). */
import { ok, type Result } from "../shared/result.ts";
import { utcTime } from "../shared/utc.ts";
import { listBranches, readRetentionSeconds, type NeonBranch } from "./neon-branches.ts";
import type { Neon, NeonFailure } from "./neon.ts";

export type KeptFor = { readonly instance: string; readonly incidentId: string };

/** One for an incident and a moment of the past. */
export const pastBranchName = (incident: KeptFor, atMs: number): string =>
  `${prefixOf(incident)}${new Date(atMs).toISOString()}`;

/** One for an act: the present that it keeps. */
export const presentBranchName = (instance: string, actId: string): string =>
  `firebreak/${instance}/${actId}`;

export type PastBranch = NeonBranch & {
  /** The moment that it holds. */
  readonly atMs: number;
};

/** The branch of the latest past moment that was kept for the incident, or null. */
export async function findPastBranch(
  neon: Neon,
  incident: KeptFor,
): Promise<Result<PastBranch | null, NeonFailure>> {
  const prefix = prefixOf(incident);
  const found = await listBranches(neon, prefix);
  if (!found.ok) return found;
  const past = found.value.flatMap((one): readonly PastBranch[] => {
    const atMs = one.name.startsWith(prefix) ? Date.parse(one.name.slice(prefix.length)) : NaN;
    return Number.isNaN(atMs) ? [] : [{ ...one, atMs }];
  });
  return ok(past.toSorted((a, b) => b.atMs - a.atMs)[0] ?? null);
}

/** So much of the history that is kept may still run out between judging and doing. */
const MARGIN_MS = 10 * 60_000;

/** Why no moment so long ago can be gone back to, or null. */
export async function tooLongAgo(
  neon: Neon,
  { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
): Promise<NeonFailure | null> {
  const retention = await readRetentionSeconds(neon);
  if (!retention.ok) return retention.error;
  if (nowMs - atMs + MARGIN_MS <= retention.value * 1_000) return null;
  const detail = `${utcTime(atMs)} UTC is further back than the ${retention.value} seconds of history that the project keeps`;
  return { class: "refuse", detail, status: null };
}

const prefixOf = ({ instance, incidentId }: KeptFor): string =>
  `firebreak/${instance}/${incidentId}/`;
