/** What somebody did in a pager about an incident of ours, as the pager says: an answer, and no alert. */

export type PagerAnswer = {
  /** The same answer told again is one. */
  readonly id: string;
  /** As we gave it to the pager, to tell its alerts apart. */
  readonly incidentId: string;
  /** What people call the pager. */
  readonly pager: string;
  /** Whom the pager names. */
  readonly who: string;
  readonly deed: "acknowledge" | "resolve";
  readonly saidAtMs: number;
};

export const WHO_CHARS_MAX = 100;
