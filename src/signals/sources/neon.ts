/**
 * Production's database as Neon knows it: how much of its compute is used, how far back one can go, when it was last backed up. Asked
 * seldom while all is calm: what is told here changes slowly, and asking wakes nothing.
 */
import { z } from "zod";
import { readParent, readRetentionSeconds, type NeonBranch } from "../../platform/neon-branches.ts";
import { listComputes, type NeonCompute } from "../../platform/neon-computes.ts";
import { newestSnapshotMs } from "../../platform/neon-snapshots.ts";
import { NEON_TIMEOUT_MS, type Neon, type NeonFailure } from "../../platform/neon.ts";
import { ok, type Result } from "../../shared/result.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";

const emits = [
  "neon.compute_max_cu",
  "neon.compute_used_ratio",
  "neon.history_retention_seconds",
  "neon.snapshot_age_seconds",
] as const;

/** A counter that has stood still for so long says nothing of now. */
export const STILL_MS_MAX = 30 * 60_000;

/** What is kept of the branch's counter of CPU seconds. */
const counter = z.object({
  branchId: z.string(),
  seconds: z.number(),
  /** When it was seen to move; null until it was: what it had been counting before the first look is not known. */
  movedAtMs: z.number().nullable(),
  /** What was used between its last two movements; null until there were two. */
  usedCu: z.number().nullable(),
});
type Counter = z.infer<typeof counter>;

export const neon = defineSource({
  id: "neon",
  emits,
  everyMs: { idle: 3_600_000, busy: 300_000, alert: 60_000 },
  deadlineMs: NEON_TIMEOUT_MS + 1_000,

  async poll({ neon: production, atMs, kept, keep }) {
    if (production === null) {
      const detail = "NEON_API_KEY and NEON_PROJECT_ID are not set";
      return answerAll(emits, { unknown: "not_configured", detail });
    }
    const { api, branchId } = production;
    const [branch, retention] = await Promise.all([
      readParent(api, branchId),
      readRetentionSeconds(api),
    ]);
    const history = answerOf(retention, (value) => ({ value }));
    if (!branch.ok || branch.value === null) {
      const unknown: Answer = branch.ok
        ? { unknown: "refused", detail: "the project has no such branch" }
        : unknownBecause(branch.error);
      return { ...answerAll(emits, unknown), "neon.history_retention_seconds": history };
    }
    const [computes, snapshot] = await Promise.all([
      computesOf(api, branch.value.id),
      newestSnapshotMs(api, branch.value.id),
    ]);
    const counted = countedOn(counter.safeParse(kept).data ?? null, branch.value, atMs);
    if (counted !== null) keep(counted);
    return {
      "neon.compute_max_cu": answerOf(computes, (all) => maxCuIn(all)),
      "neon.compute_used_ratio": answerOf(computes, (all) => usedRatio(counted, all, atMs)),
      "neon.history_retention_seconds": history,
      "neon.snapshot_age_seconds": answerOf(snapshot, (momentMs) =>
        momentMs === null
          ? { unknown: "no_data", detail: "there is no snapshot of production's branch" }
          : { value: Math.max(0, (atMs - momentMs) / 1_000) },
      ),
    };
  },
});

type Computes = readonly NeonCompute[];

async function computesOf(api: Neon, branchId: string): Promise<Result<Computes, NeonFailure>> {
  const computes = await listComputes(api);
  return computes.ok
    ? ok(computes.value.filter((compute) => compute.branchId === branchId))
    : computes;
}

function maxCuIn(computes: Computes): Answer {
  const writer = computes.find(({ isWriter }) => isWriter);
  return writer === undefined ? NO_COMPUTE : { value: writer.maxCu };
}

const NO_COMPUTE: Answer = { unknown: "no_data", detail: "production's branch has no compute" };

/** The counter after this look; null where Neon does not count. A new billing period, or another branch, begins anew. */
export function countedOn(
  before: Counter | null,
  { id: branchId, cpuSeconds }: Pick<NeonBranch, "id" | "cpuSeconds">,
  atMs: number,
): Counter | null {
  if (cpuSeconds === null) return null;
  const isNew = before === null || before.branchId !== branchId || cpuSeconds < before.seconds;
  if (isNew) return { branchId, seconds: cpuSeconds, movedAtMs: null, usedCu: null };
  if (cpuSeconds === before.seconds) return before;
  const elapsedMs = before.movedAtMs === null ? null : atMs - before.movedAtMs;
  const usedCu = elapsedMs ? (1_000 * (cpuSeconds - before.seconds)) / elapsedMs : null;
  return { branchId, seconds: cpuSeconds, movedAtMs: atMs, usedCu };
}

/** The counter is of all of them together. */
function usedRatio(counted: Counter | null, computes: Computes, atMs: number): Answer {
  if (counted === null) return { unknown: "no_data", detail: "Neon counts no CPU seconds here" };
  const { usedCu, movedAtMs } = counted;
  if (usedCu === null || movedAtMs === null) {
    return { unknown: "no_data", detail: "Neon's counter has not moved twice yet" };
  }
  if (atMs - movedAtMs > STILL_MS_MAX) {
    return { unknown: "no_data", detail: "Neon's counter stands still" };
  }
  const maxCu = computes.reduce((sum, compute) => sum + compute.maxCu, 0);
  return maxCu > 0 ? { value: usedCu / maxCu } : NO_COMPUTE;
}

const answerOf = <T>(read: Result<T, NeonFailure>, known: (value: T) => Answer): Answer =>
  read.ok ? known(read.value) : unknownBecause(read.error);

const unknownBecause = ({ class: kind, detail }: NeonFailure): Answer => ({
  unknown: kind === "refuse" ? "refused" : "timeout",
  detail,
});
