/** What `GuardPolicy` answers over RPC. Works with callers built one version before or after. */
import type { Failure } from "../incidents/journal.ts";
import type { Result } from "../shared/result.ts";
import type { ListHead, ListTerms } from "./lists.ts";
import type { Policy, PolicyEntry, PolicySeq } from "./policy.ts";
import type { PolicyVersion } from "./receipts.ts";

/** Operators look at headers for an hour, not for ever. */
export const POLICY_HEADER_MS_MAX = 24 * 3_600_000;

export type PolicyAnswer = {
  readonly seq: PolicySeq;
  readonly policy: Policy | null;
  /** When the policy with that seq was compiled; an object from before does not say. */
  readonly compiledAtMs?: number;
};

/** `changed`: the list is not the one that the caller took it for; `refused`: the list is wrong, and `detail` says what. */
export type ListRefusal = {
  readonly reason: "changed" | "refused" | "not_found";
  readonly detail: string;
};

export type ListChange = {
  /** The same request twice is done once. */
  readonly request: string;
  /** The `sha256` that the list must have now; `*`: it must be there; null: as it is. */
  readonly ifMatch: string | null;
};

export type PolicyApi = {
  /** The policy when it is newer than `since`, else only how far it is. Cheap: the guard's one call. */
  read(since: PolicySeq | null): Promise<PolicyAnswer>;
  /** Adds or replaces the entry with this id. A malformed one is refused and the last good policy kept. */
  put(entry: PolicyEntry): Promise<Result<{ readonly seq: PolicySeq }, Failure>>;
  get(id: string): Promise<PolicyEntry | null>;
  remove(
    id: string,
  ): Promise<Result<{ readonly seq: PolicySeq; readonly existed: boolean }, Failure>>;
  entries(): Promise<readonly PolicyEntry[]>;
  /** The bytes of a table that the policy names, or the one before named; null when there is none of this name. */
  blob(sha256: string): Promise<Uint8Array | null>;
  /** Replaces or makes a list, whole or not at all. `parts` are its lines, as network-list-text.ts writes them. */
  putList(
    terms: ListTerms,
    parts: readonly string[],
    change: ListChange,
  ): Promise<Result<ListHead, ListRefusal>>;
  removeList(id: string, change: ListChange): Promise<Result<null, ListRefusal>>;
  lists(): Promise<readonly ListHead[]>;
  /** The list's lines; null when there is no such list. */
  listParts(id: string): Promise<readonly string[] | null>;
  /** The last fifty since the object started, the newest first. */
  versions(): Promise<readonly PolicyVersion[]>;
  /** How often guards should ask: shorter while anything is open. */
  setPollMs(pollMs: number): Promise<void>;
  /** Lets every answer of the guard name its policy until then; null ends it. */
  nameUntil(untilMs: number | null): Promise<Result<{ readonly seq: PolicySeq }, Failure>>;
};
