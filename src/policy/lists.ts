/** Lists of networks that people keep by the API, as the policy's object holds them, and the policy entries that they are. */
import { z } from "zod";
import { MATCH_ASNS_MAX, MATCH_COUNTRIES_MAX, MATCH_JA4S_MAX } from "./clients.ts";
import { entryIdOf, LIST_ID } from "./list-ids.ts";
import type { PolicyEntry } from "./policy.ts";

export const LISTS_MAX = 100;

export const listId = z.string().regex(LIST_ID, "write up to 60 small letters, digits and hyphens");

/** What is done with requests of a list's clients. `allow` exempts from block, challenge and limit, like the site's allowlist. */
export const LIST_ACTIONS = ["block", "allow"] as const;
export const LIST_MODES = ["enforce", "shadow"] as const;

/** What is said of a list as a whole. */
export const listTerms = z.object({
  id: listId,
  action: z.enum(LIST_ACTIONS),
  mode: z.enum(LIST_MODES),
  owner: z.string().min(1).max(120),
  reason: z.string().min(1).max(500),
  expiresAtMs: z.int(),
});
export type ListTerms = z.infer<typeof listTerms>;

/** A list without its networks. */
export const listHead = listTerms.extend({
  networks: z.int(),
  asns: z.array(z.int()).max(MATCH_ASNS_MAX),
  countries: z.array(z.string()).max(MATCH_COUNTRIES_MAX),
  ja4s: z.array(z.string()).max(MATCH_JA4S_MAX),
  /** Of what is in it and said of it. */
  sha256: z.string(),
  updatedAtMs: z.int(),
});
export type ListHead = z.infer<typeof listHead>;

/** The list as guards see it; null when it means nobody. `tabled` are the entries that have networks in the table. */
export function entryOf(list: ListHead, tabled: ReadonlySet<string>): PolicyEntry | null {
  const { id, action, mode, owner, reason, expiresAtMs, asns, countries, ja4s } = list;
  const match = {
    ...(tabled.has(entryIdOf(id)) ? { listed: true } : {}),
    ...(asns.length > 0 ? { asns } : {}),
    ...(countries.length > 0 ? { countries } : {}),
    ...(ja4s.length > 0 ? { ja4s } : {}),
  };
  if (Object.keys(match).length === 0) return null;
  return {
    id: entryIdOf(id),
    kind: `${action}-networks`,
    owner,
    reason,
    match,
    action: {},
    mode,
    fail: "open",
    share: 1,
    salt: id,
    expiresAtMs,
  };
}
