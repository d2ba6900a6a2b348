/**
 * What changed since production was last well: the commits between the deployment before the live one and the harm, with author and
 * age; and the deployments that GitHub told of before the harm, which need no token.
 */
import type { Deployment } from "../../alerts/deployments.ts";
import { readDeployments } from "../../platform/cloudflare-workers.ts";
import { redact } from "../../shared/redact.ts";
import { ok } from "../../shared/result.ts";
import { agoText, refuse } from "./cloudflare-missing.ts";
import { defineCollector, type CollectorContext } from "./collector.ts";

/** How far back to look where nobody knows of the deployment before; and the furthest at all. */
const DAY_MS = 24 * 3_600_000;
const BACK_MS_MAX = 30 * DAY_MS;
const LISTED_MAX = 30;
const MESSAGE_CHARS_MAX = 200;
const SHA_CHARS = 12;

export const githubCommits = defineCollector({
  id: "github-commits",

  async collect(context) {
    const { github, onsetAtMs } = context;
    const told = await context.deployments(onsetAtMs);
    const deployments = told.map(({ sha, ...rest }) => ({
      ...rest,
      sha: sha.slice(0, SHA_CHARS),
      beforeOnsetMs: onsetAtMs - rest.atMs,
    }));
    if (github === null) {
      return told.length === 0
        ? refuse("GITHUB_TOKEN is not set, or site.yaml names no github repository")
        : ok({ summary: deployedText(told, onsetAtMs), facts: { deployments } });
    }
    const since = await lastGood(context);
    const read = await github.commits({ fromMs: since.atMs, toMs: onsetAtMs });
    if (!read.ok) return read;
    const { commits, isWhole } = read.value;
    const [latest] = commits;
    const count = `${isWhole ? "" : "at least "}${commits.length}`;
    return ok({
      summary: [
        latest === undefined
          ? `no commit to ${github.name} ${since.says}`
          : `${count} commits to ${github.name} ${since.says}, the last by ${latest.author} ${agoText(latest.atMs, onsetAtMs)}`,
        ...(told.length === 0 ? [] : [deployedText(told, onsetAtMs)]),
      ].join("; "),
      facts: {
        deployments,
        repository: github.name,
        sinceMs: since.atMs,
        since: since.says,
        isWhole: isWhole && commits.length <= LISTED_MAX,
        commits: commits.slice(0, LISTED_MAX).map(({ sha, atMs, author, message }) => ({
          sha: sha.slice(0, SHA_CHARS),
          atMs,
          beforeOnsetMs: onsetAtMs - atMs,
          author,
          message: redact(message).slice(0, MESSAGE_CHARS_MAX),
        })),
      },
    });
  },
});

const deployedText = (told: readonly Deployment[], onsetAtMs: number): string => {
  const [last] = told;
  return last === undefined
    ? ""
    : `GitHub says ${last.environment || "something"} was deployed ${agoText(last.atMs, onsetAtMs)} (${last.state}, ${last.sha.slice(0, SHA_CHARS)})`;
};

/** When the version before the live one was deployed: what it had was well enough to be replaced by a change. */
async function lastGood({
  cloudflare,
  onsetAtMs,
}: CollectorContext): Promise<{ readonly atMs: number; readonly says: string }> {
  const unknown = { atMs: onsetAtMs - DAY_MS, says: "in the day before the harm began" };
  if (cloudflare === null || cloudflare.worker === null) return unknown;
  const deployments = await readDeployments(cloudflare.api, cloudflare.worker);
  if (!deployments.ok) return unknown;
  const before = deployments.value.filter(({ createdAtMs }) => createdAtMs <= onsetAtMs)[1];
  if (before === undefined) return unknown;
  return {
    atMs: Math.max(before.createdAtMs, onsetAtMs - BACK_MS_MAX),
    says: "since the deployment before the last one",
  };
}
