/** Snapshots that Neon keeps of a project's branches: backups of their own, which outlive the history. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import type { Neon, NeonFailure } from "./neon.ts";

const SNAPSHOTS_MAX = 1_000;

const snapshot = z.object({
  source_branch_id: z.string().nullish(),
  /** The moment it holds; without it, when it was made. */
  timestamp: z.iso.datetime({ offset: true }).nullish(),
  created_at: z.iso.datetime({ offset: true }),
});

/** The latest moment that a snapshot of the branch holds, epoch milliseconds; null without any. */
export async function newestSnapshotMs(
  { call }: Neon,
  branchId: string,
): Promise<Result<number | null, NeonFailure>> {
  const answer = await call({
    method: "GET",
    path: "/snapshots",
    result: z.object({ snapshots: z.array(snapshot).max(SNAPSHOTS_MAX) }),
  });
  if (!answer.ok) return answer;
  const moments = answer.value.snapshots
    .filter(({ source_branch_id: of }) => of === branchId)
    .map(({ timestamp, created_at: madeAt }) => Date.parse(timestamp ?? madeAt));
  return ok(moments.length === 0 ? null : Math.max(...moments));
}
