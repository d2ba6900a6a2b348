/** Names that the write journal goes by in the environment and among objects. */

/** `journal:<id of the route>`, out of the configuration and never out of a request. */
export const journalName = (routeId: string): string => `journal:${routeId}`;

/** The route of a journal's name; null when it is none. */
export const routeIdOf = (name: string | undefined): string | null =>
  name?.startsWith("journal:") === true ? name.slice("journal:".length) : null;

export const isJournalSecret = (name: string): name is `JOURNAL_${string}` =>
  name.startsWith("JOURNAL_");
