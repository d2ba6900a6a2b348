/** The computes that serve a branch of a Neon project: how far they may grow, and one more that only reads. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import { operation, type NeonOperation } from "./neon-branches.ts";
import type { Neon, NeonFailure } from "./neon.ts";

const COMPUTES_MAX = 1_000;
const MIN_CU = 0.25;
/** Neon lets a compute move within so many units. */
export const SPAN_CU_MAX = 8;

const compute = z
  .object({
    id: z.string().min(1).max(60),
    branch_id: z.string().min(1).max(60),
    host: z.string().min(1).max(255),
    name: z.string().max(64).nullish(),
    type: z.string(),
    current_state: z.string().max(20),
    autoscaling_limit_min_cu: z.number().positive(),
    autoscaling_limit_max_cu: z.number().positive(),
  })
  .transform(({ id, branch_id, host, name, type, current_state, ...limits }) => ({
    id,
    branchId: branch_id,
    host,
    name: name ?? null,
    isWriter: type === "read_write",
    isStarting: current_state === "init",
    minCu: limits.autoscaling_limit_min_cu,
    maxCu: limits.autoscaling_limit_max_cu,
  }));
/** What a change answers, as far as it is read. */
const changed = z.object({ operations: z.array(operation).max(100) });

/** `minCu` and `maxCu` are compute units, of one vCPU and 4 GB each. */
export type NeonCompute = z.output<typeof compute>;
type Answer<T> = Promise<Result<T, NeonFailure>>;

/** Every compute of the project. */
export async function listComputes({ call }: Neon): Answer<readonly NeonCompute[]> {
  const answer = await call({
    method: "GET",
    path: "/endpoints",
    result: z.object({ endpoints: z.array(compute).max(COMPUTES_MAX) }),
  });
  return answer.ok ? ok(answer.value.endpoints) : answer;
}

/** Sets how far it may grow; setting it twice is setting it once. */
export async function setMaxCu(
  { call }: Neon,
  computeId: string,
  maxCu: number,
): Answer<readonly NeonOperation[]> {
  const answer = await call({
    method: "PATCH",
    path: `/endpoints/${encodeURIComponent(computeId)}`,
    body: { endpoint: { autoscaling_limit_max_cu: maxCu } },
    result: changed,
  });
  return answer.ok ? ok(answer.value.operations) : answer;
}

/** One more that only reads. Neon takes two of the same name: look for it first. */
export async function addReader(
  { call }: Neon,
  asked: { readonly branchId: string; readonly name: string; readonly maxCu: number },
): Answer<readonly NeonOperation[]> {
  const answer = await call({
    method: "POST",
    path: "/endpoints",
    body: {
      endpoint: {
        branch_id: asked.branchId,
        type: "read_only",
        name: asked.name,
        autoscaling_limit_min_cu: Math.max(MIN_CU, asked.maxCu - SPAN_CU_MAX),
        autoscaling_limit_max_cu: asked.maxCu,
      },
    },
    result: changed,
  });
  return answer.ok ? ok(answer.value.operations) : answer;
}

/** One that is gone already is removed as well. */
export async function removeCompute(
  { call }: Neon,
  computeId: string,
): Answer<readonly NeonOperation[]> {
  const answer = await call({
    method: "DELETE",
    path: `/endpoints/${encodeURIComponent(computeId)}`,
    result: changed,
  });
  if (!answer.ok) return answer.error.status === 404 ? ok([]) : answer;
  return ok(answer.value.operations);
}
