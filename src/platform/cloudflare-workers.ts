/** What runs as a Worker, and since when: its deployments, newest first, and the one call that makes another. */
import { z } from "zod";
import type { Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

/** A version cannot be rolled back to when secrets changed since; only at the deployments endpoint. */
export const SECRETS_CHANGED_CODE = 10220;
/** Of deployments, newest first, what is looked at. */
export const DEPLOYMENTS_MAX = 100;
const MESSAGE_BYTES_MAX = 1_000;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const deployment = z
  .object({
    id: z.string().min(1).max(100),
    created_on: instant,
    source: z.string().max(100).catch(""),
    author_email: z.string().max(320).catch(""),
    versions: z
      .array(z.object({ version_id: z.string().min(1).max(100), percentage: z.number() }))
      .min(1)
      .max(10),
    annotations: z
      .looseObject({ "workers/message": z.string().catch("") })
      .nullish()
      .catch(null),
  })
  .transform(({ id, created_on, source, author_email, versions, annotations }) => ({
    id,
    createdAtMs: created_on,
    source,
    author: author_email,
    versions: versions.map(({ version_id, percentage }) => ({ id: version_id, percentage })),
    message: annotations?.["workers/message"] ?? "",
  }));

export type Deployment = z.output<typeof deployment>;
type Answer<T> = Promise<Result<T, CloudflareFailure>>;

const scriptPath = (script: string): string => `/workers/scripts/${encodeURIComponent(script)}`;

/** Newest first: the first is live. */
export async function readDeployments(
  { call }: Cloudflare,
  script: string,
): Answer<readonly Deployment[]> {
  const answer = await call({
    method: "GET",
    path: `${scriptPath(script)}/deployments`,
    result: z.object({ deployments: z.array(deployment) }),
  });
  return answer.ok
    ? { ok: true, value: answer.value.deployments.slice(0, DEPLOYMENTS_MAX) }
    : answer;
}

/** The versions that may still be deployed: a hundred of the newest. */
export async function readDeployable(
  { call }: Cloudflare,
  script: string,
): Answer<ReadonlySet<string>> {
  const answer = await call({
    method: "GET",
    path: `${scriptPath(script)}/versions`,
    query: { deployable: "true" },
    result: z.object({ items: z.array(z.object({ id: z.string() })).max(1_000) }),
  });
  return answer.ok ? { ok: true, value: new Set(answer.value.items.map(({ id }) => id)) } : answer;
}

/** Deploys one version to everybody. `force`: although secrets have changed since it last ran. */
export const deployVersion = (
  { call }: Cloudflare,
  script: string,
  {
    versionId,
    message,
    force,
  }: { readonly versionId: string; readonly message: string; readonly force: boolean },
): Answer<{ readonly id: string }> =>
  call({
    method: "POST",
    path: `${scriptPath(script)}/deployments`,
    ...(force ? { query: { force: "true" } } : {}),
    body: {
      strategy: "percentage",
      versions: [{ version_id: versionId, percentage: 100 }],
      annotations: { "workers/message": message.slice(0, MESSAGE_BYTES_MAX) },
    },
    result: z.object({ id: z.string().min(1) }),
  });

/** The names of the secrets that the vendor says have changed; null when that is not why it refused. */
export function changedSecrets({ errors }: CloudflareFailure): readonly string[] | null {
  const refusal = errors.find(({ code }) => code === SECRETS_CHANGED_CODE);
  if (refusal === undefined) return null;
  const [, names = ""] = refusal.message.split("The following secrets have changed:");
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
