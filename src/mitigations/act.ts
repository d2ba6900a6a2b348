/** The life cycle of an act: proposed → waiting → (approved) → performing → performed → effective | ineffective, or rehearsed, declined, failed, unclear. */
export const ACT_STATUSES = [
  /** What it would do is being found out. */
  "proposed",
  /** It is known what it would do, and a person or the playbook has yet to say so. */
  "waiting",
  "performing",
  "performed",
  "effective",
  "ineffective",
  /** In shadow: what it would have done was said, and nothing was done. */
  "rehearsed",
  "declined",
  /** It certainly was not done. */
  "failed",
  /** Nobody could tell whether it was done. */
  "unclear",
] as const;
export type ActStatus = (typeof ACT_STATUSES)[number];
