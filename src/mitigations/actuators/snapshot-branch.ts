/**
 * Keeps the data as it is now, or as it was when every integrity check last held, as a branch beside production: nothing that is there
 * changes, and Neon deletes it by itself when its time is up.
 */
import { z } from "zod";
import { createBranch, findBranch, readParent, untilEnded } from "../../platform/neon-branches.ts";
import { pastBranchName, presentBranchName, tooLongAgo } from "../../platform/neon-kept.ts";
import type { Neon } from "../../platform/neon.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcTime } from "../../shared/utc.ts";
import { defineAct, type JudgedAct, type Reach } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";

const DAY_MS = 86_400_000;
const KEEP_MS_MAX = 30 * DAY_MS;

const options = z.strictObject({
  /** `clean`: the last moment at which every declared integrity check held. */
  at: z.enum(["now", "clean"]),
  /** Since the harm began. */
  keep: durationOption(DAY_MS, KEEP_MS_MAX).default("7d"),
});
const judged = z.object({ parentId: z.string(), atMs: z.number().nullable() });
type Judged = z.infer<typeof judged>;
type Snapshot = JudgedAct<z.output<typeof options>, Judged>;

export const snapshotBranch = defineAct({
  id: "snapshot-branch",
  kind: "act",
  options,
  judged,
  traits: { siteWide: false, beside: true },
  plan: ({ at, keep }) => ({
    siteWide: false,
    touches: `nobody: the data ${at === "now" ? "of now" : "of the last clean moment"} is kept beside production for ${keep}`,
  }),
  missing: ({ neon }) => (neon === null ? MISSING : null),

  async judge({ options: { at } }, reach) {
    const { neon } = reach;
    if (neon === null) return refuse(MISSING);
    const parent = await readParent(neon.api, neon.branchId);
    if (!parent.ok) return parent;
    if (parent.value === null) return refuse("the project has no such branch");
    const { id: parentId, name } = parent.value;
    if (at === "now") {
      return ok({
        judged: { parentId, atMs: null },
        says: `keep ${name} as it is now in a branch`,
      });
    }
    const cleanAtMs = await neon.cleanAtMs();
    if (cleanAtMs === null) return refuse("nobody knows when every integrity check last held");
    const obstacle = await tooLongAgo(neon.api, { atMs: cleanAtMs, nowMs: neon.now() });
    if (obstacle !== null) return err(obstacle);
    return ok({
      judged: { parentId, atMs: cleanAtMs },
      says: `keep ${name} as it was at ${utcTime(cleanAtMs)} UTC, when every check last held, in a branch`,
    });
  },

  async perform(act, reach) {
    const { neon } = reach;
    if (neon === null) return refuse(MISSING);
    const found = await look(neon.api, act, reach);
    if (!found.ok) return found;
    if (found.value.done) return ok(found.value);
    const { parentId, atMs } = act.judged;
    if (atMs !== null) {
      const obstacle = await tooLongAgo(neon.api, { atMs, nowMs: neon.now() });
      if (obstacle !== null) return err(obstacle);
    }
    const made = await createBranch(neon.api, {
      name: nameOf(act, reach),
      parentId,
      atMs,
      expiresAtMs: act.onsetAtMs + msOf(act.options.keep),
    });
    if (!made.ok) return made;
    const ended = await untilEnded(neon.api, made.value.operations);
    return ended.ok ? ok(doneWith(made.value.branch.id, act, reach)) : ended;
  },

  async confirm(act, reach) {
    return reach.neon === null ? refuse(MISSING) : look(reach.neon.api, act, reach);
  },
});

/** Is it there? While Neon is at work on it, nobody can tell. */
async function look(api: Neon, act: Snapshot, reach: Reach) {
  const found = await findBranch(api, nameOf(act, reach));
  if (!found.ok) return found;
  if (found.value === null) return ok({ done: false } as const);
  if (!found.value.isReady) {
    return err({
      class: "unknown_outcome",
      detail: "Neon is still at work on the branch",
    } as const);
  }
  return ok({ done: true, ...doneWith(found.value.id, act, reach) } as const);
}

/** One branch for an incident and a moment of the past; one for each act that keeps the present. */
const nameOf = ({ id, incidentId, judged: { atMs } }: Snapshot, { instance }: Reach): string =>
  atMs === null ? presentBranchName(instance, id) : pastBranchName({ instance, incidentId }, atMs);

const doneWith = (branchId: string, act: Snapshot, reach: Reach) => ({
  says: `kept it as branch ${nameOf(act, reach)} (${branchId}) for ${act.options.keep}`,
  receipt: { branchId, name: nameOf(act, reach) },
});

const MISSING = "NEON_API_KEY and NEON_PROJECT_ID are not set";
type Refusal = { readonly class: "refuse"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });
