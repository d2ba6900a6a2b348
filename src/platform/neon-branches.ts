/** Branches of a Neon project: what is there, how far back one can go, and the call that makes one, which changes nothing that is there. */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { pauseFor } from "./deadline.ts";
import type { Neon, NeonFailure } from "./neon.ts";

/** One page; a name is looked for, so that more cannot match. */
const BRANCHES_MAX = 100;
/** An operation that is still at work after so many looks is left to work on. */
const LOOKS_MAX = 10;
const LOOK_EVERY_MS = 500;

const branch = z
  .object({
    id: z.string().min(1).max(60),
    name: z.string().max(256),
    parent_id: z.string().nullish(),
    parent_timestamp: z.iso.datetime({ offset: true }).nullish(),
    current_state: z.string(),
    default: z.boolean(),
    compute_time_seconds: z.number().min(0).nullish(),
  })
  .transform(({ id, name, current_state, default: isDefault, ...given }) => ({
    id,
    name,
    isDefault,
    isReady: current_state === "ready",
    parentId: given.parent_id ?? null,
    parentAtMs: given.parent_timestamp == null ? null : Date.parse(given.parent_timestamp),
    /** CPU seconds that its computes used since the billing period began; the counter lags. */
    cpuSeconds: given.compute_time_seconds ?? null,
  }));

const OPERATION_STATUSES = [
  "scheduling",
  "running",
  "finished",
  "failed",
  "error",
  "cancelling",
  "cancelled",
  "skipped",
] as const;
export const operation = z.object({
  id: z.string().min(1).max(60),
  action: z.string().max(100),
  status: z.enum(OPERATION_STATUSES),
});

export type NeonBranch = z.output<typeof branch>;
export type NeonOperation = z.output<typeof operation>;
type Answer<T> = Promise<Result<T, NeonFailure>>;

/** How far back a branch can go, in seconds. */
export async function readRetentionSeconds({ call }: Neon): Answer<number> {
  const answer = await call({
    method: "GET",
    path: "",
    result: z.object({ project: z.object({ history_retention_seconds: z.int().min(0) }) }),
  });
  return answer.ok ? ok(answer.value.project.history_retention_seconds) : answer;
}

/** The branch that production reads and writes: the given one, or the project's default. Null when there is none. */
export async function readParent(neon: Neon, id: string | null): Answer<NeonBranch | null> {
  const found = await listBranches(neon, id);
  if (!found.ok) return found;
  const isIt =
    id === null ? (one: NeonBranch) => one.isDefault : (one: NeonBranch) => one.id === id;
  return ok(found.value.find(isIt) ?? null);
}

/** The branch of exactly that name, or null. */
export async function findBranch(neon: Neon, name: string): Answer<NeonBranch | null> {
  const found = await listBranches(neon, name);
  return found.ok ? ok(found.value.find((one) => one.name === name) ?? null) : found;
}

export async function listBranches(
  { call }: Neon,
  search: string | null,
): Answer<readonly NeonBranch[]> {
  const answer = await call({
    method: "GET",
    path: "/branches",
    query: { limit: String(BRANCHES_MAX), ...(search === null ? {} : { search }) },
    result: z.object({ branches: z.array(branch).max(BRANCHES_MAX) }),
  });
  return answer.ok ? ok(answer.value.branches) : answer;
}

export type NewBranch = {
  readonly name: string;
  readonly parentId: string;
  /** Null is now. */
  readonly atMs: number | null;
  /** Neon deletes it then. */
  readonly expiresAtMs: number;
};

/** Makes a branch with a compute that can only read; two calls make two branches. */
export const createBranch = (
  { call }: Neon,
  { name, parentId, atMs, expiresAtMs }: NewBranch,
): Answer<{ readonly branch: NeonBranch; readonly operations: readonly NeonOperation[] }> =>
  call({
    method: "POST",
    path: "/branches",
    body: {
      branch: {
        name,
        parent_id: parentId,
        ...(atMs === null ? {} : { parent_timestamp: new Date(atMs).toISOString() }),
        // To the second, as the vendor takes it.
        expires_at: new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, "Z"),
      },
      endpoints: [{ type: "read_only" }],
    },
    result: z.object({ branch, operations: z.array(operation).max(100) }),
  });

/**
 * Sets a branch back to a moment of its own past; what it is now stays under another name, and branches below it move there. Its
 * connection string stays, and connections end once. Two calls would be two restores, but that the name is taken then.
 */
export const restoreBranch = (
  { call }: Neon,
  asked: {
    readonly branchId: string;
    readonly atMs: number;
    readonly preserveUnderName: string;
  },
): Answer<{ readonly branch: NeonBranch; readonly operations: readonly NeonOperation[] }> =>
  call({
    method: "POST",
    path: `/branches/${encodeURIComponent(asked.branchId)}/restore`,
    body: {
      source_branch_id: asked.branchId,
      source_timestamp: new Date(asked.atMs).toISOString(),
      preserve_under_name: asked.preserveUnderName,
    },
    result: z.object({ branch, operations: z.array(operation).max(100) }),
  });

/**
 * Waits a few seconds until all of them have ended well. One that ended badly is a refusal; one that is still at work has an unknown
 * outcome, and so has one that cannot be looked at.
 */
export async function untilEnded(
  neon: Neon,
  operations: readonly NeonOperation[],
  pause: (ms: number) => Promise<void> = pauseFor,
): Promise<Result<null, Failure>> {
  let open = operations;
  for (let look = 0; look <= LOOKS_MAX; look += 1) {
    const bad = open.find(({ status }) => BAD_ENDS.has(status));
    if (bad !== undefined) return fail("refuse", `Neon: ${bad.action} ended as ${bad.status}`);
    open = open.filter(({ status }) => !GOOD_ENDS.has(status));
    if (open.length === 0) return ok(null);
    await pause(LOOK_EVERY_MS);
    const looked = await Promise.all(open.map(({ id }) => readOperation(neon, id)));
    open = open.map((one, index) => {
      const found = looked[index];
      return found?.ok === true ? found.value : one;
    });
  }
  return fail("unknown_outcome", "Neon: it is still at work on it");
}

const GOOD_ENDS: ReadonlySet<NeonOperation["status"]> = new Set(["finished", "skipped"]);
const BAD_ENDS: ReadonlySet<NeonOperation["status"]> = new Set(["failed", "error", "cancelled"]);

async function readOperation({ call }: Neon, id: string): Answer<NeonOperation> {
  const answer = await call({
    method: "GET",
    path: `/operations/${encodeURIComponent(id)}`,
    result: z.object({ operation }),
  });
  return answer.ok ? ok(answer.value.operation) : answer;
}

const fail = (kind: Failure["class"], detail: string): Result<never, Failure> =>
  err({ class: kind, detail });
