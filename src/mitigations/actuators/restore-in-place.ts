/**
 * Sets production's branch back to the last moment at which every integrity check held. What it is now stays under another name, and
 * with it all that was written since: two different people must agree.
 */
import { z } from "zod";
import {
  findBranch,
  readParent,
  restoreBranch,
  untilEnded,
  type NeonBranch,
} from "../../platform/neon-branches.ts";
import {
  findPastBranch,
  presentBranchName,
  tooLongAgo,
  type PastBranch,
} from "../../platform/neon-kept.ts";
import type { NeonFailure } from "../../platform/neon.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcTime } from "../../shared/utc.ts";
import {
  defineAct,
  type AskedAct,
  type JudgedAct,
  type NeonReach,
  type Reach,
} from "../actuator.ts";

const PEOPLE = 2;

/** To which moment is what the branch that was kept holds, and the name is the act's: there is nothing to choose. */
const options = z.strictObject({});
const judged = z.object({
  branchId: z.string(),
  /** The branch on which that moment was looked at. */
  verifiedId: z.string(),
  atMs: z.number(),
});
type Options = z.output<typeof options>;
type Restore = JudgedAct<Options, z.infer<typeof judged>>;

export const restoreInPlace = defineAct({
  id: "restore-in-place",
  kind: "act",
  options,
  judged,
  traits: { siteWide: true, approvals: PEOPLE },
  plan: () => ({
    siteWide: true,
    approvals: PEOPLE,
    touches: "everybody: all data goes back to the last clean moment, and connections end once",
  }),
  missing: ({ neon }) => (neon === null ? MISSING : null),

  async judge(act, reach) {
    const found = await lookBack(act, reach);
    if (!found.ok) return found;
    const { branch, verified } = found.value;
    const { atMs } = verified;
    return ok({
      judged: { branchId: branch.id, verifiedId: verified.id, atMs },
      says: `set ${branch.name} back to ${utcTime(atMs)} UTC, when every check last held; what it is now, and all that was written since, stays only as branch ${nameOf(act, reach)}, and every connection ends once`,
    });
  },

  async perform(act, reach) {
    if (reach.neon === null) return refuse(MISSING);
    const { api } = reach.neon;
    const before = await look(act, reach, reach.neon);
    if (!before.ok) return before;
    if (before.value.done) return ok(before.value);
    const found = await lookBack(act, reach);
    if (!found.ok) return found;
    const { branchId, verifiedId, atMs } = act.judged;
    const { branch, verified } = found.value;
    if (branch.id !== branchId || verified.id !== verifiedId || verified.atMs !== atMs) {
      return refuse("production's branch, or the one that was kept, is another since");
    }
    const preserveUnderName = nameOf(act, reach);
    const restored = await restoreBranch(api, { branchId, atMs, preserveUnderName });
    if (!restored.ok) return restored;
    const ended = await untilEnded(api, restored.value.operations);
    if (!ended.ok) return ended;
    const after = await look(act, reach, reach.neon);
    if (!after.ok) return after;
    return after.value.done
      ? ok(after.value)
      : err({ class: "unknown_outcome", detail: "Neon does not show what was preserved" });
  },

  async confirm(act, reach) {
    return reach.neon === null ? refuse(MISSING) : look(act, reach, reach.neon);
  },
});

type Found = { readonly branch: NeonBranch; readonly verified: PastBranch };
type Answer<T> = Promise<Result<T, NeonFailure | Refusal>>;

/** Production's branch, and the one beside it that holds the moment to go back to. */
async function lookBack(
  { incidentId }: Pick<AskedAct<Options>, "incidentId">,
  { neon, instance }: Reach,
): Answer<Found> {
  if (neon === null) return refuse(MISSING);
  const branch = await readParent(neon.api, neon.branchId);
  if (!branch.ok) return branch;
  if (branch.value === null) return refuse("the project has no such branch");
  const verified = await findPastBranch(neon.api, { instance, incidentId });
  if (!verified.ok) return verified;
  if (verified.value === null || !verified.value.isReady) {
    return err({
      class: "retry",
      detail: "no branch of the last clean moment is there on which that could be looked at first",
    });
  }
  if (verified.value.parentId !== branch.value.id) {
    return refuse("the branch of the last clean moment is none of production's any more");
  }
  const { atMs } = verified.value;
  const obstacle = await tooLongAgo(neon.api, { atMs, nowMs: neon.now() });
  return obstacle === null ? ok({ branch: branch.value, verified: verified.value }) : err(obstacle);
}

/** Was it done? The name under which the present is kept is this act's alone. */
async function look(act: Restore, reach: Reach, { api }: NeonReach) {
  const name = nameOf(act, reach);
  const kept = await findBranch(api, name);
  if (!kept.ok) return kept;
  if (kept.value === null) return ok({ done: false } as const);
  const { branchId, atMs } = act.judged;
  const branch = await readParent(api, branchId);
  if (!branch.ok) return branch;
  if (branch.value?.isReady !== true || !kept.value.isReady) {
    return err({
      class: "unknown_outcome",
      detail: "Neon is still at work on the restore",
    } as const);
  }
  return ok({
    done: true,
    says: `set ${branch.value.name} back to ${utcTime(atMs)} UTC; what it was is branch ${name} (${kept.value.id})`,
    receipt: { branchId, atMs, preservedId: kept.value.id, preservedName: name },
  } as const);
}

const nameOf = ({ id }: Pick<AskedAct<Options>, "id">, { instance }: Reach): string =>
  presentBranchName(instance, id);

const MISSING = "NEON_API_KEY and NEON_PROJECT_ID are not set";
type Refusal = { readonly class: "refuse" | "retry"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });
