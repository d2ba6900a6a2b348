/** A person's word that what an integrity check finds now is right: rows that are gone may be, a table that changed was meant to. */

export const ACCEPTED_WHY_CHARACTERS_MAX = 500;

export type Acceptance = {
  /** As `site.yaml` has it. */
  readonly check: string;
  readonly atMs: number;
  readonly by: string;
  readonly why: string;
};

/** The checks whose state was accepted after they were last judged; earlier acceptances are judged already. */
export const acceptedSince = (
  acceptances: readonly Acceptance[],
  judgedAtMs: number,
): readonly string[] =>
  acceptances.filter(({ atMs }) => atMs > judgedAtMs).map(({ check }) => check);
