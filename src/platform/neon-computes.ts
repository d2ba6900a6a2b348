/** The compute that serves a branch of a Neon project, and how far it may grow. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import { operation, type NeonOperation } from "./neon-branches.ts";
import type { Neon, NeonFailure } from "./neon.ts";

const COMPUTES_MAX = 1_000;

const compute = z
  .object({
    id: z.string().min(1).max(60),
    branch_id: z.string().min(1).max(60),
    host: z.string().min(1).max(255),
    type: z.string(),
    autoscaling_limit_min_cu: z.number().positive(),
    autoscaling_limit_max_cu: z.number().positive(),
  })
  .transform(
    ({ id, branch_id, host, type, autoscaling_limit_min_cu, autoscaling_limit_max_cu }) => ({
      id,
      branchId: branch_id,
      host,
      isWriter: type === "read_write",
      minCu: autoscaling_limit_min_cu,
      maxCu: autoscaling_limit_max_cu,
    }),
  );

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
    result: z.object({ operations: z.array(operation).max(100) }),
  });
  return answer.ok ? ok(answer.value.operations) : answer;
}
