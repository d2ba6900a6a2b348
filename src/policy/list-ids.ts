/** How a list of networks is called, where people write of it, and in the policy. */
import type { PolicyEntry } from "./policy.ts";

export const LIST_ID = /^[a-z0-9][a-z0-9-]{0,59}$/;

const ENTRY_PREFIX = "list_";

export const entryIdOf = (id: string): string => `${ENTRY_PREFIX}${id}`;

/** Entries of lists are not leases: no incident answers for them, and only the list's own routes change them. */
export const isListEntry = ({ id }: Pick<PolicyEntry, "id">): boolean =>
  id.startsWith(ENTRY_PREFIX);
