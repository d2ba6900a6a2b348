/** What a deploying tool tells us by webhook: evidence of what changed, and no alert. */

/** Kept at once; the oldest go first. */
export const DEPLOYMENTS_MAX = 200;
/** Shown of those before an incident. */
export const DEPLOYMENTS_SHOWN_MAX = 20;

export type Deployment = {
  /** The same deployment in the same state is told once. */
  readonly id: string;
  readonly source: string;
  readonly atMs: number;
  readonly environment: string;
  readonly sha: string;
  /** In the tool's words: `success`, `failure`, `in_progress`, … */
  readonly state: string;
};
