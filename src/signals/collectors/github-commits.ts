/** What changed since production was last well: the commits between the deployment before the live one and the harm, with author and age. */
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
    if (github === null) {
      return refuse("GITHUB_TOKEN is not set, or site.yaml names no github repository");
    }
    const since = await lastGood(context);
    const read = await github.commits({ fromMs: since.atMs, toMs: onsetAtMs });
    if (!read.ok) return read;
    const { commits, isWhole } = read.value;
    const [latest] = commits;
    const count = `${isWhole ? "" : "at least "}${commits.length}`;
    return ok({
      summary:
        latest === undefined
          ? `no commit to ${github.name} ${since.says}`
          : `${count} commits to ${github.name} ${since.says}, the last by ${latest.author} ${agoText(latest.atMs, onsetAtMs)}`,
      facts: {
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
