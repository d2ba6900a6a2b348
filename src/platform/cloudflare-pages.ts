/** What a Pages project serves, and the one call that puts an earlier production build back. */
import { z } from "zod";
import type { Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

const deployment = z
  .object({
    id: z.string().min(1).max(100),
    created_on: z.iso.datetime({ offset: true }),
    environment: z.string(),
    latest_stage: z.object({ name: z.string(), status: z.string() }),
    deployment_trigger: z
      .object({
        metadata: z.object({ commit_hash: z.string().catch(""), branch: z.string().catch("") }),
      })
      .nullish(),
  })
  .transform(({ id, created_on, environment, latest_stage, deployment_trigger }) => ({
    id,
    createdAtMs: Date.parse(created_on),
    isProduction: environment === "production",
    isBuilt: latest_stage.name === "deploy" && latest_stage.status === "success",
    commit: deployment_trigger?.metadata.commit_hash.slice(0, 12) ?? "",
    branch: deployment_trigger?.metadata.branch.slice(0, 100) ?? "",
  }));

export type PagesDeployment = z.output<typeof deployment>;
type Answer<T> = Promise<Result<T, CloudflareFailure>>;

const projectPath = (project: string): string => `/pages/projects/${encodeURIComponent(project)}`;

/** What visitors get; null when the project was never deployed. */
export async function readLivePages(
  { call }: Cloudflare,
  project: string,
): Answer<PagesDeployment | null> {
  const answer = await call({
    method: "GET",
    path: projectPath(project),
    result: z.object({ canonical_deployment: deployment.nullish() }),
  });
  return answer.ok ? { ok: true, value: answer.value.canonical_deployment ?? null } : answer;
}

/** Production builds, newest first. */
export async function readPagesDeployments(
  { call }: Cloudflare,
  project: string,
): Answer<readonly PagesDeployment[]> {
  const answer = await call({
    method: "GET",
    path: `${projectPath(project)}/deployments`,
    query: { env: "production" },
    result: z.array(deployment).max(1_000),
  });
  if (!answer.ok) return answer;
  const newestFirst = answer.value.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  return { ok: true, value: newestFirst.filter(({ isProduction }) => isProduction) };
}

/** Serves an earlier build again. Asking twice is asking once. */
export const rollBackPages = (
  { call }: Cloudflare,
  project: string,
  deploymentId: string,
): Answer<{ readonly id: string }> =>
  call({
    method: "POST",
    path: `${projectPath(project)}/deployments/${encodeURIComponent(deploymentId)}/rollback`,
    result: z.object({ id: z.string().min(1) }),
  });
